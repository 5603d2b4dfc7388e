using Microsoft.Extensions.Time.Testing;

namespace R1Grains.Engine.Tests.Simulation;

/// <summary>
/// A device whose keys and values are hashes: each position's depends on the one before it, on its id and on the kernel
/// that wrote it, and logits depend on every position. Whoever computes a position twice, in another way, in another
/// slot, or keeps what a real device would have changed, gets other ids.
/// </summary>
internal sealed class SimulatedRunner(FakeTimeProvider time, int rows, int shortRows, int parked, int contextLength, int vocabulary, int cutGrid, bool fixedCuts, int chunkLength, int capacity) : IModelRunner
{
    public const string Fault = "simulated fault";

    private const ulong Paired = 1, Odd = 2, Decoded = 3, Lone = 4;

    // Of attention: an id that is alone in its block takes another kernel.
    private const int Block = 16;

    private readonly ulong[][] _cells = [.. Enumerable.Range(0, rows + parked).Select(slot => new ulong[LengthOf(slot, shortRows, contextLength)])];
    private readonly int[] _lengths = new int[rows + parked];
    private readonly float[] _logits = new float[vocabulary];
    private ulong _garbage = 1;

    public int Rows => rows;

    public int Slots => rows + parked;

    public int ContextLength => contextLength;

    public int VocabularySize => vocabulary;

    public int ChunkLength => chunkLength;

    public int CutGrid => cutGrid;

    public bool HasFixedCuts => fixedCuts;

    public int KvCapacity => capacity;

    public string Numerics => "simulated";

    public int SlotLength(int slot) => LengthOf(slot, shortRows, contextLength);

    /// <summary>Asked before each run.</summary>
    public Func<bool> Fails { get; set; } = () => false;

    public int Copies { get; private set; }

    /// <summary>Positions that all slots hold.</summary>
    public int Positions => _lengths.Sum();

    public void Prefill(int slot, int start, ReadOnlySpan<int> tokens)
    {
        Assert.InRange(tokens.Length, 2, chunkLength);
        Assert.Equal(start, _lengths[slot]);
        Assert.InRange(slot, 0, rows - 1);
        time.Advance(TimeSpan.FromMilliseconds(50 + 6 * tokens.Length));
        Fail(slot);
        var even = tokens.Length / cutGrid * cutGrid;
        // Where cuts change the bits wherever they lie, every chunk has bits of its own.
        var chunk = fixedCuts ? (ulong)tokens.Length << 8 : 0;
        for (var i = 0; i < tokens.Length; i++) Write(slot, start + i, tokens[i], chunk | (i == tokens.Length - 1 && i % Block == 0 ? Lone : i < even ? Paired : Odd));
        _lengths[slot] = start + tokens.Length;
        Assert.InRange(Positions, 0, capacity);
    }

    public void Decode(ReadOnlySpan<DecodeRow> decodeRows)
    {
        RunBetween([.. decodeRows.ToArray().Where(row => row.Slot < shortRows)]);
        RunBetween([.. decodeRows.ToArray().Where(row => row.Slot >= shortRows)]);
        var before = -1;
        foreach (var row in decodeRows)
        {
            Assert.True(row.Slot > before && row.Slot < rows);
            Assert.Equal(row.Position, _lengths[row.Slot]);
            before = row.Slot;
        }
        foreach (var row in decodeRows) Fail(row.Slot);
        foreach (var row in decodeRows) Write(row.Slot, _lengths[row.Slot]++, row.Token, Decoded);
        Assert.InRange(Positions, 0, capacity);
    }

    public void Copy(int from, int to, int length)
    {
        Assert.NotEqual(from, to);
        Assert.InRange(length, 0, _lengths[from]);
        time.Advance(TimeSpan.FromMicroseconds(100 * length));
        Copies++;
        Array.Copy(_cells[from], _cells[to], length);
        _lengths[to] = length;
    }

    public void Truncate(int slot, int length)
    {
        Assert.InRange(length, 0, _lengths[slot]);
        for (var i = length; i < _cells[slot].Length; i++) _cells[slot][i] = ++_garbage;
        _lengths[slot] = length;
    }

    public ReadOnlySpan<float> Logits(int slot)
    {
        var state = 0ul;
        for (var i = 0; i < _lengths[slot]; i++) state = Mix(state ^ _cells[slot][i] * (ulong)(2 * i + 1));
        for (var id = 0; id < vocabulary; id++) _logits[id] = (Mix(state + (ulong)id) >> 40) * (8f / (1 << 24));
        return _logits;
    }

    public void Dispose()
    {
    }

    private static int LengthOf(int slot, int shortRows, int contextLength) => slot < shortRows ? contextLength / 2 : contextLength;

    /// <summary>Rows of one length are in one run, and those that lie between them are run with them.</summary>
    private void RunBetween(DecodeRow[] decodeRows)
    {
        if (decodeRows.Length == 0) return;
        var (first, last) = (decodeRows[0].Slot, decodeRows[^1].Slot);
        time.Advance(TimeSpan.FromMilliseconds(30 + 20 * (last - first + 1)));
        for (var slot = first; slot <= last; slot++) _cells[slot][_lengths[slot]] = ++_garbage;
    }

    /// <summary>A failed run leaves its slots undefined.</summary>
    private void Fail(int slot)
    {
        if (!Fails()) return;
        for (var i = 0; i < _cells[slot].Length; i++) _cells[slot][i] = ++_garbage;
        throw new InvalidOperationException(Fault);
    }

    private void Write(int slot, int position, int token, ulong kernel) =>
        _cells[slot][position] = Mix((position == 0 ? 0 : _cells[slot][position - 1]) ^ Mix((ulong)token << 16 | kernel));

    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
