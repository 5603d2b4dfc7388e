using R1Grains.Engine.Models;
using R1Grains.Engine.Onnx;
using static R1Grains.Engine.Tests.Onnx.OnnxModelRunnerTests;

namespace R1Grains.Engine.Tests.Onnx;

/// <summary>A folder whose keys and values are int8, as <c>r1-tune quantize-cache</c> writes it.</summary>
public sealed class QuantizedCacheTests
{
    [Fact]
    public void Logits_stay_near_those_of_the_float32_cache()
    {
        using var single = Open(ModelFolders.SmallBlocks);
        using var quantized = Open(ModelFolders.QuantizedCache);
        foreach (var runner in new[] { single, quantized })
        {
            Prefill(runner, 1, Prompt(5, 300));
            for (var i = 0; i < 20; i++) runner.Decode([new(1, 300 + i, i)]);
        }
        var expected = single.Logits(1).ToArray();
        var spread = Math.Sqrt(expected.Average(x => x * x));
        var error = Math.Sqrt(expected.Zip(quantized.Logits(1).ToArray(), (a, b) => (a - b) * (a - b)).Average()) / spread;
        Assert.InRange(error, 1e-6, 0.1);
    }

    [Fact]
    public void A_row_has_the_same_bits_alone_and_beside_others_of_any_length()
    {
        using var runner = Open(ModelFolders.QuantizedCache);
        int[] lengths = [400, 37, 1_500, 1_024, 1_025, 200, 5, 1_999];
        for (var slot = 0; slot < 8; slot++) Prefill(runner, slot, Prompt(slot, lengths[slot]));
        float[] Row(int slot, params int[] batch)
        {
            runner.Decode([.. batch.Select(s => new DecodeRow(s, lengths[s], 7))]);
            return runner.Logits(slot).ToArray();
        }

        var alone = Enumerable.Range(0, 8).Select(slot => Row(slot, slot)).ToArray();
        Assert.NotEqual(alone[0], alone[1]);
        foreach (var batch in new int[][] { [0, 1], [2, 5, 7], [1, 3, 4, 6], [.. Enumerable.Range(0, 8)] })
            foreach (var slot in batch)
                Assert.Equal(alone[slot], Row(slot, batch));
    }

    [Fact]
    public void A_prompt_in_chunks_on_the_grid_has_the_bits_of_the_whole_prompt()
    {
        using var runner = Open(ModelFolders.QuantizedCache);
        foreach (var length in new[] { 256, 1_500 })
        {
            var prompt = Prompt(3, length);
            var whole = Answer(0, runner.ChunkLength);
            foreach (var chunk in new[] { 8, 64, 104, 248 }) Assert.Equal(whole, Answer(1, chunk));

            float[] Answer(int slot, int chunk)
            {
                Prefill(runner, slot, prompt, chunk);
                var prompted = runner.Logits(slot).ToArray();
                runner.Decode([new DecodeRow(slot, length, 9)]);
                return [.. prompted, .. runner.Logits(slot)];
            }
        }
    }

    /// <summary>
    /// Attention over int8 takes each position by itself, whatever is computed at once; with weights whose kernels do so
    /// too, how a history came about leaves no trace. A float32 cache differs by some 0.1 here.
    /// </summary>
    [Avx512Fact]
    public void A_history_that_was_decoded_has_the_bits_of_one_that_was_prompted()
    {
        using var runner = Open(ModelFolders.QuantizedCache);
        for (var seed = 0; seed < 5; seed++)
        {
            int[] lengths = [.. Enumerable.Range(0, 4).Select(slot => 3 + (seed * 131 + slot * 397) % 900)];
            int[][] texts = [.. Enumerable.Range(0, 4).Select(slot => Prompt(seed * 4 + slot, lengths[slot] + 9 + seed))];
            for (var slot = 0; slot < 4; slot++) Prefill(runner, slot, texts[slot][..lengths[slot]]);
            for (var i = 0; i < 9 + seed; i++) runner.Decode([.. lengths.Select((length, slot) => new DecodeRow(slot, length + i, texts[slot][length + i]))]);
            var decoded = Enumerable.Range(0, 4).Select(slot => runner.Logits(slot).ToArray()).ToList();
            for (var slot = 0; slot < 4; slot++)
            {
                Prefill(runner, 5, texts[slot]);
                Assert.Equal(decoded[slot], runner.Logits(5).ToArray());
            }
        }
    }

    private static OnnxModelRunner Open(string folder) => new(ModelFolder.Open(folder), rows: 8, threads: 0);

    private static void Prefill(OnnxModelRunner runner, int slot, int[] prompt, int chunk = 256)
    {
        for (var i = 0; i < prompt.Length; i += chunk) runner.Prefill(slot, i, prompt.AsSpan(i, Math.Min(chunk, prompt.Length - i)));
    }
}
