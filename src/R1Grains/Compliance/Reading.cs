namespace R1Grains.Compliance;

/// <summary>Entries by another spelling of theirs; one spelling may be that of several entries.</summary>
internal sealed class Reading
{
    /// <summary>By the ordinal of a spelling: its first entry among <see cref="_entries"/>.</summary>
    private readonly int[] _first;
    private readonly int[] _entries;

    private Reading(Automaton spellings, int[] first, int[] entries) => (Spellings, _first, _entries) = (spellings, first, entries);

    public Automaton Spellings { get; }

    public long Size => Spellings.Size + (_first.Length + _entries.Length) * sizeof(int);

    /// <param name="codes">The highest code in a spelling.</param>
    public static Reading Of(List<(string Spelling, int Entry)> spelled, int codes)
    {
        spelled.Sort((a, b) => string.CompareOrdinal(a.Spelling, b.Spelling) is not 0 and var order ? order : a.Entry.CompareTo(b.Entry));
        List<string> spellings = [];
        List<int> starts = [];
        for (var i = 0; i < spelled.Count; i++)
            if (i == 0 || !spelled[i].Spelling.Equals(spelled[i - 1].Spelling, StringComparison.Ordinal))
            {
                spellings.Add(spelled[i].Spelling);
                starts.Add(i);
            }
        starts.Add(spelled.Count);
        var (automaton, ordinals) = Automaton.Build([.. spellings], codes);
        var byOrdinal = new int[ordinals.Length];
        for (var spelling = 0; spelling < ordinals.Length; spelling++) byOrdinal[ordinals[spelling]] = spelling;
        var (first, entries) = (new int[ordinals.Length + 1], new int[spelled.Count]);
        var next = 0;
        for (var ordinal = 0; ordinal < byOrdinal.Length; ordinal++)
        {
            first[ordinal] = next;
            for (var i = starts[byOrdinal[ordinal]]; i < starts[byOrdinal[ordinal] + 1]; i++) entries[next++] = spelled[i].Entry;
        }
        first[^1] = next;
        return new Reading(automaton, first, entries);
    }

    /// <summary>The entries whose spelling ends at this state; none for most.</summary>
    public ReadOnlySpan<int> EntriesAt(int slot) =>
        Spellings.Ordinal(slot) is >= 0 and var ordinal ? _entries.AsSpan(_first[ordinal], _first[ordinal + 1] - _first[ordinal]) : [];
}
