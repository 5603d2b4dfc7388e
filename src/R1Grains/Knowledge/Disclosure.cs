using System.Collections.Immutable;
using R1Grains.Compliance;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Knowledge;

/// <summary>How a tenant's customers are told that a machine answers them.</summary>
/// <param name="Notice">By language, at the beginning of a conversation; of one that is not here the house's words; empty for none.</param>
/// <param name="Label">Whether texts are labelled as a model's or not.</param>
public sealed record Disclosure(ImmutableSortedDictionary<string, string> Notice, bool Label = true)
{
    /// <summary>Of a tenant that says nothing about it.</summary>
    public static readonly Disclosure House = new(ImmutableSortedDictionary<string, string>.Empty);

    /// <summary>The languages that conversations have.</summary>
    private static readonly string[] Languages = ["zh", "en"];

    private const int NoticeMax = 1_000;

    /// <param name="turn">Of the conversation, from 1.</param>
    public AiDisclosure At(int turn, string language) =>
        new(turn == 1 ? Notice.GetValueOrDefault(language) ?? FixedWords.In(language).Notice : "", Label);

    /// <exception cref="StartFailure">A notice is too long, or in a language that no conversation has.</exception>
    public Disclosure Checked(string place)
    {
        foreach (var (language, notice) in Notice)
        {
            if (!Languages.Contains(language)) throw new StartFailure($"{place} has a notice for '{language}': conversations have the languages {string.Join(" and ", Languages)}.");
            if (notice is null) throw new StartFailure($"{place} has null as the notice for '{language}': write \"\" for none, or leave it out for the house's.");
            if (notice.Length > NoticeMax) throw new StartFailure($"{place} has a notice of {notice.Length} characters: write at most {NoticeMax}.");
        }
        return this;
    }

    public bool Equals(Disclosure? other) => other is not null && Label == other.Label && Notice.SequenceEqual(other.Notice);

    public override int GetHashCode() => HashCode.Combine(Label, Notice.Count);
}
