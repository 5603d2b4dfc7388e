using System.Text;
using Microsoft.Extensions.Time.Testing;
using R1Grains.Engine.Tests.Scripted;
using static R1Grains.Engine.Tests.Generations;

namespace R1Grains.Engine.Tests;

public sealed class InferenceEngineTests
{
    private static readonly Model Model = ScriptedModel.Create();

    [Fact]
    public async Task A_reply_is_emitted_id_by_id_with_its_end_and_its_usage()
    {
        await using var engine = ScriptedRunner.Saying(Model, "想\n").Start(Model);
        var emissions = await engine.GenerateAsync(Request(Model, "hi", Greedy)).CollectAsync();
        Assert.Equal([EmissionKind.Prefilling, .. Enumerable.Repeat(EmissionKind.Token, 5), EmissionKind.Finished], emissions.Select(e => e.Kind));
        Assert.Equal([.. Encoding.UTF8.GetBytes("想\n").Select(b => (int)b), ScriptedModel.End], emissions[1..^1].Select(e => e.TokenId));
        Assert.Equal(new Completion(FinishReason.Stop, new Usage(7, 5, 0)), emissions[^1].Completion);
    }

    [Fact]
    public async Task Sequences_join_and_leave_the_batch_at_any_step_and_a_released_slot_is_used_again()
    {
        using var gate = new SemaphoreSlim(0);
        var runner = new ScriptedRunner(Model, ids => ids.Count % 3 == 0 ? ScriptedModel.End : 'x', rows: 2) { Gate = gate };
        await using var engine = runner.Start(Model, time: new FakeTimeProvider());

        // Prompts of 6, 7 and 8 ids; replies end when the slot holds a multiple of 3.
        var first = engine.GenerateAsync(Request(Model, "aaa", Greedy)).CollectAsync(); // 8 ids: x, then End at 9
        var second = engine.GenerateAsync(Request(Model, "aa", Greedy)).CollectAsync(); // 7 ids: x x, then End
        var third = engine.GenerateAsync(Request(Model, "a", Greedy)).CollectAsync(); // 6 ids: End at once
        gate.Release(100);
        await Task.WhenAll(first, second, third);
        // The first pauses while the second's short prompt is computed.
        Assert.Equal(["prefill 0 0+8", "prefill 1 0+7", "decode 0 1", "truncate 0 0", "prefill 0 0+6", "truncate 0 0", "decode 1", "truncate 1 0"], runner.Log.Take(8));
    }

    [Fact]
    public async Task Every_row_of_a_full_batch_has_the_ids_it_has_alone()
    {
        var random = new Random(1);
        var requests = Enumerable.Range(0, 40).Select(i => Request(Model, new string('q', random.Next(1, 300)), new SamplingOptions
        {
            Seed = (ulong)random.Next(),
            Temperature = i % 5 == 0 ? 0 : 1,
            RepetitionPenalty = i % 3 == 0 ? 1.3f : 1,
            MaxTokens = random.Next(1, 120),
            ReasoningBudget = i % 2 == 0 ? random.Next(0, 60) : null,
        })).ToList();

        await using var together = ScriptedRunner.Babbling(Model).Start(Model);
        var results = await Task.WhenAll(requests.Select(request => together.RunAsync(request)));
        await using var alone = ScriptedRunner.Babbling(Model, rows: 1).Start(Model);
        for (var i = 0; i < requests.Count; i++)
        {
            var (ids, completion) = await alone.RunAsync(requests[i]);
            Assert.Equal(ids, results[i].Ids);
            Assert.Equal(completion, results[i].Completion);
        }
    }

    [Fact]
    public async Task Draws_differ_from_position_to_position_and_repeat_with_their_seed()
    {
        var runner = new ScriptedRunner(Model, (_, logits) => logits[..256].Clear());
        await using var engine = runner.Start(Model);
        var sampling = new SamplingOptions { Temperature = 1, TopP = 1, TopK = 256, Seed = 4, MaxTokens = 100 };
        var (ids, _) = await engine.RunAsync(Request(Model, "a", sampling));
        Assert.InRange(ids.Distinct().Count(), 50, 100);
        Assert.Equal(ids, (await engine.RunAsync(Request(Model, "b", sampling))).Ids);
        Assert.NotEqual(ids, (await engine.RunAsync(Request(Model, "a", sampling with { Seed = 5 }))).Ids);
    }

