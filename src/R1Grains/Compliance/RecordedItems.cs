using System.Collections.Immutable;
using R1Grains.Ledger;

namespace R1Grains.Compliance;

/// <summary>Personal data in the record's terms.</summary>
internal static class RecordedItems
{
    public static IReadOnlyList<PersonalItem> Told(HitPlace place, IEnumerable<PersonalDataSpan> items) =>
        [.. items.Select(item => new PersonalItem(place, item.Start, item.End, item.Kind.Name()))];

    /// <summary>The input as the model saw it, and as readers do who may not lift masks; empty where it is erased. In turns from before masks were recorded it is looked at now.</summary>
    public static string Masked(TurnOpened opened) => opened.Input.Length == 0 ? "" : PersonalData.Mask(opened.Input, opened.PersonalData is { } recorded
        // A kind that this version does not know is covered whole.
        ? [.. recorded.Select(item => new PersonalDataSpan(PersonalDataKinds.Find(item.Kind) ?? PersonalDataKind.Pin, item.Start, item.End - item.Start))]
        : CustomerInput.Of(opened.Input).Items);

    /// <summary>How many of each kind; of a turn from before they were recorded none.</summary>
    public static ImmutableSortedDictionary<string, int> Count(TurnOpened opened, TurnClosed closed) => (opened.PersonalData ?? [])
        .Concat(closed.PersonalData ?? [])
        .CountBy(item => item.Kind)
        .ToImmutableSortedDictionary(StringComparer.Ordinal);
}
