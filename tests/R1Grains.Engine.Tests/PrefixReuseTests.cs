using R1Grains.Engine.Tests.Scripted;
using static R1Grains.Engine.Tests.Generations;

namespace R1Grains.Engine.Tests;

public sealed class PrefixReuseTests
{
    private static readonly Model Model = ScriptedModel.Create();
    private static readonly string Policy = new('p', 100);

    [Fact]
    public async Task The_next_turn_of_a_conversation_computes_only_what_is_new()
    {
        var runner = ScriptedRunner.Babbling(Model, chunkLength: 512);
        await using var engine = runner.Start(Model);
        var first = Ids("a first question");
        var (reply, _) = await engine.RunAsync(Ask(first));
        await engine.RunAsync(Ask([.. first, .. reply[..10], .. Ids("and a second")[..20]]));

        // 121 ids were computed; the last two are computed again, and cuts lie on the grid of 8.
        var prefills = runner.Log.Where(line => line.StartsWith("prefill", StringComparison.Ordinal)).ToList();
        Assert.Equal($"prefill 0 0+{first.Length}", prefills[0]);
        var reused = (first.Length - 2) / 8 * 8;
        Assert.Equal($"prefill 0 {reused}+{first.Length + 30 - reused}", prefills[1]);
        Assert.Equal(reused, engine.Status.PrefixTokensReused);
        Assert.Equal(2 * first.Length + 30, engine.Status.PrefixTokensQueried);
    }

    [Fact]
    public async Task Conversations_of_one_tenant_share_its_policy_and_those_of_another_do_not()
    {
        var runner = ScriptedRunner.Babbling(Model, chunkLength: 512);
        await using var engine = runner.Start(Model);
        await engine.RunAsync(Ask(Ids("first")) with { Scope = "a" });
        await engine.RunAsync(Ask(Ids("other")) with { Scope = "b" });
        Assert.Equal(0, engine.Status.PrefixTokensReused);
        await engine.RunAsync(Ask(Ids("second question")) with { Scope = "a" });
        Assert.Equal(100, engine.Status.PrefixTokensReused, tolerance: 8);
    }

    [Fact]
    public async Task A_warm_prompt_brings_the_ids_of_a_cold_one()
    {
        await using var warm = ScriptedRunner.Babbling(Model).Start(Model);
        foreach (var length in Enumerable.Range(1, 40))
        {
            var request = Ask(Ids(new string('q', length)));
            await using var cold = ScriptedRunner.Babbling(Model).Start(Model);
            Assert.Equal((await cold.RunAsync(request)).Ids, (await warm.RunAsync(request)).Ids);
        }
        Assert.True(warm.Status.PrefixTokensReused > 3_000);
    }

    [Fact]
    public async Task Kept_prefixes_make_room_for_requests_the_long_unused_first()
    {
        var runner = new ScriptedRunner(Model, _ => 'x', rows: 1) { KvCapacity = 2048 };
        await using var engine = runner.Start(Model);
        foreach (var name in new[] { "a", "b", "c", "a" })
            await engine.RunAsync(Ask(Ids(new string(name[0], 500))) with { Scope = name });
        var reused = engine.Status.PrefixTokensReused;
        Assert.InRange(reused, 590, 610); // "a" was still there.
        Assert.InRange(engine.Status.ParkedTokens, 1_770, 1_810);

        await engine.RunAsync(Ask(Ids(new string('d', 500))) with { Scope = "d" });
        Assert.InRange(engine.Status.ParkedTokens, 1_200, 2_048 - 64);
        await engine.RunAsync(Ask(Ids(new string('a', 500))) with { Scope = "a" });
        Assert.True(engine.Status.PrefixTokensReused > reused, "What was just used made room.");
        reused = engine.Status.PrefixTokensReused;
        await engine.RunAsync(Ask(Ids(new string('b', 500))) with { Scope = "b" });
        Assert.Equal(reused, engine.Status.PrefixTokensReused);
    }

    private static int[] Ids(string question) => [.. (Policy + question).Select(c => (int)c), ScriptedModel.ThinkOpen];

    private static GenerationRequest Ask(int[] prompt) => new() { Id = "r", Scope = "", Prompt = prompt, Sampling = Greedy };
}
