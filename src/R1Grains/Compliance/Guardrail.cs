using System.Diagnostics;
using R1Grains.Ledger;

namespace R1Grains.Compliance;

/// <summary>What is checked in one turn: what the customer says and what the model says, by the lexicon and for personal data, told in the record's terms.</summary>
/// <param name="Day">Of the turn's opening, in UTC: entries that are not valid on it are not looked for.</param>
/// <param name="Language">Of the conversation: <c>zh</c> or <c>en</c>.</param>
internal sealed record Guardrail(Lexicon Lexicon, string Tenant, DateOnly Day, string Language)
{
    /// <summary>Of the lexicon.</summary>
    public Digest Version { get; } = Digest.Parse(Lexicon.Version);

    /// <summary>To the model.</summary>
    public ShownText Shown { get; init; } = ShownText.Nothing;

    /// <summary>What the customer gets for an input that may not go on, and for the rest of an answer that may not: one piece.</summary>
    public string Words => Language == "en"
        ? "I'm sorry, I can't help with this. Please contact our staff."
        : "抱歉，这个问题我无法回答，请联系人工客服。";

    /// <summary>Whether anything does more than to mask. What is for review is held back as well: there is nobody yet to whom it could be given.</summary>
    public static bool Blocks(IReadOnlyList<LexiconHit> hits) => hits.Any(hit => hit.Action is not HitAction.Mask);

    /// <summary>The text with its hits covered; everything else keeps its place.</summary>
    public static string Mask(string text, IReadOnlyList<LexiconHit> hits) => hits.Count == 0 ? text : string.Create(text.Length, (text, hits), static (masked, from) =>
    {
        from.text.CopyTo(masked);
        foreach (var hit in from.hits) masked[hit.Start..hit.End].Fill(StreamFilter.Cover);
    });

    public IReadOnlyList<LexiconHit> Input(string text) => Told(HitPlace.Input, Lexicon.Inspect(text, LexiconScope.Input, Tenant, Day).Hits);

    /// <summary>What the model may see of an input, in its turn and in later ones.</summary>
    public static string ForModel(TurnOpened opened) => Mask(RecordedItems.Masked(opened), opened.Hits);

    /// <summary>For the record alone: reasoning is shown to nobody.</summary>
    public IReadOnlyList<LexiconHit> Reasoning(string text) => Told(HitPlace.Reasoning, Lexicon.Inspect(text, LexiconScope.Output, Tenant, Day).Hits);

    public AnswerFilter Filter() => new(new(Lexicon, LexiconScope.Output, Tenant, Day), Shown);

    public static IReadOnlyList<LexiconHit> Told(HitPlace place, IReadOnlyList<Hit> hits) =>
    [
        .. hits.Select(hit => new LexiconHit(place, hit.Start, hit.End, hit.Entry.Id, hit.Entry.Rule.Category, hit.Entry.Rule.Level, hit.Entry.Rule.Action switch
        {
            LexiconAction.Mask => HitAction.Mask,
            LexiconAction.Review => HitAction.Review,
            LexiconAction.Replace => HitAction.Replace,
            LexiconAction.Block => HitAction.Block,
            var action => throw new UnreachableException($"a hit with the action {action}"),
        })),
    ];
}
