namespace R1Grains.Tuning.Training;

/// <summary>Linear warm-up, then cosine decay to a floor, as a function of the fraction of the budget that is spent.</summary>
public sealed record Schedule(double PeakRate, double WarmUp = 0.03, double Floor = 0.02)
{
    /// <param name="progress">Spent fraction of the budget (steps or minutes), 0 to 1.</param>
    public double Rate(double progress)
    {
        if (progress < WarmUp)
            return PeakRate * Math.Max(progress, 1e-3 * WarmUp) / WarmUp;
        var decay = Math.Min(1, (progress - WarmUp) / (1 - WarmUp));
        return PeakRate * (Floor + (1 - Floor) * 0.5 * (1 + Math.Cos(Math.PI * decay)));
    }
}
