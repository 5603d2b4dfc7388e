using System.Diagnostics;
using Microsoft.Extensions.Time.Testing;
using R1Grains.Engine.Tests.Scripted;
using static R1Grains.Engine.Tests.Generations;

namespace R1Grains.Engine.Tests;

public sealed class SequenceTraceTests
{
    private static readonly Model Model = ScriptedModel.Create();

    [Fact]
    public async Task A_traced_request_tells_when_it_was_queued_prefilled_and_decoded()
    {
        using var spans = new Spans();
        var time = new FakeTimeProvider();
        var begun = time.GetUtcNow();
        // A prompt of 6 ids takes 300 ms, each further id 40 ms.
        var engine = new ScriptedRunner(Model, ids => Later(time, ids.Count == 6 ? 300 : 40)).Start(Model, time: time);
        await engine.RunAsync(Request(Model, "a", Greedy with { MaxTokens = 5 }, id: "turns/7") with { Trace = spans.Parent });
        await engine.DisposeAsync();

        Assert.Equal(5, spans.Ended.Count);
        var (whole, decode) = (spans.Of("generate"), spans.Of("decode"));
        Assert.Equal(spans.Parent.SpanId, whole.ParentSpanId);
        Assert.All(["queue", "prefill", "decode"], name => Assert.Equal(whole.SpanId, spans.Of(name).ParentSpanId));
        Assert.Equal(decode.SpanId, spans.Of("step").ParentSpanId);

        Assert.Equal((0, 460), Milliseconds(whole));
        Assert.Equal((0, 300), Milliseconds(spans.Of("prefill")));
        Assert.Equal((300, 460), Milliseconds(decode));
        Assert.Equal((300, 340), Milliseconds(spans.Of("step")));

        Assert.Equal("turns/7", whole.GetTagItem("r1grains.engine.request"));
        Assert.Equal("6 5 length", Tags(whole, "prompt.tokens", "generated.tokens", "finish_reason"));
        Assert.Equal("0 1", Tags(spans.Of("prefill"), "prefix.tokens.hit", "prefill.chunks"));
        Assert.Equal("4 1 1 False", Tags(decode, "steps", "step.rows.mean", "step.rows.max", "paused"));
        Assert.Equal("1", Tags(spans.Of("step"), "step.rows"));

        (int, int) Milliseconds(Activity span) => ((int)(span.StartTimeUtc - begun.UtcDateTime).TotalMilliseconds, (int)(span.StartTimeUtc + span.Duration - begun.UtcDateTime).TotalMilliseconds);
    }

    [Fact]
    public async Task A_request_that_got_no_row_was_only_queued()
    {
        using var gate = new SemaphoreSlim(0);
        using var spans = new Spans();
        using var impatient = new CancellationTokenSource();
        var engine = new ScriptedRunner(Model, _ => 'x', rows: 1) { Gate = gate }.Start(Model);
        var first = engine.RunAsync(Request(Model, "a", Greedy with { MaxTokens = 2 }));
        await UntilAsync(() => engine.Status.Running == 1);
        var second = engine.RunAsync(Request(Model, "b", Greedy) with { Trace = spans.Parent }, impatient.Token);
        await impatient.CancelAsync();
        gate.Release(100);
        await first;
        await second;
        await engine.DisposeAsync();

        Assert.Equal(2, spans.Ended.Count);
        Assert.Equal(1, spans.Of("queue").GetTagItem("r1grains.engine.requests.ahead"));
        Assert.Equal("cancelled", spans.Of("generate").GetTagItem("r1grains.engine.finish_reason"));
    }

    [Fact]
    public async Task A_trace_that_is_not_recorded_costs_nothing_whoever_listens()
    {
        using var spans = new Spans(isRecorded: false);
        var request = Request(Model, "a", Greedy with { MaxTokens = 2 }) with { Trace = spans.Parent };
        Assert.Null(SequenceTrace.Of(request));
        Assert.Null(SequenceTrace.Of(request with { Trace = default }));
        var engine = new ScriptedRunner(Model, _ => 'x').Start(Model);
        await engine.RunAsync(request);
        await engine.DisposeAsync();
        Assert.Empty(spans.Ended);

        var sequence = new Sequence(Model, request, places: 1);
        var plan = new StepPlan { Prefill = sequence };
        plan.Decodes.Add(sequence);
        SequenceTrace.Stepped(plan);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) SequenceTrace.Stepped(plan);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public async Task No_span_holds_words_or_tokens()
    {
        using var spans = new Spans();
        var engine = ScriptedRunner.Babbling(Model).Start(Model);
        await engine.RunAsync(Request(Model, "zebrafish", Greedy with { MaxTokens = 9 }) with { Trace = spans.Parent });
        await engine.DisposeAsync();
        Assert.Equal(5, spans.Ended.Count);
        Assert.All(spans.Ended, span => Assert.All(span.TagObjects, tag => Assert.True(
            tag.Value is int or double or bool || tag is { Key: "gen_ai.request.model" or "r1grains.engine.request" or "r1grains.engine.finish_reason" }, tag.Key)));
    }

    private static string Tags(Activity span, params string[] names) => string.Join(' ', names.Select(name => span.GetTagItem($"r1grains.engine.{name}")));

    private static int Later(FakeTimeProvider time, int milliseconds)
    {
        time.Advance(TimeSpan.FromMilliseconds(milliseconds));
        return 'x';
    }
}
