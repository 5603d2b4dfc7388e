using System.Collections.Immutable;
using System.Diagnostics;
using R1Grains.Compliance;

namespace R1Grains.Conversations;

public enum Concurrency
{
    Queue,
    Reject,
    Supersede,
}

/// <summary>What a client asks of a conversation, mapped once from the wire.</summary>
/// <param name="PayloadHash">SHA-256 over the request's meaning without its id; the same id with another hash is refused.</param>
/// <param name="ExpectedIndex">Null, or the only index (from 1) as which the turn may be accepted.</param>
/// <param name="Deadline">When the caller stops waiting for acceptance and answer; null for the server's own bound.</param>
[GenerateSerializer, Immutable, Alias("r1.UserTurn")]
public sealed record UserTurn(
    [property: Id(0)] string RequestId,
    [property: Id(1)] byte[] PayloadHash,
    [property: Id(2)] string Text,
    [property: Id(3)] Concurrency Concurrency,
    [property: Id(4)] int? ExpectedIndex,
    [property: Id(5)] string Caller,
    [property: Id(6)] DateTimeOffset? Deadline)
{
    /// <summary>The span of the call that asks; default for none.</summary>
    [Id(7)]
    public ActivityContext Trace { get; init; }

    /// <summary>What of the words tells who the customer is; codes that nobody may keep are covered in the text already.</summary>
    [Id(8)]
    public ImmutableArray<PersonalDataSpan> PersonalData { get; init; } = [];

    /// <summary>Set where a person decides about an earlier turn, whose words are asked again; the text is empty then.</summary>
    [Id(9)]
    public Review? Review { get; init; }

    // Orleans can write the arguments of a call into a log or an exception, so what holds words says how many.
    public override string ToString() => $"turn {RequestId} of {Text.Length} characters";
}

[GenerateSerializer, Immutable, Alias("r1.NewConversation")]
public sealed record NewConversation(
    [property: Id(0)] string RequestId,
    [property: Id(1)] byte[] PayloadHash,
    [property: Id(2)] string Caller,
    [property: Id(3)] string Channel,
    [property: Id(4)] string Customer,
    [property: Id(5)] string Agent,
    [property: Id(6)] string LanguageCode,
    [property: Id(7)] ImmutableSortedDictionary<string, string> Labels,
    [property: Id(8)] TimeSpan IdleTimeout)
{
    /// <inheritdoc cref="UserTurn.ToString"/>
    public override string ToString() => $"conversation {RequestId}";
}

[GenerateSerializer, Immutable, Alias("r1.ConversationView")]
public sealed record ConversationView(
    [property: Id(0)] string Tenant,
    [property: Id(1)] string Conversation,
    [property: Id(2)] bool Completed,
    [property: Id(3)] string Channel,
    [property: Id(4)] string Customer,
    [property: Id(5)] string Agent,
    [property: Id(6)] string LanguageCode,
    [property: Id(7)] ImmutableSortedDictionary<string, string> Labels,
    [property: Id(8)] TimeSpan IdleTimeout,
    [property: Id(9)] DateTimeOffset CreateTime,
    [property: Id(10)] DateTimeOffset UpdateTime,
    [property: Id(11)] DateTimeOffset? CompleteTime,
    [property: Id(12)] int TurnCount)
{
    /// <summary>Whether its words are gone for good: who the customer is, its labels and its texts are empty then.</summary>
    [Id(13)]
    public bool IsErased { get; init; }

    /// <inheritdoc cref="UserTurn.ToString"/>
    public override string ToString() => $"conversation {Tenant}/{Conversation} of {TurnCount} turns";
}

public enum TurnState
{
    Queued,
    Running,
    Completed,
    Cancelled,
    Failed,
    Interrupted,
    Blocked,
    Held,
}

/// <param name="Input">For who has lifted the masks.</param>
/// <param name="Masked">The input for everybody else.</param>
/// <param name="Notice">What the customer was told with its acceptance: that a machine answers. Empty for nothing.</param>
/// <param name="IsGenerated">Whether a model wrote any of the output; null where the tenant labels nothing, or there is none.</param>
[GenerateSerializer, Immutable, Alias("r1.TurnView")]
public sealed record TurnView(
    [property: Id(0)] int Index,
    [property: Id(1)] string RequestId,
    [property: Id(2)] TurnState State,
    [property: Id(3)] string Input,
    [property: Id(11)] string Masked,
    [property: Id(4)] string Output,
    [property: Id(5)] long LastSequence,
    [property: Id(6)] Completed? Completed,
    [property: Id(7)] Refusal? Failure,
    [property: Id(8)] DateTimeOffset CreateTime,
    [property: Id(9)] DateTimeOffset? FirstTextTime,
    [property: Id(10)] DateTimeOffset? EndTime,
    [property: Id(12)] string Notice,
    [property: Id(13)] bool? IsGenerated)
{
    /// <summary>Whether its words are gone for good; both texts are empty then.</summary>
    [Id(14)]
    public bool IsErased { get; init; }

    /// <inheritdoc cref="UserTurn.ToString"/>
    public override string ToString() => $"turn {Index}, {State}, of {Input.Length} and {Output.Length} characters";
}

/// <summary>
/// What happens in a turn, in order. <see cref="Sequence"/> numbers released text 1, 2, 3 …; every other event carries
/// the number of the last text before it.
/// </summary>
[GenerateSerializer, Immutable, Alias("r1.TurnEvent")]
public abstract record TurnEvent([property: Id(0)] long Sequence, [property: Id(1)] DateTimeOffset Time);

