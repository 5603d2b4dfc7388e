using R1Grains.Tuning.Training;

namespace R1Grains.Tuning.Tests.Training;

public class ScheduleTests
{
    private static readonly Schedule Schedule = new(PeakRate: 2e-3, WarmUp: 0.05, Floor: 0.1);

    [Theory]
    [InlineData(0.025, 1e-3)]
    [InlineData(0.05, 2e-3)]
    [InlineData(0.525, 1.1e-3)]
    [InlineData(1, 2e-4)]
    public void The_rate_rises_in_a_line_and_falls_in_a_cosine(double progress, double rate) => Assert.Equal(rate, Schedule.Rate(progress), 1e-12);

    [Fact]
    public void The_first_step_learns_already() => Assert.True(Schedule.Rate(0) > 0);
}
