using R1Grains.Engine.Models;

namespace R1Grains.LoadTests.Engine;

/// <summary>What was asked for, and what has been found so far.</summary>
/// <param name="Model">A model folder for everything; null for the one that each subject is about.</param>
/// <param name="Peer">Whom we are compared with; null for nobody.</param>
/// <param name="Threads">Of one run; 0 for the cores of the machine.</param>
/// <param name="Blocks">Throughputs are the best of so many, latencies the median.</param>
/// <param name="Seconds">For how long requests arrive in one block.</param>
/// <param name="Rate">Requests that arrive a second when we are to be saturated.</param>
internal sealed record Bench(string? Model, Peer? Peer, int Threads, int Blocks, double Seconds, double Rate, Overview.Load Load)
{
    public const string Shipped = "deploy/models/r1-tiny";

    public Figures Figures { get; } = new();

    /// <summary>The model that was asked for, else one with random weights.</summary>
    public async Task<ModelFolder> OpenAsync(CancellationToken cancellation) =>
        ModelFolder.Open(Model ?? await RandomModel.GetAsync("int4", cancellation));

    /// <summary>For who watches; not among the figures.</summary>
    public static void Say(string progress)
    {
        if (!Console.IsErrorRedirected) Console.Error.WriteLine(progress);
    }
}
