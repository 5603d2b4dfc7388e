using System.Diagnostics.Metrics;

namespace R1Grains.Engine;

/// <summary>
/// What can be measured of one engine, as instruments of the meter <c>R1Grains.Engine</c>. The three of <c>gen_ai.server</c>
/// follow OpenTelemetry's conventions for model servers; the others are our own. Attributes name the model and how a
/// request ended, never whose it was. Recording allocates nothing.
/// </summary>
internal sealed class EngineMeter : IDisposable
{
    private const string Own = "r1grains.engine.";

    // The boundaries that the conventions advise and one at 0.8 s: a share of requests below a limit is exact only where
    // the limit is a boundary, and 0.8 s is what a first token is held to.
    private static readonly InstrumentAdvice<double> RequestBuckets = new()
    { HistogramBucketBoundaries = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 0.8, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92] };

    private static readonly InstrumentAdvice<double> FirstTokenBuckets = new()
    { HistogramBucketBoundaries = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 0.8, 1, 2.5, 5, 7.5, 10] };

    private static readonly InstrumentAdvice<double> OutputTokenBuckets = new()
    { HistogramBucketBoundaries = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 0.8, 1, 2.5] };

    private static readonly InstrumentAdvice<int> RowBuckets = new()
    { HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] };

    private static readonly InstrumentAdvice<int> ChunkBuckets = new()
    { HistogramBucketBoundaries = [8, 16, 32, 64, 128, 256, 512, 1024, 2048] };

    private readonly Meter _meter;
    private readonly Histogram<double> _request;
    private readonly Histogram<double> _firstToken;
    private readonly Histogram<double> _outputToken;
    private readonly Histogram<double> _queue;
    private readonly Histogram<int> _rows;
    private readonly Histogram<int> _chunk;
    private readonly Counter<long> _prompt;
    private readonly Counter<long> _generated;
    private readonly Counter<long> _refused;

    // Attributes, built once: of our own instruments, of a reply that was generated, of the ends that are errors.
    private readonly KeyValuePair<string, object?>[] _model;
    private readonly KeyValuePair<string, object?>[] _reply;
    private readonly KeyValuePair<string, object?>[] _cancelled;
    private readonly KeyValuePair<string, object?>[] _deadline;
    private readonly KeyValuePair<string, object?>[] _failed;

    /// <param name="status">Asked whenever somebody collects.</param>
    /// <param name="scope">Tells the meters of several engines apart for listeners in the process.</param>
    public EngineMeter(Model model, Func<EngineStatus> status, object scope)
    {
        _meter = new Meter(new MeterOptions("R1Grains.Engine") { Version = typeof(EngineMeter).Assembly.GetName().Version?.ToString(3), Scope = scope });
        _model = [new("gen_ai.request.model", model.Name)];
        _reply = [.. _model, new("gen_ai.response.model", model.Name), new("gen_ai.operation.name", "chat"), new("gen_ai.provider.name", "r1grains")];
        _cancelled = [.. _reply, new("error.type", "cancelled")];
        _deadline = [.. _reply, new("error.type", "deadline_exceeded")];
        _failed = [.. _reply, new("error.type", "failed")];

        _request = _meter.CreateHistogram("gen_ai.server.request.duration", "s", "From a request's arrival at the engine to its end.", advice: RequestBuckets);
        _firstToken = _meter.CreateHistogram("gen_ai.server.time_to_first_token", "s", "From the arrival to the first token, of complete replies.", advice: FirstTokenBuckets);
        _outputToken = _meter.CreateHistogram("gen_ai.server.time_per_output_token", "s", "From the first token to the last, per token after the first, of complete replies.", advice: OutputTokenBuckets);
        _queue = _meter.CreateHistogram(Own + "queue.duration", "s", "From the arrival to a row, of requests that got one.", advice: FirstTokenBuckets);
        _rows = _meter.CreateHistogram(Own + "step.rows", "{row}", "Replies that got a token in one decode run.", advice: RowBuckets);
        _chunk = _meter.CreateHistogram(Own + "prefill.chunk", "{token}", "Tokens computed in one prefill run.", advice: ChunkBuckets);
        _prompt = _meter.CreateCounter<long>(Own + "prompt.tokens", "{token}", "Tokens of prompts that were taken in, computed or reused.");
        _generated = _meter.CreateCounter<long>(Own + "generated.tokens", "{token}", "Tokens sampled.");
        _refused = _meter.CreateCounter<long>(Own + "requests.refused", "{request}", "Requests that were not admitted.");

        Level("requests.running", "{request}", "Requests that have a row.", s => s.Running);
        Level("requests.waiting", "{request}", "Requests that wait for a row, paused ones included.", s => s.Waiting);
        Level("requests.paused", "{request}", "Batch requests put aside for interactive ones.", s => s.Paused);
        Level("kv.used", "{position}", "Positions of keys and values reserved for running requests.", s => s.KvTokens);
        Level("kv.parked", "{position}", "Positions of prefixes kept for later prompts; they make room when requests need it.", s => s.ParkedTokens);
        Level("kv.capacity", "{position}", "Positions that fit the device.", s => s.KvCapacity);
        Total("prefix.tokens.queried", "Prompt tokens for which a computed prefix was looked for.", s => s.PrefixTokensQueried);
        Total("prefix.tokens.hit", "Prompt tokens that a computed prefix held.", s => s.PrefixTokensReused);

        void Level(string name, string unit, string description, Func<EngineStatus, long> value) =>
            _meter.CreateObservableUpDownCounter(Own + name, () => new Measurement<long>(value(status()), _model), unit, description);

        void Total(string name, string description, Func<EngineStatus, long> value) =>
            _meter.CreateObservableCounter(Own + name, () => new Measurement<long>(value(status()), _model), "{token}", description);
    }

    /// <summary>The request was not admitted.</summary>
    public void Refused(Exception refusal) => _refused.Add(1, [.. _model, new("error.type", refusal switch
    {
        QueueFullException => "queue_full",
        DeadlineTooShortException => "deadline_too_short",
        PromptTooLongException => "prompt_too_long",
        EngineStoppedException => "engine_stopped",
        _ => "invalid_request",
    })]);

    /// <summary>The plan was carried out and committed.</summary>
    public void Stepped(StepPlan plan)
    {
        var generated = 0;
        if (plan.Decodes.Count > 0) _rows.Record(plan.Decodes.Count, _model);
        foreach (var sequence in plan.Decodes)
            if (sequence.Completion?.Reason != FinishReason.Failed) generated++;
        if (plan.Prefill is { } prefilled)
        {
            _chunk.Record(plan.ChunkLength, _model);
            if (!prefilled.IsPrefilling)
            {
                _prompt.Add(prefilled.Request.Prompt.Length, _model);
                generated++;
            }
        }
        if (generated > 0) _generated.Add(generated, _model);
    }

    /// <summary>The sequences have ended; clears the list.</summary>
    public void Ended(List<Sequence> sequences)
    {
        foreach (var sequence in sequences) Ended(sequence);
        sequences.Clear();
    }

    public void Dispose() => _meter.Dispose();

    private void Ended(Sequence sequence)
    {
        var attributes = sequence.Completion!.Reason switch
        {
            FinishReason.Cancelled => _cancelled,
            FinishReason.Deadline => _deadline,
            FinishReason.Failed => _failed,
            _ => _reply,
        };
        _request.Record(Seconds(sequence.ArrivedAt, sequence.EndedAt), attributes);
        if (sequence.AdmittedAt != default) _queue.Record(Seconds(sequence.ArrivedAt, sequence.AdmittedAt), _model);
        if (attributes != _reply) return;

        var first = sequence.FirstTokenAt!.Value;
        _firstToken.Record(Seconds(sequence.ArrivedAt, first), _reply);
        // Ids recorded before an interruption are the prompt's here: nobody waited for them.
        var later = sequence.Length - sequence.PrefillLength - 1;
        if (later > 0) _outputToken.Record(Seconds(first, sequence.EndedAt) / later, _reply);
    }

    /// <summary>A clock that was set back must not take anything off a sum.</summary>
    private static double Seconds(DateTimeOffset from, DateTimeOffset to) => Math.Max(0, (to - from).TotalSeconds);
}
