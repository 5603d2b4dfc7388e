namespace R1Grains.Engine;

/// <summary>One thing to be done to the slots, in the order in which they were decided, before anything is run.</summary>
/// <param name="From">Equal to <paramref name="To"/>: the slot is truncated to <paramref name="Length"/> positions. Else so many are copied.</param>
internal readonly record struct SlotChange(int From, int To, int Length)
{
    public bool IsTruncation => From == To;
}

/// <summary>
/// Who has which slot, and how many positions are promised. A slot belongs to a sequence, or keeps the prefix of one that
/// has ended (it is parked), or is empty. Only the first <c>rows</c> slots can be computed; paused sequences and
/// prefixes that are in the way go to those behind. Rows may be of several lengths; a sequence gets the shortest that
/// holds it.
/// </summary>
/// <param name="lengths">Positions of each slot; the rows come first, those of one length together, and every slot behind them is as long as the longest.</param>
internal sealed class KvSlots(int rows, IReadOnlyList<int> lengths, int capacity, int cutGrid)
{
    /// <summary>Shorter prefixes are computed sooner than they are looked after.</summary>
    private const int ParkedMin = 16;

    private readonly Sequence?[] _sequences = new Sequence?[lengths.Count];
    private readonly Parked?[] _parked = new Parked?[lengths.Count];
    private readonly RowGroup[] _groups = RowGroup.Of(lengths, rows);
    private readonly PrefixIndex _index = new();
    private long _uses;

    /// <summary>Positions that sequences may come to need; with <see cref="Kept"/> never above <see cref="Capacity"/>.</summary>
    public int Reserved { get; private set; }

    /// <summary>Positions of parked prefixes.</summary>
    public int Kept { get; private set; }

    public int Capacity => capacity;

    /// <summary>Ids for which a computed prefix was looked for, and those of them for which one was found.</summary>
    public long Queried { get; private set; }

    public long Reused { get; private set; }

    /// <summary>What the runner has not been told yet.</summary>
    public List<SlotChange> Changes { get; } = [];

    /// <summary>Whether the sequence fits beside the others; parked prefixes make room.</summary>
    public bool HasRoom(Sequence sequence) => Reserved + sequence.Reserve <= capacity;

    /// <summary>Whether a row that is long enough belongs to nobody.</summary>
    public bool HasRow(Sequence sequence)
    {
        foreach (var group in _groups)
            if (group.Length >= sequence.Reserve && group.Taken < group.Count)
                return true;
        return false;
    }

    /// <summary>Whether the one's slot would be long enough for the other.</summary>
    public bool WouldHold(Sequence holder, Sequence other) => lengths[holder.Slot] >= other.Reserve;

    /// <summary>Gives the sequence a slot with room for its prompt and its longest possible reply, and as much of its prompt as is computed somewhere.</summary>
    public void Admit(Sequence sequence)
    {
        var row = BestRow(sequence);
        var reusable = sequence.Ids(0, Reusable(sequence.PrefillLength));
        var (source, found) = _index.Find(sequence.Scope, reusable);
        var reused = found / cutGrid * cutGrid;
        if (reused == 0) source = -1;
        Queried += sequence.PrefillLength;
        Reused += reused;

        var used = source < 0 ? null : _parked[source];
        if (used is not null) used.Used = ++_uses;

        // Most of what is parked there goes on: copying it would cost more than the little that is lost.
        var inherited = used is not null && (used.Ids.Length - reused) * 4 <= reused ? used : null;
        if (inherited is not null) Forget(inherited);
        while (Reserved + Kept + sequence.Reserve > capacity && Eldest(except: source) is { } eldest) Evict(eldest);
        if (Reserved + Kept + sequence.Reserve > capacity) Forget(inherited = used!);

        if (inherited is not null && source < rows && lengths[source] == lengths[row] && Span(source) <= Span(row)) row = source;
        // What lies in the row begins alike where many share a policy: its copy makes room, and the row keeps what is the same.
        var isThere = source == row || (_parked[row]?.Begins(sequence.Scope, reusable[..reused]) ?? false);
        if (_parked[row] is not null) Vacate(row, except: source);
        if (reused > 0 && !isThere) Changes.Add(new(source, row, reused));
        if (inherited is not null && source != row) Changes.Add(new(source, source, 0));
        Changes.Add(new(row, row, reused));
        Occupy(sequence, row);
        Reserved += sequence.Reserve;
        sequence.Reuse(reused);
    }