    [Fact]
    public async Task No_chunk_of_a_prompt_is_one_id_long_and_cuts_lie_on_a_grid()
    {
        var runner = ScriptedRunner.Babbling(Model, chunkLength: 16);
        await using var engine = runner.Start(Model);
        for (var length = 1; length < 100; length++)
            await engine.RunAsync(Request(Model, new string('q', length), Greedy with { MaxTokens = 1 }) with { Scope = $"{length}" });
        var chunks = runner.Log.Where(line => line.StartsWith("prefill", StringComparison.Ordinal))
            .Select(line => line.Split(' ', '+')).Select(parts => (Start: int.Parse(parts[2]), Length: int.Parse(parts[3]))).ToList();
        Assert.True(chunks.Count > 200);
        Assert.All(chunks, chunk => Assert.InRange(chunk.Length, 2, 16));
        Assert.All(chunks, chunk => Assert.Equal(0, chunk.Start % 8));
    }

    [Fact]
    public async Task A_resumed_reply_goes_on_exactly_as_if_it_had_never_been_interrupted()
    {
        var options = new[]
        {
            new SamplingOptions { Seed = 5, Temperature = 1, MaxTokens = 30, RepetitionPenalty = 1.5f },
            new SamplingOptions { Seed = 6, Temperature = 1, MaxTokens = 60, ReasoningBudget = 9 },
            new SamplingOptions { Seed = 7, Temperature = 1, MaxTokens = 200, ReasoningBudget = 3, StopStrings = ["e", "zq"] },
        };
        await using var engine = ScriptedRunner.Babbling(Model).Start(Model);
        foreach (var sampling in options)
        {
            var (whole, end) = await engine.RunAsync(Request(Model, "hello", sampling));
            for (var cut = 0; cut <= whole.Length; cut++)
            {
                var (rest, resumed) = await engine.RunAsync(Request(Model, "hello", sampling, recorded: whole[..cut]));
                Assert.Equal(whole[cut..], rest);
                Assert.Equal(end, resumed);
            }
        }
    }

    [Fact]
    public async Task Recorded_ids_that_the_options_could_not_have_brought_are_refused()
    {
        await using var engine = ScriptedRunner.Babbling(Model).Start(Model);
        Assert.Throws<ArgumentException>(() => engine.GenerateAsync(Request(Model, "a", Greedy, recorded: [ScriptedModel.End, 'x'])));
        Assert.Throws<ArgumentException>(() => engine.GenerateAsync(Request(Model, "a", Greedy with { ReasoningBudget = 1 }, recorded: ['x', 'y'])));
        Assert.Throws<ArgumentException>(() => engine.GenerateAsync(Request(Model, "a", Greedy with { MaxTokens = 1 }, recorded: ['x', 'y'])));
        Assert.Throws<ArgumentException>(() => engine.GenerateAsync(Request(Model, "a", Greedy, recorded: [5000])));
    }

    [Fact]
    public async Task A_cancelled_request_frees_its_row_at_the_next_step_and_says_so()
    {
        using var gate = new SemaphoreSlim(0);
        var runner = ScriptedRunner.Babbling(Model, rows: 1);
        runner.Gate = gate;
        await using var engine = runner.Start(Model, time: new FakeTimeProvider());
        using var cancel = new CancellationTokenSource();
        var running = engine.GenerateAsync(Request(Model, "a", Greedy), cancel.Token).CollectAsync();
        var waiting = engine.GenerateAsync(Request(Model, "b", Greedy with { MaxTokens = 1 })).CollectAsync();
        gate.Release(3); // prefill and two decodes
        await UntilAsync(() => runner.Log.Count == 3);
        cancel.Cancel();
        gate.Release(2); // the decode under way, and then already the other's prefill
        Assert.Equal(FinishReason.Length, (await waiting)[^1].Completion!.Reason);
        Assert.Equal(FinishReason.Cancelled, (await running)[^1].Completion!.Reason);
        Assert.Equal(["prefill 0 0+6", "decode 0", "decode 0", "decode 0", "truncate 0 0", "prefill 0 0+6"], runner.Log.Take(6));
    }

