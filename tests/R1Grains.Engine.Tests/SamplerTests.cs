using CsCheck;

namespace R1Grains.Engine.Tests;

public sealed class SamplerTests
{
    private static readonly SamplingOptions Plain = new() { Temperature = 1, TopP = 1, Seed = 42 };

    [Fact]
    public void Philox_gives_the_published_known_answers()
    {
        // Random123 distribution, kat_vectors, philox4x32 with 10 rounds.
        Assert.Equal((0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u), Philox.Block(0, 0));
        Assert.Equal(0x6627e8d5e169c58dul >> 11, (ulong)(Philox.Uniform(0, 0) * (1ul << 53)));
    }

    [Fact]
    public void Temperature_zero_takes_the_likeliest_id_and_the_smaller_of_equals()
    {
        var sampler = new Sampler(5);
        Assert.Equal(2, sampler.Sample([1, 2, 9, 3, 9], Plain with { Temperature = 0 }, 0, []));
    }

    [Fact]
    public void Padding_of_the_logits_is_never_drawn() =>
        Assert.Equal(1, new Sampler(2).Sample([1, 2, 99, 99], Plain with { Temperature = 0 }, 0, []));

    [Fact]
    public void Frequencies_follow_the_softmax_and_draws_depend_on_seed_and_position_only()
    {
        float[] logits = [0, MathF.Log(2), MathF.Log(5), float.NegativeInfinity, MathF.Log(2)];
        var sampler = new Sampler(5);
        var counts = new int[5];
        for (var position = 0; position < 100_000; position++) counts[sampler.Sample(logits, Plain, position, [])]++;
        double[] expected = [0.1, 0.2, 0.5, 0, 0.2];
        for (var id = 0; id < 5; id++) Assert.InRange(counts[id] / 100_000.0, expected[id] - 0.006, expected[id] + 0.006);

        Assert.Equal(Draws(sampler, Plain), Draws(new Sampler(5), Plain));
        Assert.NotEqual(Draws(sampler, Plain), Draws(sampler, Plain with { Seed = 43 }));

        int[] Draws(Sampler with, SamplingOptions options) => [.. Enumerable.Range(0, 200).Select(i => with.Sample(logits, options, i, []))];
    }

    [Fact]
    public void Top_p_keeps_the_fewest_ids_that_reach_it_and_top_k_no_more_than_k()
    {
        float[] logits = [MathF.Log(5), MathF.Log(3), MathF.Log(1), MathF.Log(1)];
        Assert.Equal([0, 1], Support(Plain with { TopP = 0.79f }));
        Assert.Equal([0, 1, 2], Support(Plain with { TopP = 0.81f }));
        Assert.Equal([0], Support(Plain with { TopP = 0.0001f }));
        Assert.Equal([0, 1, 2], Support(Plain with { TopK = 3 }));
        Assert.Equal([0, 1], Support(Plain with { TopK = 3, TopP = 0.85f }));

        int[] Support(SamplingOptions options)
        {
            var sampler = new Sampler(4);
            return [.. Enumerable.Range(0, 2000).Select(i => sampler.Sample(logits, options, i, [])).Distinct().Order()];
        }
    }

    [Fact]
    public void Repetition_penalty_lowers_seen_ids_whatever_the_sign_of_their_logits()
    {
        var sampler = new Sampler(3);
        var options = Plain with { Temperature = 0, RepetitionPenalty = 2 };
        Assert.Equal(1, sampler.Sample([3, 2, 0], options, 0, [0]));
        Assert.Equal(1, sampler.Sample([-1, -1.5f, -9], options, 0, [0]));
        Assert.Equal(0, sampler.Sample([-1, -1.5f, -9], options, 0, []));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(float.PositiveInfinity)]
    public void Broken_logits_are_an_error_and_not_a_token(float broken)
    {
        float[] logits = broken == float.NegativeInfinity ? [broken, broken] : [0, broken];
        Assert.Throws<InvalidOperationException>(() => new Sampler(2).Sample(logits, Plain, 0, []));
    }

    [Fact]
    public void Every_drawn_id_is_one_that_a_slow_reference_would_allow()
    {
        Gen.Select(Gen.Single[-20, 20].Array[1, 300], Gen.Single[0.1f, 3], Gen.Single[0.01f, 1], Gen.Int[0, 10], Gen.ULong)
            .Sample((logits, temperature, topP, topK, seed) =>
            {
                var options = new SamplingOptions { Temperature = temperature, TopP = topP, TopK = topK, Seed = seed };
                var id = new Sampler(logits.Length).Sample(logits, options, 7, []);
                var rounded = Sampler.Weights(logits, temperature); // Logits that round to one weight are equals.
                var order = Enumerable.Range(0, logits.Length).OrderByDescending(i => rounded[i]).ThenBy(i => i).Take(topK > 0 ? topK : logits.Length).ToList();
                var weights = order.ConvertAll(i => Math.Exp((logits[i] - logits[order[0]]) / temperature));
                var rank = order.IndexOf(id);
                Assert.True(rank >= 0 && weights.Take(rank).Sum() < topP * weights.Sum() * (1 + 1e-6));
            });
    }
}