    /// <summary>The prompt is computed: others may begin with it from now on.</summary>
    public void Prefilled(Sequence sequence)
    {
        var length = Reusable(sequence.PrefillLength);
        if (length >= ParkedMin) _index.Set(sequence.Slot, sequence.Scope, (int[])[.. sequence.Ids(0, length)]);
    }

    /// <summary>The sequence has ended. Only what prefill computed is kept: decoding gives other bits, so a warm prompt would not sample what a cold one does.</summary>
    public void Leave(Sequence sequence)
    {
        var slot = sequence.Slot;
        var length = sequence.Completion!.Reason == FinishReason.Failed ? 0 : Reusable(Math.Min(sequence.Computed, sequence.PrefillLength));
        Empty(slot);
        sequence.Slot = -1;
        Reserved -= sequence.Reserve;
        if (length < ParkedMin || IsParkedElsewhere(sequence, slot, length))
        {
            _index.Remove(slot);
            Changes.Add(new(slot, slot, 0));
            return;
        }
        int[] ids = [.. sequence.Ids(0, length)];
        _index.Set(slot, sequence.Scope, ids);
        foreach (var other in _index.FindContained(sequence.Scope, ids))
            if (other != slot && _parked[other] is { } contained)
                Evict(contained);
        _parked[slot] = new Parked(slot, sequence.Scope, ids) { Used = ++_uses };
        Kept += length;
        Changes.Add(new(slot, slot, length));
    }

    /// <summary>Puts a sequence aside, whole, so that its row can be given to another.</summary>
    public bool TryPause(Sequence sequence)
    {
        if (Spare(except: -1) is not { } spare) return false;
        Move(sequence, spare);
        return true;
    }

    public void Resume(Sequence sequence)
    {
        var row = BestRow(sequence);
        if (_parked[row] is not null) Vacate(row, except: -1);
        Move(sequence, row);
    }

    /// <summary>The rows that runs over all computed sequences take but do not need: those of others that lie between.</summary>
    public int Holes
    {
        get
        {
            var holes = 0;
            foreach (var group in _groups) holes += HolesOf(group);
            return holes;
        }
    }

    /// <summary>The sequence to move in order to close a hole: the shorter one at either end.</summary>
    public Sequence Edge
    {
        get
        {
            foreach (var group in _groups)
            {
                if (HolesOf(group) == 0) continue;
                var (first, last) = (_sequences[First(group)]!, _sequences[Last(group)]!);
                return first.Computed < last.Computed ? first : last;
            }
            throw new InvalidOperationException("There is no hole to close.");
        }
    }

    /// <summary>Moves a sequence from the edge into the hole next to the middle.</summary>
    public void Close(Sequence edge)
    {
        var group = GroupOf(edge.Slot);
        var (slot, step) = edge.Slot == First(group) ? (Last(group), -1) : (First(group), 1);
        while (_sequences[slot] is not null) slot += step;
        if (_parked[slot] is not null) Vacate(slot, except: -1);
        Move(edge, slot);
    }

    private RowGroup GroupOf(int row) => Array.Find(_groups, group => row < group.Start + group.Count)!;

    private int First(RowGroup group) => Array.FindIndex(_sequences, group.Start, group.Count, static s => s is not null);

    private int Last(RowGroup group) => Array.FindLastIndex(_sequences, group.Start + group.Count - 1, group.Count, static s => s is not null);

    private int HolesOf(RowGroup group) => group.Taken == 0 ? 0 : Last(group) - First(group) + 1 - group.Taken;

    /// <summary>Rows of a run once this slot is among them.</summary>
    private int Span(int slot)
    {
        var group = GroupOf(slot);
        return group.Taken == 0 ? 1 : Math.Max(slot, Last(group)) - Math.Min(slot, First(group)) + 1;
    }

