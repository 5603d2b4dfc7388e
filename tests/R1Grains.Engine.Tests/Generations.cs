using R1Grains.Engine.Tests.Scripted;

namespace R1Grains.Engine.Tests;

/// <summary>Short ways to run a request to its end.</summary>
internal static class Generations
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    public static readonly SamplingOptions Greedy = new() { Temperature = 0, MaxTokens = 64 };

    public static EngineOptions Options(int queueLimit = 64) => new() { Folder = "", QueueLimit = queueLimit };

    public static GenerationRequest Request(Model model, string text, SamplingOptions sampling, int[]? recorded = null, string id = "r") => new()
    {
        Id = id,
        Scope = "",
        Prompt = model.Template.Render([new(R1Grains.Engine.Models.ChatRole.User, text)]),
        Recorded = recorded ?? [],
        Sampling = sampling,
    };

    public static async Task<(int[] Ids, Completion Completion)> RunAsync(this InferenceEngine engine, GenerationRequest request, CancellationToken cancel = default)
    {
        var emissions = await engine.GenerateAsync(request, cancel).CollectAsync();
        return ([.. emissions.Where(e => e.Kind == EmissionKind.Token).Select(e => e.TokenId)], emissions[^1].Completion!);
    }

    public static async Task<List<Emission>> CollectAsync(this IAsyncEnumerable<Emission> emissions)
    {
        using var impatience = new CancellationTokenSource(Patience);
        var list = new List<Emission>();
        await foreach (var emission in emissions.WithCancellation(impatience.Token)) list.Add(emission);
        Assert.False(impatience.IsCancellationRequested, $"No end within {Patience}.");
        Assert.Equal(EmissionKind.Finished, list[^1].Kind);
        return list;
    }

    public static InferenceEngine Start(this ScriptedRunner runner, Model model, int queueLimit = 64, TimeProvider? time = null) =>
        new(model, runner, Options(queueLimit), time ?? TimeProvider.System);

    public static async Task UntilAsync(Func<bool> condition)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(2));
        for (var i = 0; !condition(); i++)
        {
            Assert.True(i < 10_000, "The condition did not come true.");
            await timer.WaitForNextTickAsync();
        }
    }
}