/// <param name="Notice">What the customer is told at the beginning of a conversation: that a machine answers. Else empty.</param>
[GenerateSerializer, Immutable, Alias("r1.Accepted")]
public sealed record Accepted(DateTimeOffset Time, [property: Id(0)] int Turn, [property: Id(1)] string Notice) : TurnEvent(0, Time)
{
    /// <summary>Whether an earlier request has begun the turn, which this one attaches to, or replays.</summary>
    [Id(2)]
    public bool IsAgain { get; init; }

    /// <summary>The same for everybody who asks.</summary>
    public override string ToString() => $"accepted as turn {Turn}: {Notice}";
}

[GenerateSerializer, Immutable, Alias("r1.QueuePosition")]
public sealed record QueuePosition(DateTimeOffset Time, [property: Id(0)] int Position) : TurnEvent(0, Time);

[GenerateSerializer, Immutable, Alias("r1.ReasoningProgress")]
public sealed record ReasoningProgress(DateTimeOffset Time, [property: Id(0)] int Tokens) : TurnEvent(0, Time);

/// <param name="IsGenerated">Whether a model wrote it; null where the tenant labels nothing.</param>
[GenerateSerializer, Immutable, Alias("r1.TextReleased")]
public sealed record TextReleased(long Sequence, DateTimeOffset Time, [property: Id(0)] string Text, [property: Id(1)] bool? IsGenerated) : TurnEvent(Sequence, Time)
{
    /// <inheritdoc cref="UserTurn.ToString"/>
    public override string ToString() => $"text {Sequence} of {Text.Length} characters{(IsGenerated is { } by ? by ? ", a model's" : ", the house's" : "")}";
}

[GenerateSerializer, Immutable, Alias("r1.Heartbeat")]
public sealed record Heartbeat(long Sequence, DateTimeOffset Time) : TurnEvent(Sequence, Time);

/// <param name="PersonalData">Items that were covered in input, answer and reasoning, by kind.</param>
[GenerateSerializer, Immutable, Alias("r1.Completed")]
public sealed record Completed(
    long Sequence,
    DateTimeOffset Time,
    [property: Id(0)] FinishReason FinishReason,
    [property: Id(1)] Usage Usage,
    [property: Id(2)] ContextReport Context,
    [property: Id(3)] Release Release,
    [property: Id(4)] Receipt Receipt,
    [property: Id(5)] ImmutableSortedDictionary<string, int> PersonalData) : TurnEvent(Sequence, Time);

[GenerateSerializer, Immutable, Alias("r1.Failed")]
public sealed record Failed(long Sequence, DateTimeOffset Time, [property: Id(0)] Refusal Refusal) : TurnEvent(Sequence, Time);

[GenerateSerializer, Immutable, Alias("r1.WatchedEvent")]
public sealed record WatchedEvent([property: Id(0)] int Turn, [property: Id(1)] TurnEvent Event);

public enum FinishReason
{
    Stop,
    Length,
    ReasoningBudget,
    Cancelled,
    Guardrail,
    Interrupted,
    Review,
}

[GenerateSerializer, Immutable, Alias("r1.Usage")]
public sealed record Usage([property: Id(0)] int PromptTokens, [property: Id(1)] int ReasoningTokens, [property: Id(2)] int AnswerTokens);

/// <summary>All in tokens, but for the two counts of turns.</summary>
[GenerateSerializer, Immutable, Alias("r1.ContextReport")]
public sealed record ContextReport(
    [property: Id(0)] int Window,
    [property: Id(1)] int Reserved,
    [property: Id(2)] int Policy,
    [property: Id(3)] int History,
    [property: Id(4)] int Passages,
    [property: Id(5)] int Input,
    [property: Id(6)] int TurnsKept,
    [property: Id(7)] int TurnsDropped);

/// <summary>What answered.</summary>
/// <param name="ModelHash">SHA-256 over the model folder, hex.</param>
/// <param name="Lexicon">Version of the lexicon by which the answer was checked: SHA-256, hex; empty in turns from before there was one.</param>
[GenerateSerializer, Immutable, Alias("r1.Release")]
public sealed record Release(
    [property: Id(0)] string Model,
    [property: Id(1)] string ModelHash,
    [property: Id(2)] string Template,
    [property: Id(3)] string PolicyVersion,
    [property: Id(4)] string Lexicon = "");

/// <param name="Index">Position in the conversation's chain, from 0.</param>
/// <param name="LeafHash">SHA-256, hex.</param>
/// <param name="Note">Signed; null where the turn was closed without a key.</param>
[GenerateSerializer, Immutable, Alias("r1.Receipt")]
public sealed record Receipt([property: Id(0)] long Index, [property: Id(1)] string LeafHash, [property: Id(2)] DateTimeOffset Time, [property: Id(3)] string? Note);

/// <param name="Policy">The policy prompt.</param>
[GenerateSerializer, Immutable, Alias("r1.ContextWindowView")]
public sealed record ContextWindowView(
    [property: Id(0)] ContextReport Report,
    [property: Id(1)] ImmutableArray<ContextEntry> Turns,
    [property: Id(2)] string Policy)
{
    /// <inheritdoc cref="UserTurn.ToString"/>
    public override string ToString() => $"window of {Turns.Length} turns";
}

[GenerateSerializer, Immutable, Alias("r1.ContextEntry")]
public sealed record ContextEntry(
    [property: Id(0)] int Turn,
    [property: Id(1)] bool Kept,
    [property: Id(2)] int Tokens,
    [property: Id(3)] string Input,
    [property: Id(4)] string Answer)
{
    /// <inheritdoc cref="UserTurn.ToString"/>
    public override string ToString() => $"turn {Turn} of {Tokens} tokens";
}
