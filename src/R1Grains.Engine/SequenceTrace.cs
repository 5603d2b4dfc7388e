using System.Diagnostics;
using System.Text.Json;

namespace R1Grains.Engine;

/// <summary>
/// What the device did with one request, as spans of the source <c>R1Grains.Engine</c>: <c>generate</c>, in it
/// <c>queue</c>, <c>prefill</c> and <c>decode</c>, and in the last the first <c>step</c>. They are made when the request
/// has ended, of what was noted meanwhile, so that a step costs a traced request a few additions and any other one nothing.
/// Attributes are ids and numbers, never tokens or words.
/// </summary>
internal sealed class SequenceTrace
{
    private const string Own = "r1grains.engine.";
    private static readonly ActivitySource Source = new("R1Grains.Engine", typeof(SequenceTrace).Assembly.GetName().Version?.ToString(3));

    private int _chunks;
    private int _steps;
    private long _rows;
    private int _rowsMax;

    // Of the first step.
    private DateTimeOffset _stepBegun;
    private DateTimeOffset _stepEnded;
    private int _stepRows;

    private SequenceTrace()
    {
    }

    /// <summary>Requests that ran or waited when it came.</summary>
    public int Ahead { get; set; }

    /// <summary>Null where the request's span is not recorded, or nobody listens.</summary>
    public static SequenceTrace? Of(GenerationRequest request) =>
        request.Trace.TraceFlags.HasFlag(ActivityTraceFlags.Recorded) && Source.HasListeners() ? new() : null;

    /// <summary>The plan was carried out and committed.</summary>
    public static void Stepped(StepPlan plan)
    {
        foreach (var sequence in plan.Decodes) sequence.Trace?.Decoded(plan);
        if (plan.Prefill?.Trace is { } prefilled) prefilled._chunks++;
    }

    /// <summary>The sequence has ended.</summary>
    public void End(Sequence sequence, Model model)
    {
        var completion = sequence.Completion!;
        using var whole = Source.StartActivity("generate", ActivityKind.Server, sequence.Request.Trace, startTime: sequence.ArrivedAt);
        if (whole is null) return;
        whole.SetTag("gen_ai.request.model", model.Name);
        whole.SetTag(Own + "request", sequence.Request.Id);
        whole.SetTag(Own + "prompt.tokens", completion.Usage.PromptTokens);
        whole.SetTag(Own + "generated.tokens", sequence.Length - sequence.PrefillLength);
        whole.SetTag(Own + "finish_reason", JsonNamingPolicy.SnakeCaseLower.ConvertName(completion.Reason.ToString()));
        if (completion.Reason is FinishReason.Failed) whole.SetStatus(ActivityStatusCode.Error);
        // The clock of the engine's own times, which need not be the system's.
        whole.SetEndTime(sequence.EndedAt.UtcDateTime);

        var admitted = sequence.AdmittedAt == default ? sequence.EndedAt : sequence.AdmittedAt;
        using (var queue = Part("queue", whole, sequence.ArrivedAt, admitted))
            queue?.SetTag(Own + "requests.ahead", Ahead);
        if (sequence.AdmittedAt == default) return;
        using (var prefill = Part("prefill", whole, admitted, sequence.FirstTokenAt ?? sequence.EndedAt))
        {
            prefill?.SetTag(Own + "prefix.tokens.hit", sequence.Reused);
            prefill?.SetTag(Own + "prefill.chunks", _chunks);
        }
        if (sequence.FirstTokenAt is not { } first) return;
        using var decode = Part("decode", whole, first, sequence.EndedAt);
        decode?.SetTag(Own + "steps", _steps);
        decode?.SetTag(Own + "paused", sequence.WasPaused);
        if (decode is null || _steps == 0) return;
        decode.SetTag(Own + "step.rows.mean", (double)_rows / _steps);
        decode.SetTag(Own + "step.rows.max", _rowsMax);
        using var step = Part("step", decode, _stepBegun, _stepEnded);
        step?.SetTag(Own + "step.rows", _stepRows);
    }

    private static Activity? Part(string name, Activity whole, DateTimeOffset begun, DateTimeOffset ended) =>
        Source.StartActivity(name, ActivityKind.Internal, whole.Context, startTime: begun)?.SetEndTime(ended.UtcDateTime);

    private void Decoded(StepPlan plan)
    {
        var rows = plan.Decodes.Count;
        if (_steps++ == 0) (_stepBegun, _stepEnded, _stepRows) = (plan.Begun, plan.Now, rows);
        _rows += rows;
        _rowsMax = Math.Max(_rowsMax, rows);
    }
}