    [Fact]
    public async Task The_end_of_a_cancelled_reply_is_told_before_the_others_next_step_is_run()
    {
        using var gate = new SemaphoreSlim(0);
        var runner = ScriptedRunner.Babbling(Model, rows: 2);
        runner.Gate = gate;
        await using var engine = runner.Start(Model);
        using var cancel = new CancellationTokenSource();
        var cancelled = engine.Submit(Request(Model, "a", Greedy, id: "a"), cancel.Token);
        engine.Submit(Request(Model, "b", Greedy, id: "b"));
        var heard = new TaskCompletionSource<FinishReason>(TaskCreationOptions.RunContinuationsAsynchronously);
        engine.Stepped += () =>
        {
            while (cancelled.TryRead(out var emission))
                if (emission.Completion is { } end)
                    heard.TrySetResult(end.Reason);
        };
        gate.Release(4); // Both prompts, and decodes.
        await UntilAsync(() => runner.Log.Count >= 4);
        cancel.Cancel();
        gate.Release(1); // The run under way; the one after it waits.
        Assert.Equal(FinishReason.Cancelled, await heard.Task.WaitAsync(TimeSpan.FromSeconds(20)));
        gate.Release(100);
    }

    [Fact]
    public async Task A_request_that_nobody_reads_is_cancelled_all_the_same()
    {
        using var gate = new SemaphoreSlim(0);
        var runner = ScriptedRunner.Babbling(Model, rows: 1);
        runner.Gate = gate;
        await using var engine = runner.Start(Model);
        using var cancel = new CancellationTokenSource();
        var running = engine.GenerateAsync(Request(Model, "a", Greedy with { MaxTokens = 1500 }), cancel.Token);
        var waiting = engine.GenerateAsync(Request(Model, "b", Greedy), cancel.Token);
        gate.Release(1);
        await UntilAsync(() => runner.Log.Count == 1);
        cancel.Cancel();
        var late = engine.GenerateAsync(Request(Model, "c", Greedy), cancel.Token);
        gate.Release(1);
        await UntilAsync(() => engine.Status is { Running: 0, Waiting: 0, KvTokens: 0 });
        foreach (var unread in new[] { running, waiting, late }) Assert.Equal(FinishReason.Cancelled, (await unread.CollectAsync())[^1].Completion!.Reason);
    }

    [Fact]
    public async Task Thousands_of_tiny_requests_end_once_each_whoever_cancels_when()
    {
        await using var engine = ScriptedRunner.Babbling(Model, rows: 7).Start(Model, queueLimit: 10_000);
        var random = new Random(1);
        var leaving = Enumerable.Range(0, 2_000).Select(_ => new CancellationTokenSource()).ToList();
        var requests = leaving.ConvertAll(_ => new GenerationRequest
        {
            Id = "r",
            Scope = $"{random.Next(3)}",
            Prompt = [.. Enumerable.Range(0, random.Next(2, 40)).Select(_ => random.Next(2))],
            Sampling = Greedy with { MaxTokens = random.Next(1, 20) },
            Priority = (Priority)random.Next(2),
        });
        var replies = requests.Zip(leaving, (request, token) => Task.Run(() => engine.GenerateAsync(request, token.Token).CollectAsync())).ToList();
        await Task.WhenAll(Enumerable.Range(0, 3).Select(first => Task.Run(() =>
        {
            for (var i = first; i < leaving.Count; i += 5) leaving[i].Cancel();
        })));
        var ends = (await Task.WhenAll(replies)).Select(reply => reply[^1].Completion!).ToList();
        Assert.All(ends, end => Assert.True(end.Reason is FinishReason.Length or FinishReason.Cancelled, $"{end}"));
        Assert.All(ends.Where((_, i) => i % 5 > 2), end => Assert.Equal(FinishReason.Length, end.Reason));
        await UntilAsync(() => engine.Status is { Running: 0, Waiting: 0, KvTokens: 0, QueuedTokens: 0 });
    }

    [Fact]
    public async Task Leaving_the_enumeration_early_cancels()
    {
        await using var engine = ScriptedRunner.Babbling(Model, rows: 1).Start(Model);
        await foreach (var _ in engine.GenerateAsync(Request(Model, "a", Greedy with { MaxTokens = 1500 }))) break;
        var (_, completion) = await engine.RunAsync(Request(Model, "b", Greedy with { MaxTokens = 2 }));
        Assert.Equal(FinishReason.Length, completion.Reason);
        await UntilAsync(() => engine.Status is { Running: 0, Waiting: 0, KvTokens: 0 });
    }

