using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.ML.OnnxRuntime;
using R1Grains.Engine.Models;
using R1Grains.Engine.Onnx;

namespace R1Grains.Engine;

/// <summary>
/// One device: a dedicated thread, a bounded inbox and the <see cref="StepLoop"/>. Inbox → <see cref="Batcher.Plan"/> →
/// <see cref="IModelRunner"/> → <see cref="Sampler"/> → <see cref="Batcher.Commit"/> → each sequence's channel.
/// Without requests the thread sleeps.
/// </summary>
public sealed class InferenceEngine : IAsyncDisposable
{
    private readonly IModelRunner _runner;
    private readonly EngineOptions _options;
    private readonly TimeProvider _time;
    private readonly KvSlots _slots;
    private readonly Pace _pace = new();
    private readonly Batcher _batcher;
    private readonly StepLoop _steps;
    private readonly EngineMeter _meter;
    private readonly TaskCompletionSource<Exception?> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _disposed;

    // Guards the fields below; also what the idle thread waits on.
    private readonly object _gate = new();
    private readonly List<Sequence> _inbox = [];
    private readonly List<(Predicate<string> Scopes, TaskCompletionSource Forgotten)> _forgetting = [];
    private EngineStatus _status;
    private int _places;
    private string? _stopped;
    private Exception? _defect;

    /// <summary>Starts the thread. The engine owns <paramref name="runner"/> and disposes it.</summary>
    public InferenceEngine(Model model, IModelRunner runner, EngineOptions options, TimeProvider time)
    {
        if (runner.VocabularySize < model.Tokenizer.VocabularySize)
            throw new ArgumentException($"The model's logits are {runner.VocabularySize} wide, its tokenizer has {model.Tokenizer.VocabularySize} ids.");
        if (runner.ChunkLength % Batcher.BlockUnit != 0 || runner.ChunkLength % runner.CutGrid != 0 || runner.ChunkLength < 2 * runner.CutGrid)
            throw new ArgumentException($"The runner's chunk is {runner.ChunkLength} ids long; it must be a multiple of {Batcher.BlockUnit} and of {runner.CutGrid}, at least two of these.");
        ArgumentOutOfRangeException.ThrowIfLessThan(runner.KvCapacity, runner.ContextLength);
        (Model, _runner, _options, _time) = (model, runner, options, time);
        _slots = new KvSlots(runner.Rows, [.. Enumerable.Range(0, runner.Slots).Select(runner.SlotLength)], runner.KvCapacity, runner.CutGrid);
        _batcher = new Batcher(_slots, _pace, runner);
        _steps = new StepLoop(runner, _batcher, _slots, new Sampler(model.Tokenizer.VocabularySize), _pace, time);
        Note();
        _meter = new EngineMeter(model, () => Status, scope: this);
        new Thread(Loop) { IsBackground = true, Name = $"inference {model.Name}" }.Start();
    }

    public Model Model { get; }

    /// <summary>
    /// The numerics fingerprint: hash of the logits of a fixed probe on this device, 64 hex digits. Two engines with the
    /// same model and fingerprint give the same ids for the same request.
    /// </summary>
    public string Numerics => _runner.Numerics;

    /// <summary>Set where this machine's kernels give a prompt in chunks other bits than the whole prompt: what is done about it.</summary>
    public string? CutNotice => _runner.HasFixedCuts
        ? $"On this machine a prompt in chunks has other bits than the whole prompt: every prompt is cut at each {_runner.CutGrid} ids and nowhere else, and prefixes are reused in such blocks only"
        : null;

    /// <summary>Completes when the thread has ended: with the defect that ended it, or with null after <see cref="DisposeAsync"/>.</summary>
    public Task<Exception?> Ended => _ended.Task;

    /// <summary>Opens the model folder and loads the model; takes as long as the weights are large.</summary>
    /// <exception cref="ModelFolderException">The folder cannot be run; the message says why and what to do.</exception>
    /// <exception cref="DeviceException">The device cannot be used; the message says why and what to do.</exception>
    public static InferenceEngine Load(EngineOptions options, TimeProvider time)
    {
        var folder = ModelFolder.Open(options.Folder);
        return new InferenceEngine(folder.Model, OpenRunner(folder, options), options, time);
    }

    public EngineStatus Status
    {
        get
        {
            lock (_gate) return _status with { Waiting = _status.Waiting + _inbox.Count };
        }
    }

