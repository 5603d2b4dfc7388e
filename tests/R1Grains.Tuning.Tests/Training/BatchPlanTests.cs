using R1Grains.Tuning.Training;

namespace R1Grains.Tuning.Tests.Training;

public class BatchPlanTests
{
    private static readonly Sample[] Samples =
        [.. Enumerable.Range(0, 5_000).Select(i => 10 + i * 7919 % 240).Select(length => new Sample(new int[length], new bool[length]))];

    [Fact]
    public void Every_sample_comes_once_an_epoch_in_batches_that_keep_to_the_limit()
    {
        var plan = new BatchPlan(Samples, tokensPerStep: 1_024, seed: 3).Epoch(0);
        Assert.Equal(Enumerable.Range(0, Samples.Length), plan.SelectMany(b => b).Order());
        Assert.All(plan, batch => Assert.True(batch.Length * batch.Max(i => Samples[i].Ids.Length) <= 1_024));
    }

    [Fact]
    public void Little_is_padding()
    {
        var plan = new BatchPlan(Samples, tokensPerStep: 1_024, seed: 3).Epoch(0);
        var padded = plan.Sum(b => b.Length * b.Max(i => Samples[i].Ids.Length));
        Assert.True(padded < 1.03 * Samples.Sum(s => s.Ids.Length), $"{padded} padded tokens");
    }

    [Fact]
    public void Epochs_differ_and_the_same_epoch_does_not()
    {
        var plan = new BatchPlan(Samples, 1_024, seed: 3);
        Assert.Equal(plan.Epoch(1), new BatchPlan(Samples, 1_024, seed: 3).Epoch(1));
        Assert.NotEqual(plan.Epoch(0)[0], plan.Epoch(1)[0]);
    }
}