    /// <summary>The row to give away: short before long, near the others before far, empty before parked, long unused before just used.</summary>
    private int BestRow(Sequence sequence)
    {
        var best = -1;
        for (var row = 0; row < rows; row++)
            if (_sequences[row] is null && lengths[row] >= sequence.Reserve && (best < 0 || Cost(row).CompareTo(Cost(best)) < 0))
                best = row;
        return best >= 0 ? best : throw new InvalidOperationException("Every row that is long enough is taken.");

        (int, int, long) Cost(int row) => (lengths[row], Span(row), _parked[row]?.Used ?? -1);
    }

    private Parked? Eldest(int except) => _parked.Where(p => p is not null && p.Slot != except).MinBy(p => p!.Used);

    /// <summary>An empty slot for what is only kept; the prefix that was not used for longest makes room.</summary>
    private int? Spare(int except)
    {
        for (var slot = lengths.Count - 1; slot >= rows; slot--)
            if (slot != except && _sequences[slot] is null && _parked[slot] is null)
                return slot;
        var eldest = _parked.Skip(rows).Where(p => p is not null && p.Slot != except).MinBy(p => p!.Used);
        if (eldest is null) return null;
        Evict(eldest);
        return eldest.Slot;
    }

    /// <summary>Takes a parked prefix out of a row that is needed.</summary>
    private void Vacate(int row, int except)
    {
        var parked = _parked[row]!;
        if (Spare(except) is not { } spare)
        {
            // What is to be copied from here stays where it is, for whoever gets the row.
            Forget(parked);
            return;
        }
        Changes.Add(new(row, spare, parked.Ids.Length));
        (_parked[row], _parked[spare], parked.Slot) = (null, parked, spare);
        _index.Move(row, spare);
    }

    private void Move(Sequence sequence, int slot)
    {
        Changes.Add(new(sequence.Slot, slot, sequence.Computed));
        Changes.Add(new(sequence.Slot, sequence.Slot, 0));
        Empty(sequence.Slot);
        _index.Move(sequence.Slot, slot);
        Occupy(sequence, slot);
    }

    private void Occupy(Sequence sequence, int slot)
    {
        _sequences[slot] = sequence;
        sequence.Slot = slot;
        if (slot < rows) GroupOf(slot).Taken++;
    }

    private void Empty(int slot)
    {
        _sequences[slot] = null;
        if (slot < rows) GroupOf(slot).Taken--;
    }

    /// <summary>Of a computed prompt: the end of the last chunk may have been cut off the grid, or have taken one id more along.</summary>
    private int Reusable(int length) => Math.Max(0, length - 2) / cutGrid * cutGrid;

    private bool IsParkedElsewhere(Sequence sequence, int slot, int length)
    {
        _index.Remove(slot);
        var (other, found) = _index.Find(sequence.Scope, sequence.Ids(0, length));
        if (found < length || _parked[other] is not { } same) return false;
        same.Used = ++_uses;
        return true;
    }

    private void Evict(Parked parked)
    {
        Forget(parked);
        Changes.Add(new(parked.Slot, parked.Slot, 0));
    }

    /// <summary>Lets go of what is parked of these scopes.</summary>
    public void Forget(Predicate<string> scopes)
    {
        foreach (var parked in _parked)
            if (parked is not null && scopes(parked.Scope)) Evict(parked);
    }

    private void Forget(Parked parked)
    {
        _parked[parked.Slot] = null;
        _index.Remove(parked.Slot);
        Kept -= parked.Ids.Length;
    }

    /// <param name="ids">What the slot holds.</param>
    private sealed class Parked(int slot, string scope, int[] ids)
    {
        public int Slot { get; set; } = slot;

        public int[] Ids => ids;

        public string Scope => scope;

        // Rises with every use of any prefix.
        public long Used { get; set; }

        public bool Begins(string otherScope, ReadOnlySpan<int> beginning) => scope == otherScope && ids.AsSpan().StartsWith(beginning);
    }

    /// <summary>Consecutive rows of one length, and how many of them belong to sequences: only they can be in one run.</summary>
    private sealed class RowGroup(int start, int count, int length)
    {
        public int Start => start;

        public int Count => count;

        public int Length => length;

        public int Taken { get; set; }

        public static RowGroup[] Of(IReadOnlyList<int> lengths, int rows) =>
            [.. Enumerable.Range(0, rows).GroupBy(row => lengths[row]).Select(group => new RowGroup(group.First(), group.Count(), group.Key))];
    }
}