    /// <summary>Whether it takes no more requests: it was stopped, or a defect ended it.</summary>
    public bool IsStopped
    {
        get
        {
            lock (_gate) return _stopped is not null;
        }
    }

    /// <summary>How long a request submitted now is expected to wait for its first token.</summary>
    /// <param name="ids">Of its prompt, as far as they are to be computed.</param>
    public TimeSpan PredictFirstToken(int ids)
    {
        lock (_gate) return Predict(ids);
    }

    /// <summary>Raised on the engine's own thread when what a step did can be read, and at the engine's end. Whoever listens must return at once, and not throw.</summary>
    public event Action? Stepped;

    /// <summary>
    /// Submits a request and returns what happens to it, ended by one <see cref="EmissionKind.Finished"/>. The call
    /// itself admits or refuses; reading may be as slow as it likes. Cancelling does not throw: the next step ends the
    /// request with <see cref="FinishReason.Cancelled"/>.
    /// </summary>
    /// <exception cref="QueueFullException"/>
    /// <exception cref="DeadlineTooShortException"/>
    /// <exception cref="PromptTooLongException"/>
    /// <exception cref="EngineStoppedException"/>
    /// <exception cref="ArgumentException">A sampling option out of range, no scope, a prompt of less than two ids, an id outside the vocabulary, or recorded ids that cannot be.</exception>
    public ChannelReader<Emission> Submit(GenerationRequest request, CancellationToken cancel = default) => Enter(request, cancel).Emissions;

    /// <summary>As <see cref="Submit"/>; leaving the enumeration early cancels the request.</summary>
    /// <inheritdoc cref="Submit" path="/exception"/>
    public IAsyncEnumerable<Emission> GenerateAsync(GenerationRequest request, CancellationToken cancel = default) => Read(Enter(request, cancel));

    /// <summary>Lets go of the kept prefixes of these scopes; done when the engine's thread has done so, or has ended.</summary>
    public Task ForgetAsync(Predicate<string> scopes)
    {
        lock (_gate)
        {
            if (_stopped is not null) return Task.CompletedTask;
            var forgotten = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _forgetting.Add((scopes, forgotten));
            Monitor.Pulse(_gate);
            return forgotten.Task;
        }
    }

    /// <summary>The runner for the provider that the options name.</summary>
    internal static IModelRunner OpenRunner(ModelFolder folder, EngineOptions options)
    {
        // ONNX Runtime can report its use to its makers; a bank's server reports to nobody.
        OrtEnv.Instance().DisableTelemetryEvents();
        return options.Provider == EngineOptions.Cpu
            ? new OnnxModelRunner(folder, options.Rows, options.Threads, (long)options.KvMebibytes << 20)
            : new DeviceModelRunner(folder, ExecutionProviders.Open(options), options.Rows, (long)options.KvMebibytes << 20, options.CapturesGraphs);
    }

