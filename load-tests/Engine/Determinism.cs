using R1Grains.Engine;
using R1Grains.Engine.Models;

namespace R1Grains.LoadTests.Engine;

/// <summary>
/// Sampled ids that are not what the same request gives alone, on one thread, to an engine that has seen nothing:
/// in batches of up to 64, cold and warm, with several numbers of threads and other chunks, for each kind of weights.
/// </summary>
internal static class Determinism
{
    private const int Rows = 64;
    private const int WideTokens = 80; // Long enough that the first row still decodes when the last joins.
    private const int LongTokens = 24;
    private static readonly string[] Precisions = ["fp32", "int8", "int4"];

    // The shortest that is allowed, the edges of chunks, the longest.
    private static readonly int[] Lengths = [2, 3, 9, 10, 65, 129, 193, 255, 256, 257, 258, 511, 514, 777, 1_025, 1_026, 2_050, 4_099, 6_000];

    /// <param name="Seed">Of prompt and sampling.</param>
    public sealed record Question(int[] Prompt, SamplingOptions Sampling);

    public static async Task MeasureAsync(Bench bench, CancellationToken cancellation)
    {
        var (tokens, differences, most) = (0, 0, 0);
        IEnumerable<Task<string>> models = bench.Model is { } given ? [Task.FromResult(given)] : Precisions.Select(precision => RandomModel.GetAsync(precision, cancellation));
        foreach (var model in models)
        {
            var folder = ModelFolder.Open(await model);
            var questions = Questions(folder.Model);
            IReadOnlyList<int>[] expected;
            Bench.Say($"determinism, {folder.Model.Name}: alone");
            await using (var alone = Serving.Start(folder, rows: 1, threads: 1))
                expected = await AskAsync(alone, questions, atOnce: 1, scope: null, cancellation);

            foreach (var threads in new[] { 1, 2, folder.Config.AttentionHeads })
            {
                Bench.Say($"determinism, {folder.Model.Name}: {threads} threads");
                await using (var together = Serving.Start(folder, Rows, threads))
                {
                    Compare("cold", await AskAsync(together, questions, Rows, scope: null, cancellation));
                    most = Math.Max(most, MostRows(together.Runs.Calls));
                    await AskAsync(together, Beginnings(questions), Rows, "warm", cancellation);
                    Compare("warm", await AskAsync(together, questions, Rows, "warm", cancellation));
                    Compare("warm again", await AskAsync(together, questions, atOnce: 3, "warm", cancellation));
                }
                foreach (var (chunk, asked, ids) in Chunks.Replies(folder, threads, questions, cancellation))
                    Differ($"chunks of {chunk}, prompt of {questions[asked].Prompt.Length}", expected[asked].Take(ids.Count), ids);

                void Compare(string how, IReadOnlyList<int>[] actual)
                {
                    for (var i = 0; i < actual.Length; i++) Differ($"{how}, prompt of {questions[i].Prompt.Length}", expected[i], actual[i]);
                }

                void Differ(string how, IEnumerable<int> alone, IReadOnlyList<int> ids)
                {
                    tokens += ids.Count;
                    var different = alone.Zip(ids).Count(pair => pair.First != pair.Second);
                    differences += different;
                    if (different > 0) Console.Error.WriteLine($"{folder.Model.Name}, {threads} threads, {how}: {different} of {ids.Count} ids differ.");
                }
            }
        }
        bench.Figures.Add("determinism_tokens", tokens);
        bench.Figures.Add("determinism_rows_max", most);
        bench.Figures.Add("determinism_differences", differences);
    }

    /// <summary>Many short prompts whose replies fill the batch, then prompts of all lengths.</summary>
    private static Question[] Questions(Model model)
    {
        var random = new Random(1);
        return
        [
            .. Enumerable.Range(0, Rows).Select(i => Ask(i, random.Next(2, 40), WideTokens + random.Next(16))),
            .. Lengths.Where(length => length + LongTokens <= model.ContextLength).Select((length, i) => Ask(Rows + i, length, LongTokens)),
        ];

        Question Ask(int seed, int length, int tokens) =>
            new(Prompts.Of(model, seed, length), new SamplingOptions { Seed = (ulong)seed, Temperature = 1, TopP = 1, MaxTokens = tokens });
    }

    /// <summary>Prompts that begin as those of <paramref name="questions"/> do, for prefixes of any length to be known.</summary>
    private static Question[] Beginnings(Question[] questions)
    {
        var random = new Random(2);
        return [.. questions.Select(question => question with { Prompt = question.Prompt[..random.Next(2, question.Prompt.Length + 1)], Sampling = question.Sampling with { MaxTokens = 1 } })];
    }

    private static async Task<IReadOnlyList<int>[]> AskAsync(Serving serving, Question[] questions, int atOnce, string? scope, CancellationToken cancellation)
    {
        var replies = new IReadOnlyList<int>[questions.Length];
        await Parallel.ForAsync(0, questions.Length, new ParallelOptions { MaxDegreeOfParallelism = atOnce, CancellationToken = cancellation }, async (i, stop) =>
            replies[i] = (await serving.ReplyAsync(questions[i].Prompt, questions[i].Sampling, scope, stop)).Ids);
        return replies;
    }

    private static int MostRows(ReadOnlySpan<Call> calls)
    {
        var most = 0;
        foreach (var call in calls) most = Math.Max(most, call.Rows);
        return most;
    }
}
