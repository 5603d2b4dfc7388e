using System.Diagnostics.Metrics;
using Microsoft.Extensions.Time.Testing;
using R1Grains.Engine.Tests.Scripted;
using static R1Grains.Engine.Tests.Generations;

namespace R1Grains.Engine.Tests;

public sealed class EngineMeterTests
{
    private const string Duration = "gen_ai.server.request.duration";
    private const string FirstToken = "gen_ai.server.time_to_first_token";
    private const string OutputToken = "gen_ai.server.time_per_output_token";
    private const string Queue = "r1grains.engine.queue.duration";

    private static readonly Model Model = ScriptedModel.Create();

    [Fact]
    public async Task A_request_is_measured_from_its_arrival_to_its_first_token_and_its_end()
    {
        var time = new FakeTimeProvider();
        // A prompt of 6 ids takes 300 ms, each further id 40 ms.
        var engine = new ScriptedRunner(Model, ids => Later(time, ids.Count == 6 ? 300 : 40)).Start(Model, time: time);
        using var measured = new Measurements(engine);
        await engine.RunAsync(Request(Model, "a", Greedy with { MaxTokens = 5 }));
        await engine.DisposeAsync();

        Assert.Equal([0.3], measured.Of(FirstToken));
        Assert.Equal([0.04], measured.Of(OutputToken));
        Assert.Equal([0.46], measured.Of(Duration));
        Assert.Equal([0.0], measured.Of(Queue));
        Assert.Equal([null], measured.Errors(Duration));
        Assert.Equal([1.0, 1, 1, 1], measured.Of("r1grains.engine.step.rows"));
        Assert.Equal([6.0], measured.Of("r1grains.engine.prefill.chunk"));
        Assert.Equal(6, measured.Of("r1grains.engine.prompt.tokens").Sum());
        Assert.Equal(5, measured.Of("r1grains.engine.generated.tokens").Sum());
    }

    [Fact]
    public async Task A_reply_of_one_token_has_no_time_per_token_and_a_resumed_one_counts_only_what_it_adds()
    {
        var time = new FakeTimeProvider();
        var engine = new ScriptedRunner(Model, _ => Later(time, 40)).Start(Model, time: time);
        using var measured = new Measurements(engine);
        await engine.RunAsync(Request(Model, "a", Greedy with { MaxTokens = 1 }));
        await engine.RunAsync(Request(Model, "a", Greedy with { MaxTokens = 6 }, recorded: ['x', 'x', 'x']));
        await engine.DisposeAsync();

        Assert.Equal([0.04, 0.04], measured.Of(FirstToken));
        Assert.Equal([0.04], measured.Of(OutputToken));
        Assert.Equal([0.04, 0.12], measured.Of(Duration));
        Assert.Equal(4, measured.Of("r1grains.engine.generated.tokens").Sum());
        Assert.Equal(12, measured.Of("r1grains.engine.prompt.tokens").Sum());
    }

    [Fact]
    public async Task Waiting_for_a_row_is_part_of_the_time_to_the_first_token()
    {
        using var gate = new SemaphoreSlim(0);
        var time = new FakeTimeProvider();
        var runner = new ScriptedRunner(Model, _ => Later(time, 100), rows: 1) { Gate = gate };
        var engine = runner.Start(Model, time: time);
        using var measured = new Measurements(engine);
        var both = Task.WhenAll(Enumerable.Range(0, 2).Select(_ => engine.RunAsync(Request(Model, "a", Greedy with { MaxTokens = 3 }))));
        await UntilAsync(() => measured.Now("r1grains.engine.requests.running") == 1);
        Assert.Equal(1, measured.Now("r1grains.engine.requests.waiting"));
        gate.Release(100);
        await both;
        await engine.DisposeAsync();

        Assert.Equal([0.0, 0.3], measured.Of(Queue));
        Assert.Equal([0.1, 0.4], measured.Of(FirstToken));
        Assert.Equal([0.3, 0.6], measured.Of(Duration));
    }