    /// <summary>Ends the thread; requests under way finish as failed. May be called again.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _stopped ??= "The engine was stopped.";
            Monitor.Pulse(_gate);
        }
        await _ended.Task;
        if (Interlocked.Exchange(ref _disposed, true)) return;
        _meter.Dispose();
        _runner.Dispose();
    }

    private Sequence Enter(GenerationRequest request, CancellationToken cancel)
    {
        try
        {
            Validate(request);
            var sequence = new Sequence(Model, request, _runner.Rows + _options.QueueLimit) { ArrivedAt = _time.GetUtcNow(), Trace = SequenceTrace.Of(request) };
            if (sequence.Completion is null) Queue(sequence, cancel);
            return sequence;
        }
        catch (Exception refusal)
        {
            _meter.Refused(refusal);
            throw;
        }
    }

    private static async IAsyncEnumerable<Emission> Read(Sequence sequence, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        using var registration = cancel.Register(static s => ((Sequence)s!).Cancel(), sequence);
        try
        {
            await foreach (var emission in sequence.Emissions.ReadAllAsync(CancellationToken.None)) yield return emission;
        }
        finally
        {
            sequence.Cancel();
        }
    }

    private void Validate(GenerationRequest request)
    {
        request.Sampling.Validate();
        // It may come from another process; in the index it would end the engine.
        if (request.Scope is null) throw new ArgumentException($"Request {request.Id}: it has no scope.");
        if (request.Prompt.Length < 2) throw new ArgumentException($"Request {request.Id}: a prompt has at least two ids.");
        foreach (var id in request.Prompt.Concat(request.Recorded))
            if ((uint)id >= (uint)_runner.VocabularySize)
                throw new ArgumentException($"Request {request.Id}: id {id} is outside the model's vocabulary of {_runner.VocabularySize}.");
        if (request.Prompt.Length + (long)request.Sampling.MaxTokens > _runner.ContextLength)
            throw new PromptTooLongException(request.Prompt.Length, request.Sampling.MaxTokens, _runner.ContextLength);
        if (request.Recorded.Length > request.Sampling.MaxTokens)
            throw new ArgumentException($"Request {request.Id}: {request.Recorded.Length} ids are recorded, but the reply may have only {request.Sampling.MaxTokens}.");
    }

    private void Queue(Sequence sequence, CancellationToken cancel)
    {
        lock (_gate)
        {
            if (_stopped is not null) throw new EngineStoppedException(_stopped, _defect);
            var wait = Predict(sequence.PrefillLength);
            if (InFlight >= _places + _options.QueueLimit) throw new QueueFullException(InFlight - _status.Running, wait);
            if (sequence.Request.Deadline - _time.GetUtcNow() is { } remaining && remaining <= wait)
                throw new DeadlineTooShortException(remaining, wait);
            sequence.CancelWith(cancel);
            sequence.Trace?.Ahead = InFlight;
            _inbox.Add(sequence);
            Monitor.Pulse(_gate);
        }
    }

    private int InFlight => _status.Running + _status.Waiting + _inbox.Count;

    /// <summary>
    /// Until a slot is free, which with r of them and p requests ahead that hold one for h each is after about p·h/r; then
    /// until the prompts ahead and these ids are computed.
    /// </summary>
    private TimeSpan Predict(int ids)
    {
        var ahead = InFlight - _places + 1;
        var slot = ahead <= 0 ? TimeSpan.Zero : _batcher.Held * ahead / _places;
        foreach (var sequence in _inbox) ids += sequence.PrefillLength;
        return slot + TimeSpan.FromSeconds(_pace.Prefill(_status.QueuedTokens + ids));
    }

    private void Loop()
    {
        try
        {
            while (TakeInbox())
            {
                var plan = _steps.Plan();
                lock (_gate) Note();
                // Who was cancelled or ran out of time has nothing to wait for in this step.
                if (_batcher.Ended.Count > 0) Tell();
                _steps.Run(plan);
                _meter.Stepped(plan);
                SequenceTrace.Stepped(plan);
                Tell();
            }
        }
        catch (Exception defect)
        {
            lock (_gate) (_stopped, _defect) = ($"The engine ended by a defect: {defect.Message}", defect);
        }
        finally
        {
            End();
        }
    }

    /// <summary>Takes new requests over to the batcher and waits while there is nothing at all to do; false at the end.</summary>
    private bool TakeInbox()
    {
        lock (_gate)
        {
            Note();
            while (_inbox.Count == 0 && _forgetting.Count == 0 && _batcher.IsIdle && _slots.Changes.Count == 0 && _stopped is null) Monitor.Wait(_gate);
            foreach (var (scopes, forgotten) in _forgetting)
            {
                _slots.Forget(scopes);
                forgotten.SetResult();
            }
            _forgetting.Clear();
            foreach (var sequence in _inbox) _batcher.Add(sequence);
            _inbox.Clear();
            Note();
            return _stopped is null;
        }
    }

    private void End()
    {
        lock (_gate)
        {
            foreach (var (_, forgotten) in _forgetting) forgotten.SetResult();
            _forgetting.Clear();
            foreach (var sequence in _inbox) _batcher.Add(sequence);
            _inbox.Clear();
            _batcher.FailAll(_stopped!, _time.GetUtcNow());
            Note();
        }
        MeasureEnded();
        _ended.SetResult(_defect);
        Stepped?.Invoke();
    }

    private void Tell()
    {
        MeasureEnded();
        Stepped?.Invoke();
    }

    private void MeasureEnded()
    {
        foreach (var sequence in _batcher.Ended) sequence.Trace?.End(sequence, Model);
        _meter.Ended(_batcher.Ended);
    }

    private void Note() => (_status, _places) = (Snapshot(), _batcher.Places);

    private EngineStatus Snapshot() => new(
        _batcher.Running, _batcher.Waiting, _batcher.Paused, _runner.Rows, _options.QueueLimit,
        _batcher.QueuedTokens, _slots.Reserved, _slots.Kept, _slots.Capacity, _slots.Queried, _slots.Reused, _steps.Fault);
}
