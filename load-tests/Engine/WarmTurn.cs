using R1Grains.Engine;

namespace R1Grains.LoadTests.Engine;

/// <summary>The first token of a conversation's eighth turn, after a history of 6,000 tokens, beside that of the same prompt in a scope that has seen nothing.</summary>
internal static class WarmTurn
{
    private const int Turns = 7;
    private const int History = 6_000;
    private const int Answer = 60;
    private const int Question = 80;
    private static readonly SamplingOptions Greedy = new() { Temperature = 0, MaxTokens = Answer };

    public static async Task MeasureAsync(Bench bench, CancellationToken cancellation)
    {
        const int rows = 4;
        await using var serving = Serving.Start(await bench.OpenAsync(cancellation), rows, bench.Threads);
        // A model with a shorter context gets a shorter history.
        var history = Math.Min(History, serving.Engine.Model.ContextLength - Question - Answer);
        var (warm, cold) = (new List<double>(), new List<double>());
        for (var block = 0; block < bench.Blocks; block++)
        {
            Bench.Say($"warm turn, block {block + 1} of {bench.Blocks}");
            var scope = $"conversation {block}";
            int[] said = [];
            for (var turn = 1; turn <= Turns; turn++)
            {
                // The questions fill the history up: answers are as long as answers are.
                int[] prompt = [.. said, .. Prompts.Of(serving.Engine.Model, block * Turns + turn, history * turn / Turns - Answer - said.Length)];
                said = [.. prompt, .. (await serving.ReplyAsync(prompt, Greedy, scope, cancellation)).Ids];
            }
            int[] eighth = [.. said, .. Prompts.Of(serving.Engine.Model, -1 - block, Question)];
            warm.Add((await serving.ReplyAsync(eighth, Greedy, scope, cancellation)).FirstMs);
            cold.Add((await serving.ReplyAsync(eighth, Greedy, scope: null, cancellation)).FirstMs);
        }
        bench.Figures.Add("warm_turn_ttft_ms", warm.Median());
        bench.Figures.Add("cold_turn_ttft_ms", cold.Median());
        bench.Figures.Add("warm_turn_ttft_ratio", warm.Median() / cold.Median());
    }
}
