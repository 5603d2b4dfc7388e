namespace R1Grains.Ledger;

/// <summary>A customer's input, and all that decides the answer to it.</summary>
public sealed record TurnOpened
{
    public required ConversationKey Key { get; init; }

    /// <summary>1, 2, 3 … without gaps.</summary>
    public required int Turn { get; init; }

    /// <summary>Of the activation that writes, from <see cref="TakenOver"/>.</summary>
    public required long Epoch { get; init; }

    /// <summary>The client's id; one conversation never holds two turns with the same.</summary>
    public required string RequestId { get; init; }

    /// <summary>Over the request's meaning without its id.</summary>
    public required Digest PayloadHash { get; init; }

    public required DateTimeOffset Time { get; init; }

    /// <summary>When the turn is to be closed though nobody waits for it.</summary>
    public required DateTimeOffset Deadline { get; init; }

    public required string Caller { get; init; }

    /// <summary>As it came, but for codes that nobody may keep (one-time passwords, card verification values, PINs): those are covered.</summary>
    public required string Input { get; init; }

    public required string LanguageCode { get; init; }

    public required IReadOnlyList<Passage> Passages { get; init; }

    public required Release Release { get; init; }

    public required SamplingSettings Sampling { get; init; }

    public required ContextReport Context { get; init; }

    /// <summary>Fingerprint of the arithmetic of the device that began the answer; null where none was asked.</summary>
    public Digest? Numerics { get; init; }

    /// <summary>Version of the lexicon by which the input was checked; null in turns from before there was one.</summary>
    public Digest? Lexicon { get; init; }

    /// <summary>In the input. Where one does more than to mask, no model was asked.</summary>
    public IReadOnlyList<LexiconHit> Hits { get; init; } = [];

    /// <summary>In the input, and covered for the model; null in turns from before it was looked for.</summary>
    public IReadOnlyList<PersonalItem>? PersonalData { get; init; }

    /// <summary>How the customer is told that a machine answers; null in turns from before they were told.</summary>
    public AiDisclosure? Disclosure { get; init; }
}

/// <param name="Notice">Shown with the turn's acceptance; empty where it is not the conversation's first, or the tenant has none.</param>
/// <param name="IsLabelled">Whether each text that is shown is labelled as a model's or not.</param>
public sealed record AiDisclosure(string Notice, bool IsLabelled);

/// <param name="Source">Names the document.</param>
/// <param name="Revision">Names the document's state, e.g. its hash.</param>
/// <param name="Text">As the model saw it.</param>
public sealed record Passage(string Source, string Revision, string Text);

/// <summary>What answers.</summary>
/// <param name="ModelHash">Over the model folder.</param>
/// <param name="Template">Name of the chat template.</param>
/// <param name="PolicyHash">Over the policy prompt.</param>
public sealed record Release(string ModelName, Digest ModelHash, string Template, string PolicyVersion, Digest PolicyHash);

/// <summary>With the prompt's token ids, the release and the arithmetic, enough to sample the same tokens again.</summary>
public sealed record SamplingSettings
{
    public required decimal Temperature { get; init; }

    public required decimal TopP { get; init; }

    public required int TopK { get; init; }

    public required decimal RepetitionPenalty { get; init; }

    public required ulong Seed { get; init; }

    /// <summary>Reasoning and answer together.</summary>
    public required int MaxTokens { get; init; }

    /// <summary>Tokens after which the end of reasoning is forced.</summary>
    public required int ReasoningBudget { get; init; }

    public required IReadOnlyList<string> StopStrings { get; init; }
}

/// <summary>How the prompt was fitted into the window: tokens, but for the two counts of turns.</summary>
public sealed record ContextReport(
    int Window,
    int Reserved,
    int Policy,
    int History,
    int Passages,
    int Input,
    int TurnsKept,
    int TurnsDropped);
