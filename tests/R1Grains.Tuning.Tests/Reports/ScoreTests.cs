using R1Grains.Tuning.Reports;

namespace R1Grains.Tuning.Tests.Reports;

public class ScoreTests
{
    [Theory]
    [InlineData(170, 200, 0.7939, 0.8929)]
    [InlineData(200, 200, 0.9812, 1.0)]
    [InlineData(0, 10, 0.0, 0.2775)]
    public void The_interval_is_wilsons(int right, int items, double low, double high)
    {
        var interval = Score.Wilson(right, items);
        Assert.Equal(low, interval.Low, 1e-4);
        Assert.Equal(high, interval.High, 1e-4);
    }
}