    [Fact]
    public async Task A_full_queue_refuses_with_the_expected_wait_and_queues_nothing()
    {
        using var gate = new SemaphoreSlim(0);
        var time = new FakeTimeProvider();
        var runner = ScriptedRunner.Babbling(Model, rows: 1);
        runner.Gate = gate;
        await using var engine = runner.Start(Model, queueLimit: 2, time);
        var warm = engine.GenerateAsync(Request(Model, "a", Greedy with { MaxTokens = 4 }));
        gate.Release(2);
        await UntilAsync(() => runner.Log.Count == 2);
        time.Advance(TimeSpan.FromSeconds(12));
        gate.Release(2);
        await warm.CollectAsync(); // Held its row for 12 s.

        var admitted = Enumerable.Range(0, 3).Select(_ => engine.GenerateAsync(Request(Model, "a", Greedy with { MaxTokens = 1 })).CollectAsync()).ToList();
        var refused = Assert.Throws<QueueFullException>(() => engine.GenerateAsync(Request(Model, "a", Greedy)));
        Assert.Equal(TimeSpan.FromSeconds(36), refused.PredictedFirstToken);
        Assert.Equal(3, engine.Status.Running + engine.Status.Waiting);
        gate.Release(100);
        await Task.WhenAll(admitted);
        await engine.RunAsync(Request(Model, "a", Greedy with { MaxTokens = 1 }));
    }

    [Fact]
    public async Task Waiting_requests_hear_how_many_are_ahead()
    {
        using var gate = new SemaphoreSlim(0);
        var runner = ScriptedRunner.Babbling(Model, rows: 1);
        runner.Gate = gate;
        await using var engine = runner.Start(Model);
        var all = Enumerable.Range(0, 4).Select(_ => engine.GenerateAsync(Request(Model, "a", Greedy with { MaxTokens = 2 })).CollectAsync()).ToList();
        gate.Release(100);
        var last = (await Task.WhenAll(all))[3];
        var positions = last.Where(e => e.Kind == EmissionKind.Queued).Select(e => e.Position).ToList();
        Assert.Equal([2, 1, 0], positions.TakeLast(3));
    }

    [Fact]
    public async Task A_deadline_ends_running_and_waiting_requests()
    {
        using var gate = new SemaphoreSlim(0);
        var time = new FakeTimeProvider();
        var runner = ScriptedRunner.Babbling(Model, rows: 1);
        runner.Gate = gate;
        await using var engine = runner.Start(Model, time: time);
        var running = engine.GenerateAsync(Request(Model, "a", Greedy) with { Deadline = time.GetUtcNow().AddSeconds(10) }).CollectAsync();
        var waiting = engine.GenerateAsync(Request(Model, "b", Greedy) with { Deadline = time.GetUtcNow().AddSeconds(5) }).CollectAsync();
        gate.Release(2);
        await UntilAsync(() => runner.Log.Count == 2);
        time.Advance(TimeSpan.FromSeconds(6));
        gate.Release(2);
        Assert.Equal(new Completion(FinishReason.Deadline, new Usage(6, 0, 0)), (await waiting)[^1].Completion);
        time.Advance(TimeSpan.FromSeconds(6));
        gate.Release(2);
        Assert.Equal(FinishReason.Deadline, (await running)[^1].Completion!.Reason);
    }

    [Fact]
    public async Task A_deadline_shorter_than_the_queue_is_refused_at_once()
    {
        var time = new FakeTimeProvider();
        await using var engine = ScriptedRunner.Babbling(Model).Start(Model, time: time);
        var refused = Assert.Throws<DeadlineTooShortException>(() => engine.GenerateAsync(Request(Model, "a", Greedy) with { Deadline = time.GetUtcNow() }));
        Assert.Equal(TimeSpan.Zero, refused.Remaining);
    }

