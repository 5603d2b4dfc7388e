using System.Diagnostics;
using R1Grains.Engine;
using R1Grains.Engine.Models;
using R1Grains.Engine.Onnx;

namespace R1Grains.LoadTests.Engine;

/// <summary>An engine in this process whose runs are watched. Its replies are as long as they may be, whatever the model would like to say.</summary>
internal sealed class Serving : IAsyncDisposable
{
    /// <summary>Requests that may be at the engine; who sends more waits for places, as the engine's own callers do.</summary>
    private readonly SemaphoreSlim _places;

    private int _number;

    private Serving(InferenceEngine engine, WatchedRunner runs, int places) => (Engine, Runs, _places) = (engine, runs, new(places));

    public InferenceEngine Engine { get; }

    public WatchedRunner Runs { get; }

    public static Serving Start(ModelFolder folder, int rows, int threads)
    {
        var options = new EngineOptions { Folder = folder.Path, Rows = rows, Threads = threads };
        var runner = new WatchedRunner(Runner(folder, rows, threads));
        // Fewer than the engine has: who hears of an end may be sooner than the engine's own count.
        return new Serving(new InferenceEngine(folder.Model with { StopIds = [] }, runner, options, TimeProvider.System), runner, options.QueueLimit);
    }

    public static OnnxModelRunner Runner(ModelFolder folder, int rows, int threads) => new(folder, rows, threads);

    /// <summary>One request to its end.</summary>
    /// <param name="scope">Whose prefixes it may reuse; null for nobody's.</param>
    public async Task<Reply> ReplyAsync(int[] prompt, SamplingOptions sampling, string? scope, CancellationToken cancellation)
    {
        var number = Interlocked.Increment(ref _number);
        var request = new GenerationRequest { Id = $"{number}", Prompt = prompt, Sampling = sampling, Scope = scope ?? $"alone {number}" };
        await _places.WaitAsync(cancellation);
        try
        {
            var reply = new Reply(Stopwatch.GetTimestamp());
            await foreach (var emission in Engine.GenerateAsync(request, cancellation)) reply.Take(emission);
            return reply;
        }
        finally
        {
            _places.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        _places.Dispose();
    }
}
