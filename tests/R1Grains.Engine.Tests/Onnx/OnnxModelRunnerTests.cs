using R1Grains.Engine.Models;
using R1Grains.Engine.Onnx;

namespace R1Grains.Engine.Tests.Onnx;

public sealed class OnnxModelRunnerTests
{
    public static TheoryData<string> Precisions => new("fp32", "int8", "int4");

    [Theory, MemberData(nameof(Precisions))]
    public void A_row_has_the_same_bits_in_any_batch_and_in_any_slot(string precision)
    {
        using var runner = Open(precision, rows: 16);
        for (var slot = 0; slot < 16; slot++) Prefill(runner, slot, Prompt(slot % 5, 30 + slot % 5 * 37));
        float[] Row(int slot, params int[] batch)
        {
            runner.Decode([.. batch.Select(s => new DecodeRow(s, 30 + s % 5 * 37, 7))]);
            return runner.Logits(slot).ToArray();
        }

        var alone = Enumerable.Range(0, 5).Select(slot => Row(slot, slot)).ToArray();
        Assert.NotEqual(alone[0], alone[1]);
        foreach (var batch in new int[][] { [0, 1], [0, 1, 2, 3, 4], [1, 5, 11], [3, 8, 14, 15], [.. Enumerable.Range(0, 16)], [.. Enumerable.Range(2, 13)] })
            foreach (var slot in batch)
                Assert.Equal(alone[slot % 5], Row(slot, batch));
    }

    [Theory, MemberData(nameof(Precisions))]
    public void A_prompt_in_chunks_has_the_bits_of_the_whole_prompt_wherever_the_cuts_lie_on_the_granule(string precision)
    {
        using var runner = Open(precision, rows: 3);
        var prompt = Prompt(3, 256);
        Prefill(runner, 0, prompt);
        var whole = runner.Logits(0).ToArray();
        foreach (var cuts in new int[][] { [128, 128], [8, 248], [104, 8, 144], [64, 64, 64, 64] })
        {
            var start = 0;
            foreach (var length in cuts)
            {
                runner.Prefill(1, start, prompt.AsSpan(start, length));
                start += length;
            }
            Assert.Equal(whole, runner.Logits(1).ToArray());
        }
        Assert.Equal(Decoded(runner, 0), Decoded(runner, 1)); // The history is the same too, not only the last position.

        static float[] Decoded(OnnxModelRunner runner, int slot)
        {
            runner.Decode([new DecodeRow(slot, 256, 9)]);
            return runner.Logits(slot).ToArray();
        }
    }

    [Theory, MemberData(nameof(Precisions))]
    public void Rows_that_lie_between_running_rows_keep_their_history(string precision)
    {
        using var runner = Open(precision, rows: 4);
        var prompt = Prompt(1, 90);
        Prefill(runner, 0, prompt);
        var expected = runner.Logits(0).ToArray();

        Prefill(runner, 0, Prompt(2, 40));
        Prefill(runner, 3, Prompt(3, 300));
        runner.Prefill(1, 0, prompt.AsSpan(0, 50)); // Half a prompt, between two rows that decode.
        for (var i = 0; i < 5; i++) runner.Decode([new(0, 40 + i, 5), new(3, 300 + i, 6)]);
        runner.Prefill(1, 50, prompt.AsSpan(50));
        Assert.Equal(expected, runner.Logits(1).ToArray());
    }

    [Fact]
    public void Keys_values_and_logits_may_be_float16()
    {
        using var single = Open("fp32", rows: 2);
        using var half = new OnnxModelRunner(ModelFolder.Open(HalfFolder.Make()), rows: 2, threads: 0);
        foreach (var runner in new[] { single, half })
        {
            Prefill(runner, 1, Prompt(5, 300));
            runner.Decode([new(1, 300, 8)]);
        }
        var expected = single.Logits(1).ToArray();
        Assert.NotEqual(expected, half.Logits(1).ToArray());
        foreach (var (a, b) in expected.Zip(half.Logits(1).ToArray())) Assert.Equal(a, b, tolerance: 0.05f);
    }

    [Fact]
    public void A_released_slot_can_be_used_again()
    {
        using var runner = Open("fp32", rows: 2);
        Prefill(runner, 1, Prompt(1, 200));
        var expected = runner.Logits(1).ToArray();
        Prefill(runner, 1, Prompt(4, 1500));
        runner.Truncate(1, 0);
        Prefill(runner, 1, Prompt(1, 200));
        Assert.Equal(expected, runner.Logits(1).ToArray());
    }

    [Fact]
    public void Threads_are_never_more_than_the_attention_heads_and_do_not_change_the_result()
    {
        using var few = Open("int4", rows: 2, threads: 1);
        using var many = Open("int4", rows: 2, threads: 64);
        Assert.Equal((1, 6), (few.Threads, many.Threads));
        var prompt = Prompt(1, 700);
        foreach (var runner in new[] { few, many })
            for (var i = 0; i < prompt.Length; i += 140) runner.Prefill(0, i, prompt.AsSpan(i, 140));
        few.Decode([new(0, 700, 3)]);
        many.Decode([new(0, 700, 3)]);
        Assert.Equal(few.Logits(0).ToArray(), many.Logits(0).ToArray());
    }

    internal static int[] Prompt(int seed, int length) => [.. Enumerable.Range(0, length).Select(i => (i * 31 + seed * 977 + i * i % 101) % 2900)];

    private static OnnxModelRunner Open(string precision, int rows, int context = 2048, int threads = 0) =>
        new(ModelFolder.Open(ModelFolders.Get(precision, context)), rows, threads);

    private static void Prefill(OnnxModelRunner runner, int slot, int[] prompt)
    {
        for (var i = 0; i < prompt.Length; i += runner.ChunkLength) runner.Prefill(slot, i, prompt.AsSpan(i, Math.Min(runner.ChunkLength, prompt.Length - i)));
    }
}