    [Fact]
    public async Task A_deadline_shorter_than_the_queue_is_refused_before_any_request_has_ended()
    {
        using var gate = new SemaphoreSlim(0);
        var time = new FakeTimeProvider();
        var runner = ScriptedRunner.Babbling(Model, rows: 1);
        runner.Gate = gate;
        await using var engine = runner.Start(Model, time: time);
        var first = engine.GenerateAsync(Request(Model, "a", Greedy with { MaxTokens = 4 })).CollectAsync();
        gate.Release(1);
        await UntilAsync(() => runner.Log.Count == 1);
        time.Advance(TimeSpan.FromSeconds(12));
        gate.Release(1);
        await UntilAsync(() => engine.PredictFirstToken(0) == TimeSpan.FromSeconds(12));

        var refused = Assert.Throws<DeadlineTooShortException>(() => engine.GenerateAsync(Request(Model, "b", Greedy) with { Deadline = time.GetUtcNow().AddSeconds(10) }));
        Assert.Equal((TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(12)), (refused.Remaining, refused.PredictedFirstToken));
        var patient = engine.GenerateAsync(Request(Model, "c", Greedy with { MaxTokens = 1 }) with { Deadline = time.GetUtcNow().AddSeconds(20) }).CollectAsync();
        gate.Release(100);
        Assert.Equal(FinishReason.Length, (await first)[^1].Completion!.Reason);
        Assert.Equal(FinishReason.Length, (await patient)[^1].Completion!.Reason);
    }

    [Fact]
    public async Task A_prompt_that_does_not_fit_is_refused_with_its_counts()
    {
        await using var engine = ScriptedRunner.Babbling(Model).Start(Model);
        var refused = Assert.Throws<PromptTooLongException>(() => engine.GenerateAsync(Request(Model, new string('a', 2000), Greedy)));
        Assert.Equal((2005, 64, 2048), (refused.PromptTokens, refused.MaxTokens, refused.ContextLength));
        var (ids, _) = await engine.RunAsync(Request(Model, new string('a', 1979), Greedy));
        Assert.Equal(64, ids.Length); // 1,984 + 64 fill the context to the last position.
    }

    [Fact]
    public async Task A_request_that_cannot_be_is_refused_and_harms_nobody()
    {
        await using var engine = ScriptedRunner.Babbling(Model).Start(Model);
        var request = Request(Model, "a", Greedy);
        foreach (var prompt in new int[][] { [], [1], [1, -1], [1, int.MaxValue] })
            Assert.Throws<ArgumentException>(() => engine.GenerateAsync(request with { Prompt = prompt }));
        Assert.Throws<ArgumentException>(() => engine.GenerateAsync(request with { Scope = null! }));
        Assert.Throws<PromptTooLongException>(() => engine.GenerateAsync(request with { Sampling = Greedy with { MaxTokens = int.MaxValue } }));
        Assert.Throws<DeadlineTooShortException>(() => engine.GenerateAsync(request with { Deadline = DateTimeOffset.MinValue }));
        Assert.Equal(64, (await engine.RunAsync(request with { Deadline = DateTimeOffset.MaxValue })).Ids.Length);
    }

    [Theory]
    [InlineData("Temperature")]
    [InlineData("TopP")]
    [InlineData("RepetitionPenalty")]
    [InlineData("MaxTokens")]
    [InlineData("StopStrings")]
    public async Task Options_out_of_range_are_refused_by_name(string name)
    {
        await using var engine = ScriptedRunner.Babbling(Model).Start(Model);
        var sampling = name switch
        {
            "Temperature" => Greedy with { Temperature = float.NaN },
            "TopP" => Greedy with { TopP = 0 },
            "RepetitionPenalty" => Greedy with { RepetitionPenalty = float.Epsilon }, // Logits would come out infinite.
            "MaxTokens" => Greedy with { MaxTokens = 0 },
            _ => Greedy with { StopStrings = [""] },
        };
        Assert.Contains(name, Assert.Throws<ArgumentException>(() => engine.GenerateAsync(Request(Model, "a", sampling))).Message);
    }

    [Fact]
    public async Task A_failed_run_fails_the_rows_in_it_and_the_engine_goes_on()
    {
        using var gate = new SemaphoreSlim(0);
        var runner = ScriptedRunner.Babbling(Model, rows: 2);
        runner.Gate = gate;
        await using var engine = runner.Start(Model);
        var decoding = engine.GenerateAsync(Request(Model, "a", Greedy)).CollectAsync();
        gate.Release(1);
        await UntilAsync(() => runner.Log.Count == 1);
        runner.NextFault = new InvalidOperationException("the device is on fire");
        var joining = engine.GenerateAsync(Request(Model, "b", Greedy with { MaxTokens = 2 })).CollectAsync();
        gate.Release(1);
        var failed = (await decoding)[^1].Completion!;
        Assert.Equal(FinishReason.Failed, failed.Reason);
        Assert.Contains("the device is on fire", failed.Error);
        gate.Release(100);
        Assert.Equal(FinishReason.Length, (await joining)[^1].Completion!.Reason);
        Assert.Null(engine.Status.Fault);

        runner.NextFault = new InvalidOperationException("again");
        Assert.Equal(FinishReason.Failed, (await engine.RunAsync(Request(Model, "c", Greedy))).Completion.Reason);
        Assert.Equal("again", engine.Status.Fault);
    }

