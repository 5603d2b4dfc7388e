using System.Diagnostics;
using R1Grains.Engine;
using R1Grains.Engine.Models;
using R1Grains.Engine.Onnx;

namespace R1Grains.LoadTests;

/// <summary>One row of a model, filled step by step; it keeps account of what the process takes for it.</summary>
internal sealed class ContextRun : IDisposable
{
    private const int Slot = 0;
    private const int ChunksAtTheEnd = 4;
    private const double Mebi = 1 << 20;

    private readonly OnnxModelRunner _runner;
    private readonly int[] _chunk;
    private readonly List<double> _seconds = []; // Of each chunk.
    private readonly List<(int Length, double Resident, double Rate, double RateAtTheEnd)> _prompts = [];
    private readonly Dictionary<int, List<double>> _tokens = []; // Seconds, by length.
    private double _resident;

    public ContextRun(ModelFolder folder, int threads)
    {
        var before = Resident();
        _runner = new OnnxModelRunner(folder, rows: 1, threads);
        _chunk = [.. Enumerable.Range(0, _runner.ChunkLength).Select(i => i * 31 % folder.Model.Tokenizer.VocabularySize)];
        Prefill(0); // What runs need for themselves is there before the first figure.
        _resident = Resident() - before;
    }

    public int LengthMax => _runner.ContextLength;

    public int Threads => _runner.Threads;

    /// <summary>Fills the row up to <paramref name="length"/>, a multiple of the chunks.</summary>
    public void Reach(int length, bool isMeasured, CancellationToken cancellation)
    {
        var before = Resident();
        for (var start = _seconds.Count * _chunk.Length; start < length; start += _chunk.Length)
        {
            cancellation.ThrowIfCancellationRequested();
            _seconds.Add(Prefill(start));
        }
        _resident += Resident() - before;
        if (!isMeasured) return;
        _prompts.Add((length, _resident, length / _seconds.Sum(), _chunk.Length / Percentile(_seconds.TakeLast(ChunksAtTheEnd), 50)));
        _tokens[length] = [];
    }

    /// <summary>Computes the last position of a context of <paramref name="length"/> once more.</summary>
    public void Decode(int length) => _tokens[length].Add(Time(() => _runner.Decode([new DecodeRow(Slot, length - 1, 7)])));

    public List<ContextRow> Rows()
    {
        // A slot that is given back takes along its keys and values and nothing else; they grow with the length.
        var before = Resident();
        _runner.Truncate(Slot, 0);
        var all = before - Resident();
        return _prompts.ConvertAll(p => new ContextRow(p.Length, p.Resident, all * p.Length / _prompts[^1].Length, p.Rate, p.RateAtTheEnd,
            Percentile(_tokens[p.Length], 50) * 1e3, Percentile(_tokens[p.Length], 95) * 1e3));
    }

    public void Dispose() => _runner.Dispose();

    private double Prefill(int start) => Time(() => _runner.Prefill(Slot, start, _chunk));

    private static double Time(Action run)
    {
        var start = Stopwatch.GetTimestamp();
        run();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Percentile(IEnumerable<double> times, int percent)
    {
        double[] ascending = [.. times.Order()];
        return ascending[ascending.Length * percent / 100];
    }

    private static double Resident()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64 / Mebi;
    }
}
