using System.Globalization;
using Microsoft.Extensions.Hosting;
using Orleans.Runtime;
using R1Grains.Conversations;

namespace R1Grains.LoadTests.Cluster;

/// <param name="ManagedBytes">Of live objects, after a collection of everything.</param>
/// <param name="ResidentBytes">After it has given back what it does not need.</param>
/// <param name="Conversations">Activations of them.</param>
internal sealed record SiloMemory(long ManagedBytes, long ResidentBytes, int Conversations)
{
    private const string Word = "memory";

    public static SiloMemory operator +(SiloMemory one, SiloMemory other) =>
        new(one.ManagedBytes + other.ManagedBytes, one.ResidentBytes + other.ResidentBytes, one.Conversations + other.Conversations);

    /// <summary>Null for another line.</summary>
    public static SiloMemory? Parse(string line) => line.Split(' ') is [Word, var managed, var resident, var conversations]
        ? new(long.Parse(managed, CultureInfo.InvariantCulture), long.Parse(resident, CultureInfo.InvariantCulture), int.Parse(conversations, CultureInfo.InvariantCulture))
        : null;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Word} {ManagedBytes} {ResidentBytes} {Conversations}");
}

/// <summary>Within a paced host: to a line on standard input, whatever it says, it collects garbage and writes its <see cref="SiloMemory"/>.</summary>
internal sealed class MemoryReport(IGrainFactory grains, ILocalSiloDetails silo) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        // Reading the console cannot be cancelled, and a background thread holds up nobody's end.
        new Thread(Answer) { IsBackground = true, Name = "memory report" }.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void Answer()
    {
        while (Console.In.ReadLine() is not null) Console.WriteLine(Take());
    }

    private SiloMemory Take()
    {
        var statistics = grains.GetGrain<IManagementGrain>(0).GetSimpleGrainStatistics([silo.SiloAddress]).GetAwaiter().GetResult();
        var conversations = statistics.Where(grain => grain.GrainType.Contains(nameof(ConversationGrain), StringComparison.Ordinal)).Sum(grain => grain.ActivationCount);
        for (var round = 0; round < 2; round++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }
        return new(GC.GetTotalMemory(forceFullCollection: true), Environment.WorkingSet, conversations);
    }
}
