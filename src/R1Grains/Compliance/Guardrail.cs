using System.Diagnostics;
using R1Grains.Conversations;
using R1Grains.Engine.Models;
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

    /// <summary>Of the policy that the model was shown; null where it was shown none.</summary>
    public Canary? Canary { get; init; }

    /// <inheritdoc cref="FixedWords.Refused"/>
    public string Words => FixedWords.In(Language).Refused;

    /// <inheritdoc cref="FixedWords.Held"/>
    public string Notice => FixedWords.In(Language).Held;

    /// <inheritdoc cref="FixedWords.Discarded"/>
    public string Discarded => FixedWords.In(Language).Discarded;

    /// <summary>Whether anything does more than to mask.</summary>
    public static bool Blocks(IReadOnlyList<LexiconHit> hits) => hits.Any(hit => hit.Action is not HitAction.Mask);

    /// <summary>The text with its hits covered; everything else keeps its place.</summary>
    public static string Mask(string text, IReadOnlyList<LexiconHit> hits) => hits.Count == 0 ? text : string.Create(text.Length, (text, hits), static (masked, from) =>
    {
        from.text.CopyTo(masked);
        foreach (var hit in from.hits) masked[hit.Start..hit.End].Fill(StreamFilter.Cover);
    });

    public IReadOnlyList<LexiconHit> Input(string text) => Told(HitPlace.Input, InspectInput(text));

    /// <summary>What the model may see of an input, in its turn and in later ones.</summary>
    public static string ForModel(TurnOpened opened) => VisibleText.Of(Mask(RecordedItems.Masked(opened), opened.Hits)).Text;

    /// <summary>What the customer gets in the place of an answer to an input with these hits; null where the model is asked.</summary>
    public Instead? InsteadOf(IReadOnlyList<LexiconHit> hits) => !Blocks(hits) ? null
        : hits.Any(hit => hit.Action is HitAction.Replace or HitAction.Block) ? new(Words, Ending.Blocked)
        : new(Notice, Ending.Held);

    /// <summary>What the customer gets of an answer that a person has let go: what was for review has been looked at, anything else is still filtered.</summary>
    public Instead Released(string held)
    {
        var hits = Reviewed(Told(HitPlace.Answer, [.. Lexicon.Inspect(held, LexiconScope.Output, Tenant, Day).Hits, .. Canary?.Find(held) ?? []]));
        PersonalDataSpan[] items = [.. Shown.FindOthers(held)];
        var instead = Blocks(hits) ? new Instead(Words, Ending.Blocked) : new(Mask(PersonalData.Mask(held, [.. items]), hits), Ending.Completed(FinishReason.Stop));
        return instead with { Found = (hits, RecordedItems.Told(HitPlace.Answer, items)) };
    }

    /// <summary>Without those that were for a person.</summary>
    public static IReadOnlyList<LexiconHit> Reviewed(IReadOnlyList<LexiconHit> hits) => [.. hits.Where(hit => hit.Action is not HitAction.Review)];

    /// <summary>For the record alone: reasoning is shown to nobody.</summary>
    public IReadOnlyList<LexiconHit> Reasoning(string text) => Told(HitPlace.Reasoning, Lexicon.Inspect(text, LexiconScope.Output, Tenant, Day).Hits);

    /// <summary>What would become of an input: its hits, and what the model would see, or the customer in the place of an answer.</summary>
    public (IReadOnlyList<Hit> Hits, string Shown) TryInput(string text)
    {
        var hits = InspectInput(text);
        var told = Told(HitPlace.Input, hits);
        return (hits, InsteadOf(told)?.Text ?? VisibleText.Of(Mask(PersonalData.Mask(text, CustomerInput.Of(text).Items), told)).Text);
    }

    /// <summary>What would become of an answer: its hits, and what the customer would see.</summary>
    public (IReadOnlyList<Hit> Hits, string Shown) TryAnswer(string text)
    {
        var filter = Filter();
        var shown = $"{filter.Append(text)}{filter.End()}";
        var words = filter.Stopped switch
        {
            null => "",
            LexiconAction.Review => Notice,
            _ => Words,
        };
        return (filter.Hits, words.Length > 0 && shown.Length > 0 ? $"{shown}\n{words}" : shown + words);
    }

    public AnswerFilter Filter() => new(new(Lexicon, LexiconScope.Output, Tenant, Day), Shown, Canary);

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

    /// <summary>As the model would read it, so that nothing hides within a word; places are those of the text as it came.</summary>
    private IReadOnlyList<Hit> InspectInput(string text)
    {
        var visible = VisibleText.Of(text);
        return [.. Lexicon.Inspect(visible.Text, LexiconScope.Input, Tenant, Day).Hits.Select(hit => visible.InSource(hit.Start, hit.End) is var (start, end) ? hit with { Start = start, End = end } : hit)];
    }
}
