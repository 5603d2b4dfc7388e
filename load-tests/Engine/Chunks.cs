using R1Grains.Engine;
using R1Grains.Engine.Models;

namespace R1Grains.LoadTests.Engine;

/// <summary>Replies without an engine: prompts are prefilled in chunks of a given length, then decoded and sampled.</summary>
internal static class Chunks
{
    private const int Tokens = 16;

    private const int ShortMax = 1_100;
    private static readonly int[] Lengths = [2, 3, 5, 8, 24, 63, 64, 128, 200, 255, 256, 511, 512];
    private static readonly int[] LengthsOfLong = [128, 512]; // Of prompts that are not short: they take their time.

    public static IEnumerable<(int Chunk, int Asked, IReadOnlyList<int> Ids)> Replies(ModelFolder folder, int threads, Determinism.Question[] questions, CancellationToken cancellation)
    {
        using var runner = Serving.Runner(folder, rows: 1, threads);
        var sampler = new Sampler(folder.Model.Tokenizer.VocabularySize);
        for (var asked = 0; asked < questions.Length; asked++)
            foreach (var length in (questions[asked].Prompt.Length > ShortMax ? LengthsOfLong : Lengths).Select(OnGrid).Distinct())
            {
                cancellation.ThrowIfCancellationRequested();
                yield return (length, asked, Reply(runner, sampler, questions[asked], length));
            }

        int OnGrid(int length) => Math.Clamp(length / runner.CutGrid * runner.CutGrid, Math.Max(2, runner.CutGrid), runner.ChunkLength);
    }

    private static List<int> Reply(IModelRunner runner, Sampler sampler, Determinism.Question question, int chunk)
    {
        var (prompt, ids) = (question.Prompt, new List<int>());
        for (var start = 0; start < prompt.Length;)
        {
            var length = Batcher.Cut(prompt.Length - start, chunk, runner.CutGrid);
            runner.Prefill(0, start, prompt.AsSpan(start, length));
            start += length;
        }
        while (true)
        {
            ids.Add(sampler.Sample(runner.Logits(0), question.Sampling, ids.Count, []));
            if (ids.Count == Tokens) break;
            runner.Decode([new DecodeRow(0, prompt.Length + ids.Count - 1, ids[^1])]);
        }
        runner.Truncate(0, 0);
        return ids;
    }
}
