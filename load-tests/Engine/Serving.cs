using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading.Channels;
using R1Grains.Engine;
using R1Grains.Engine.Models;
using R1Grains.Engine.Onnx;

namespace R1Grains.LoadTests.Engine;

/// <summary>
/// An engine in this process whose runs are watched. Its replies are as long as they may be, whatever the model would like
/// to say. They are read after a step, all at once.
/// </summary>
internal sealed class Serving : IAsyncDisposable
{
    /// <summary>Requests that may be at the engine; who sends more waits for places, as the engine's own callers do.</summary>
    private readonly SemaphoreSlim _places;

    /// <summary>As the host gathers what its devices did.</summary>
    public static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(10);

    // Holds one mark at most.
    private readonly Channel<bool> _stepped = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly ConcurrentDictionary<int, Reading> _replies = [];
    private readonly Task _reading;
    private readonly TimeSpan _gather;
    private int _number;

    private Serving(InferenceEngine engine, WatchedRunner runs, int places, TimeSpan gather)
    {
        (Engine, Runs, _places, _gather) = (engine, runs, new(places), gather);
        engine.Stepped += Mark;
        _reading = ReadAsync();
    }

    public InferenceEngine Engine { get; }

    public WatchedRunner Runs { get; }

    /// <param name="gather">Between two readings: none where what a reader sees is timed, and as the host reads where the device is.</param>
    public static Serving Start(ModelFolder folder, int rows, int threads, TimeSpan gather = default)
    {
        var options = new EngineOptions { Folder = folder.Path, Rows = rows, Threads = threads };
        var runner = new WatchedRunner(Runner(folder, rows, threads));
        // Fewer than the engine has: who hears of an end may be sooner than the engine's own count.
        return new Serving(new InferenceEngine(folder.Model with { StopIds = [] }, runner, options, TimeProvider.System), runner, options.QueueLimit, gather);
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
            var reading = new Reading(new Reply(Stopwatch.GetTimestamp()), Engine.Submit(request, cancellation));
            _replies[number] = reading;
            Mark();
            return await reading.Ended.Task;
        }
        finally
        {
            _places.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        _stepped.Writer.Complete();
        await _reading;
        _places.Dispose();
    }

    private void Mark() => _stepped.Writer.TryWrite(true);

    private async Task ReadAsync()
    {
        await foreach (var _ in _stepped.Reader.ReadAllAsync())
        {
            foreach (var (number, reading) in _replies)
                if (reading.Ends())
                    _replies.TryRemove(number, out var _);
            if (_gather > TimeSpan.Zero) await Task.Delay(_gather, TimeProvider.System);
        }
    }

    private sealed record Reading(Reply Reply, ChannelReader<Emission> Emissions)
    {
        public TaskCompletionSource<Reply> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Reads what there is; true when that was the rest.</summary>
        public bool Ends()
        {
            try
            {
                while (Emissions.TryRead(out var emission)) Reply.Take(emission);
                return Emissions.Completion.IsCompleted && Ended.TrySetResult(Reply);
            }
            catch (InvalidOperationException failed)
            {
                return Ended.TrySetException(failed);
            }
        }
    }
}