    [Fact]
    public async Task Broken_logits_fail_their_own_row_only()
    {
        var runner = new ScriptedRunner(Model, (ids, logits) => logits.Fill(ids.Contains('b') && ids.Count > 8 ? float.NaN : 1));
        await using var engine = runner.Start(Model);
        var results = await Task.WhenAll(engine.RunAsync(Request(Model, "a", Greedy)), engine.RunAsync(Request(Model, "b", Greedy)));
        Assert.Equal([FinishReason.Length, FinishReason.Failed], results.Select(r => r.Completion.Reason));
    }

    [Fact]
    public async Task A_reader_that_never_reads_stalls_nobody()
    {
        await using var engine = ScriptedRunner.Babbling(Model, rows: 2).Start(Model);
        var unread = engine.GenerateAsync(Request(Model, "a", Greedy with { MaxTokens = 1000 }));
        var (ids, _) = await engine.RunAsync(Request(Model, "b", Greedy with { MaxTokens = 1500 }));
        Assert.Equal(1500, ids.Length);
        Assert.Equal(1000, (await unread.CollectAsync()).Count(e => e.Kind == EmissionKind.Token));
    }

    [Fact]
    public async Task Rows_are_given_only_within_the_memory_for_keys_and_values()
    {
        var runner = new ScriptedRunner(Model, _ => 'x', rows: 8) { KvCapacity = 2048 };
        await using var engine = runner.Start(Model);
        var sampling = Greedy with { MaxTokens = 1000 };
        var all = Enumerable.Range(0, 6).Select(_ => engine.GenerateAsync(Request(Model, "a", sampling)).CollectAsync()).ToList();
        await Task.WhenAll(all);
        Assert.All(runner.Log.Where(line => line.StartsWith("decode", StringComparison.Ordinal)), line => Assert.InRange(line.Split(' ').Length - 1, 1, 2));
    }

    [Fact]
    public async Task A_stopped_engine_ends_its_requests_and_refuses_new_ones()
    {
        using var gate = new SemaphoreSlim(0);
        var runner = ScriptedRunner.Babbling(Model, rows: 1);
        runner.Gate = gate;
        var engine = runner.Start(Model);
        var running = engine.GenerateAsync(Request(Model, "a", Greedy)).CollectAsync();
        var waiting = engine.GenerateAsync(Request(Model, "b", Greedy)).CollectAsync();
        var stop = engine.DisposeAsync();
        gate.Release(1);
        await stop;
        Assert.Equal(FinishReason.Failed, (await running)[^1].Completion!.Reason);
        Assert.Equal(FinishReason.Failed, (await waiting)[^1].Completion!.Reason);
        Assert.Throws<EngineStoppedException>(() => engine.GenerateAsync(Request(Model, "c", Greedy)));
        Assert.True(runner.IsDisposed);
        await engine.DisposeAsync();
    }

    [Fact]
    public async Task An_idle_engine_sleeps()
    {
        var time = new CountingTime();
        await using var engine = ScriptedRunner.Babbling(Model).Start(Model, time: time);
        await engine.RunAsync(Request(Model, "a", Greedy));
        await UntilAsync(() => engine.Status.KvTokens == 0);
        var steps = time.Calls;
        await using var other = ScriptedRunner.Babbling(Model).Start(Model);
        await other.RunAsync(Request(Model, "a", Greedy with { MaxTokens = 1000 }));
        Assert.InRange(time.Calls - steps, 0, 2); // At most the step that released the last slot.
    }

    private sealed class CountingTime : TimeProvider
    {
        private int _calls;

        public int Calls => Volatile.Read(ref _calls);

        public override DateTimeOffset GetUtcNow()
        {
            Interlocked.Increment(ref _calls);
            return base.GetUtcNow();
        }
    }
}
