using Microsoft.Extensions.Time.Testing;
using R1Grains.Engine.Tests.Scripted;
using static R1Grains.Engine.Tests.Generations;

namespace R1Grains.Engine.Tests;

public sealed class PriorityTests
{
    private static readonly Model Model = ScriptedModel.Create();

    [Fact]
    public async Task A_batch_request_gives_its_row_to_an_interactive_one_and_goes_on_where_it_stood()
    {
        using var gate = new SemaphoreSlim(0);
        var runner = ScriptedRunner.Babbling(Model, rows: 1);
        await using var engine = runner.Start(Model, time: new FakeTimeProvider());
        var request = Request(Model, "overnight", Greedy with { MaxTokens = 30 }) with { Priority = Priority.Batch };
        var (alone, _) = await engine.RunAsync(request with { Scope = "alone" });
        runner.Log.Clear();
        runner.Gate = gate;

        var batch = engine.RunAsync(request);
        gate.Release(5);
        await UntilAsync(() => runner.Log.Count >= 5);
        var interactive = engine.RunAsync(Request(Model, "now", Greedy with { MaxTokens = 3 }));
        gate.Release(100);
        await interactive;
        Assert.Equal(alone, (await batch).Ids);
        var paused = runner.Log.FindIndex(line => line.StartsWith("copy 0 ", StringComparison.Ordinal));
        var back = runner.Log.FindLastIndex(line => line.StartsWith("copy ", StringComparison.Ordinal));
        Assert.True(paused > 0 && back > paused, string.Join(", ", runner.Log));
        Assert.Contains(runner.Log[paused..back], line => line.StartsWith("prefill 0 ", StringComparison.Ordinal)); // The interactive one's.
        Assert.DoesNotContain(runner.Log[back..], line => line.StartsWith("prefill", StringComparison.Ordinal)); // Nothing is computed twice.
    }

    [Fact]
    public async Task A_reply_that_was_begun_elsewhere_passes_those_that_are_not_begun()
    {
        using var gate = new SemaphoreSlim(0);
        var time = new FakeTimeProvider();
        var runner = ScriptedRunner.Babbling(Model, rows: 1);
        await using var engine = runner.Start(Model, time: time);
        var begun = Request(Model, "begun", Greedy with { MaxTokens = 8 });
        var (whole, _) = await engine.RunAsync(begun);
        runner.Gate = gate;
        var running = engine.RunAsync(Request(Model, "a", Greedy with { MaxTokens = 2 }));
        await UntilAsync(() => engine.Status.Running == 1);
        var fresh = engine.GenerateAsync(Request(Model, "b", Greedy with { MaxTokens = 40 })).CollectAsync();
        // The run that stands at the gate takes as long, which is learnt as the pace of prompts.
        time.Advance(TimeSpan.FromSeconds(1));
        var rest = engine.RunAsync(begun with { Recorded = whole[..5] });
        // Step by step, of which the one takes a few and the other forty.
        while (!fresh.IsCompleted && !rest.IsCompleted)
        {
            gate.Release();
            await UntilAsync(() => gate.CurrentCount == 0);
            await Task.WhenAny(fresh, rest, Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System));
        }
        Assert.False(fresh.IsCompleted, string.Join(", ", runner.Log));
        Assert.Equal(whole[5..], (await rest).Ids);
        gate.Release(100);
        await Task.WhenAll(running, fresh);
    }

    [Fact]
    public async Task A_batch_request_that_has_waited_is_not_passed_any_more()
    {
        using var gate = new SemaphoreSlim(0);
        var time = new FakeTimeProvider();
        var runner = ScriptedRunner.Babbling(Model, rows: 1);
        runner.Gate = gate;
        await using var engine = runner.Start(Model, time: time);
        var running = engine.RunAsync(Request(Model, "a", Greedy with { MaxTokens = 3 }));
        await UntilAsync(() => engine.Status.Running == 1);
        var batch = engine.GenerateAsync(Request(Model, "b", Greedy with { MaxTokens = 1 }) with { Priority = Priority.Batch }).CollectAsync();
        time.Advance(Batcher.BatchPatience - TimeSpan.FromSeconds(1));
        var soon = engine.GenerateAsync(Request(Model, "c", Greedy with { MaxTokens = 2 })).CollectAsync();
        time.Advance(TimeSpan.FromSeconds(2));
        var late = engine.GenerateAsync(Request(Model, "d", Greedy with { MaxTokens = 4 })).CollectAsync();
        gate.Release(100);
        await Task.WhenAll(running, batch, soon, late);
        // Replies are told from each other by their lengths.
        var decodes = string.Join(' ', runner.Log.Select(line => line.Split(' ')[0])).Split("prefill", StringSplitOptions.RemoveEmptyEntries).Select(reply => reply.Split("decode").Length - 1);
        Assert.Equal([2, 1, 0, 3], decodes);
    }
}