    [Fact]
    public async Task Requests_that_end_without_a_whole_reply_have_an_error_type_and_a_duration_only()
    {
        using var gate = new SemaphoreSlim(0);
        var time = new FakeTimeProvider();
        var runner = ScriptedRunner.Babbling(Model, rows: 1);
        runner.Gate = gate;
        var engine = runner.Start(Model, time: time);
        using var measured = new Measurements(engine);
        using var cancel = new CancellationTokenSource();
        var cancelled = engine.GenerateAsync(Request(Model, "a", Greedy), cancel.Token).CollectAsync();
        var late = engine.GenerateAsync(Request(Model, "b", Greedy) with { Deadline = time.GetUtcNow().AddSeconds(2) }).CollectAsync();
        var failing = engine.GenerateAsync(Request(Model, "c", Greedy)).CollectAsync();
        gate.Release(2);
        await UntilAsync(() => runner.Log.Count == 2);
        time.Advance(TimeSpan.FromSeconds(3));
        await cancel.CancelAsync();
        gate.Release(1); // The decode under way; then only the third is left.
        await Task.WhenAll(cancelled, late);
        runner.NextFault = new InvalidOperationException("the device is on fire");
        gate.Release(100);
        await failing;
        await engine.DisposeAsync();

        Assert.Equal(["cancelled", "deadline_exceeded", "failed"], measured.Errors(Duration).Order());
        Assert.Equal([3.0, 3, 3], measured.Of(Duration));
        Assert.Equal([0.0, 3], measured.Of(Queue));
        Assert.Empty(measured.Of(FirstToken));
        Assert.Empty(measured.Of(OutputToken));
    }

    [Fact]
    public async Task Requests_under_way_when_the_engine_stops_have_failed()
    {
        using var gate = new SemaphoreSlim(0);
        var runner = ScriptedRunner.Babbling(Model, rows: 1);
        runner.Gate = gate;
        var engine = runner.Start(Model);
        using var measured = new Measurements(engine);
        var ended = engine.RunAsync(Request(Model, "a", Greedy with { MaxTokens = 1 }));
        var all = Enumerable.Range(0, 2).Select(_ => engine.RunAsync(Request(Model, "b", Greedy))).ToList();
        gate.Release(1);
        await ended;
        var stopped = engine.DisposeAsync();
        gate.Release(1);
        await stopped;
        await Task.WhenAll(all);
        Assert.Equal([null, "failed", "failed"], measured.Errors(Duration));
    }

    [Fact]
    public async Task Refused_requests_are_counted_by_their_reason_and_not_timed()
    {
        using var gate = new SemaphoreSlim(0);
        var time = new FakeTimeProvider();
        var runner = ScriptedRunner.Babbling(Model, rows: 1);
        runner.Gate = gate;
        var engine = runner.Start(Model, queueLimit: 1, time);
        using var measured = new Measurements(engine);
        Assert.Throws<DeadlineTooShortException>(() => engine.GenerateAsync(Request(Model, "a", Greedy) with { Deadline = time.GetUtcNow() }));
        Assert.Throws<PromptTooLongException>(() => engine.GenerateAsync(Request(Model, new string('a', 2000), Greedy)));
        Assert.Throws<ArgumentException>(() => engine.GenerateAsync(Request(Model, "a", Greedy with { TopP = 0 })));
        var admitted = Enumerable.Range(0, 2).Select(_ => engine.RunAsync(Request(Model, "a", Greedy with { MaxTokens = 1 }))).ToList();
        Assert.Throws<QueueFullException>(() => engine.GenerateAsync(Request(Model, "a", Greedy)));
        gate.Release(100);
        await Task.WhenAll(admitted);
        await engine.DisposeAsync();

        Assert.Equal(["deadline_too_short", "prompt_too_long", "invalid_request", "queue_full"], measured.Errors("r1grains.engine.requests.refused"));
        Assert.Equal(2, measured.Of(Duration).Count());
    }

    [Fact]
    public async Task Reuse_of_prefixes_and_the_memory_for_keys_and_values_can_be_watched()
    {
        var runner = ScriptedRunner.Babbling(Model);
        await using var engine = runner.Start(Model);
        using var measured = new Measurements(engine);
        Assert.Equal(0, measured.Now("r1grains.engine.kv.parked"));
        // 100 q and five markers; all but the last two ids, down to the grid of 8, are kept.
        for (var i = 0; i < 2; i++) await engine.RunAsync(Request(Model, new string('q', 100), Greedy with { MaxTokens = 2 }));
        await UntilAsync(() => measured.Now("r1grains.engine.requests.running") == 0);

        Assert.Equal(210, measured.Now("r1grains.engine.prefix.tokens.queried"));
        Assert.Equal(96, measured.Now("r1grains.engine.prefix.tokens.hit"));
        Assert.Equal(210, measured.Of("r1grains.engine.prompt.tokens").Sum());
        Assert.Equal(210 - 96, measured.Of("r1grains.engine.prefill.chunk").Sum());
        Assert.Equal(96, measured.Now("r1grains.engine.kv.parked"));
        Assert.Equal(0, measured.Now("r1grains.engine.kv.used"));
        Assert.Equal(runner.KvCapacity, measured.Now("r1grains.engine.kv.capacity"));
    }

