using System.Diagnostics;
using R1Grains.Engine;
using R1Grains.Engine.Onnx;

namespace R1Grains.LoadTests.Engine;

/// <summary>A call of the runner.</summary>
/// <param name="Rows">Rows of a decode; 0 for a prefill.</param>
/// <param name="RunSeconds">Of it inside ONNX Runtime.</param>
/// <param name="Allocated">Managed bytes that the thread had allocated when the call came.</param>
internal readonly record struct Call(int Rows, long Start, long End, double RunSeconds, long Allocated);

/// <summary>Notes the calls of the runner, if asked to, and allocates nothing while it does.</summary>
internal sealed class WatchedRunner(OnnxModelRunner runner) : IModelRunner
{
    private readonly Call[] _calls = new Call[1 << 16];
    private int _count;

    public int Threads => runner.Threads;

    public int Rows => runner.Rows;

    public int Slots => runner.Slots;

    public int CutGrid => runner.CutGrid;

    public bool HasFixedCuts => runner.HasFixedCuts;

    public int ContextLength => runner.ContextLength;

    public int VocabularySize => runner.VocabularySize;

    public int ChunkLength => runner.ChunkLength;

    public int KvCapacity => runner.KvCapacity;

    public string Numerics => runner.Numerics;

    /// <summary>The calls since the last <see cref="Forget"/>; to be read when the engine is idle, or as of now.</summary>
    public ReadOnlySpan<Call> Calls => _calls.AsSpan(0, Math.Min(_calls.Length, Volatile.Read(ref _count)));

    /// <summary>Only while the engine is idle.</summary>
    public void Forget() => Volatile.Write(ref _count, 0);

    public void Prefill(int slot, int start, ReadOnlySpan<int> tokens)
    {
        var (allocated, before, time) = (GC.GetAllocatedBytesForCurrentThread(), runner.RunTime.TotalSeconds, Stopwatch.GetTimestamp());
        runner.Prefill(slot, start, tokens);
        Note(0, time, before, allocated);
    }

    public void Decode(ReadOnlySpan<DecodeRow> rows)
    {
        var (allocated, before, time) = (GC.GetAllocatedBytesForCurrentThread(), runner.RunTime.TotalSeconds, Stopwatch.GetTimestamp());
        runner.Decode(rows);
        Note(rows.Length, time, before, allocated);
    }

    public ReadOnlySpan<float> Logits(int slot) => runner.Logits(slot);

    public void Copy(int from, int to, int length) => runner.Copy(from, to, length);

    public void Truncate(int slot, int length) => runner.Truncate(slot, length);

    public void Dispose() => runner.Dispose();

    // What comes beyond the room for it is not noted.
    private void Note(int rows, long start, double before, long allocated)
    {
        if (_count < _calls.Length) _calls[_count] = new Call(rows, start, Stopwatch.GetTimestamp(), runner.RunTime.TotalSeconds - before, allocated);
        Volatile.Write(ref _count, _count + 1);
    }
}