    [Fact]
    public async Task Requests_put_aside_can_be_watched()
    {
        using var gate = new SemaphoreSlim(0);
        var runner = ScriptedRunner.Babbling(Model, rows: 1);
        runner.Gate = gate;
        await using var engine = runner.Start(Model);
        using var measured = new Measurements(engine);
        var batch = engine.RunAsync(Request(Model, "a", Greedy with { MaxTokens = 8 }) with { Priority = Priority.Batch });
        gate.Release(2);
        await UntilAsync(() => runner.Log.Count == 2);
        var interactive = engine.RunAsync(Request(Model, "b", Greedy with { MaxTokens = 8 }));
        gate.Release(2);
        await UntilAsync(() => measured.Now("r1grains.engine.requests.paused") == 1);
        Assert.Equal((1, 1), (measured.Now("r1grains.engine.requests.running"), measured.Now("r1grains.engine.requests.waiting")));
        gate.Release(100);
        await Task.WhenAll(batch, interactive);
    }

    [Fact]
    public async Task The_three_histograms_of_the_conventions_have_a_boundary_at_the_limit_for_a_first_token()
    {
        await using var engine = ScriptedRunner.Babbling(Model).Start(Model);
        using var measured = new Measurements(engine);
        foreach (var name in new[] { Duration, FirstToken, OutputToken })
        {
            var histogram = Assert.IsType<Histogram<double>>(measured.Instruments.Single(instrument => instrument.Name == name));
            Assert.Equal("s", histogram.Unit);
            Assert.Contains(0.8, histogram.Advice!.HistogramBucketBoundaries!);
            Assert.Equal(histogram.Advice.HistogramBucketBoundaries!.Order(), histogram.Advice.HistogramBucketBoundaries!);
        }
    }

    [Fact]
    public async Task No_attribute_tells_whose_request_it_was()
    {
        var engine = ScriptedRunner.Babbling(Model).Start(Model);
        using var measured = new Measurements(engine);
        await engine.RunAsync(Request(Model, "secret words", Greedy with { MaxTokens = 9 }, id: "tenants/acme/conversations/c7") with { Scope = "acme" });
        measured.Now("r1grains.engine.kv.used");
        await engine.DisposeAsync();

        Assert.All([Duration, FirstToken, OutputToken, Queue], name => Assert.Single(measured.Of(name)));
        Assert.Equal(
            ["gen_ai.operation.name=chat", "gen_ai.provider.name=r1grains", "gen_ai.request.model=scripted", "gen_ai.response.model=scripted"],
            measured.Attributes.Select(attribute => $"{attribute.Key}={attribute.Value}").Distinct().Order());
    }

    [Fact]
    public async Task A_disposed_engine_measures_nothing_any_more()
    {
        var engine = ScriptedRunner.Babbling(Model).Start(Model);
        await engine.DisposeAsync();
        using var measured = new Measurements(engine);
        Assert.Empty(measured.Instruments);
    }

    [Fact]
    public void Recording_allocates_nothing()
    {
        using var meter = new EngineMeter(Model, () => default, scope: this);
        using var listener = new MeterListener();
        var recorded = 0;
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Scope == this) l.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<int>((_, _, _, _) => recorded++);
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => recorded++);
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => recorded++);
        listener.Start();

        var sequence = new Sequence(Model, Request(Model, "a", Greedy with { MaxTokens = 2 }), places: 1) { AdmittedAt = DateTimeOffset.UnixEpoch };
        sequence.CommitPrefill(6, DateTimeOffset.UnixEpoch);
        sequence.CommitDecode();
        var plan = new StepPlan { Prefill = sequence, ChunkLength = 6 };
        plan.Decodes.Add(sequence);
        List<Sequence> ended = [];
        Record();

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) Record();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        // Rows, chunk, prompt and generated tokens; duration, queue, first token and time per token.
        Assert.Equal(1001 * 8, recorded);

        void Record()
        {
            meter.Stepped(plan);
            ended.Add(sequence);
            meter.Ended(ended);
        }
    }

    private static int Later(FakeTimeProvider time, int milliseconds)
    {
        time.Advance(TimeSpan.FromMilliseconds(milliseconds));
        return 'x';
    }
}
