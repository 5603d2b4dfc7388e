using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Access;

/// <summary>
/// Records who was denied what. Known callers are recorded one by one in their tenant, up to a bound a minute, and then
/// counted; those without a valid token are counted by address, in the cluster's own records.
/// </summary>
internal sealed partial class Denials(IRegistry registry, TimeProvider time, ILogger<Denials> log) : BackgroundService
{
    /// <summary>Of a caller, in a minute.</summary>
    public const int RecordedMax = 10;

    /// <summary>Whoever comes beyond is counted together.</summary>
    private const int CountersMax = 4_096;

    /// <summary>Addresses that one record names.</summary>
    private const int NamedMax = 64;

    private const string Others = "others";

    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <summary>A denial does not wait longer for its record than this.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private ConcurrentDictionary<(string Tenant, string Subject), Counter> _callers = [];
    private ConcurrentDictionary<string, Counter> _addresses = [];

    /// <summary>Completes when it is recorded or counted, or cannot be.</summary>
    /// <param name="method">The full name of the gRPC method, or of the place.</param>
    public async Task Denied(Caller caller, string method, ResourceName? resource, Permission? permission)
    {
        if (Count(_callers, (caller.Tenant, caller.Subject), (caller.Tenant, Others)) > RecordedMax)
            return;
        await Record(new()
        {
            Tenant = caller.Tenant,
            Time = time.GetUtcNow(),
            Actor = caller.Subject,
            Action = "access.denied",
            Resource = resource?.ToString() ?? "",
            Details = [new("method", method), new("permission", permission?.Name() ?? "")],
        });
    }

    public void Unauthenticated(IPAddress? address) => Count(_addresses, Named(address), Others);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await Flush();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await Flush();
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>Records what was counted, and begins anew.</summary>
    private async Task Flush()
    {
        foreach (var ((tenant, subject), counter) in Interlocked.Exchange(ref _callers, []))
        {
            if (counter.Value - RecordedMax is var more and > 0)
                await Record(Counted(tenant, subject, [new("count", Text(more))]));
        }
        foreach (var addresses in Interlocked.Exchange(ref _addresses, []).OrderByDescending(counted => counted.Value.Value).Chunk(NamedMax))
            await Record(Counted(IRegistry.Cluster, "unauthenticated", [.. addresses.Select(counted => new Label(counted.Key, Text(counted.Value.Value)))]));
    }

    private AdministrativeRecord Counted(string tenant, string actor, Label[] counts) => new()
    {
        Tenant = tenant,
        Time = time.GetUtcNow(),
        Actor = actor,
        Action = "access.denied.counted",
        Resource = "",
        Details = counts,
    };

    private async Task Record(AdministrativeRecord record)
    {
        try
        {
            await registry.AppendAsync(record).WaitAsync(Patience, time);
        }
        catch (Exception failure) when (failure is RecordUnavailableException or TimeoutException or ObjectDisposedException)
        {
            LogUnrecorded(failure, record.Action, record.Tenant, record.Actor);
        }
    }

    private static int Count<TKey>(ConcurrentDictionary<TKey, Counter> counters, TKey key, TKey others) where TKey : notnull =>
        counters.GetOrAdd(counters.Count < CountersMax || counters.ContainsKey(key) ? key : others, _ => new()).Next();

    /// <summary>Of IPv6 the network: one host has all addresses of it.</summary>
    private static string Named(IPAddress? address)
    {
        if (address is null)
            return Others;
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        if (address.AddressFamily is not System.Net.Sockets.AddressFamily.InterNetworkV6 || IPAddress.IsLoopback(address))
            return address.ToString();
        var network = address.GetAddressBytes();
        network.AsSpan(8).Clear();
        return $"{new IPAddress(network)}/64";
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Action} of {Tenant} by {Actor} is not recorded")]
    private partial void LogUnrecorded(Exception failure, [NameData] string action, [NameData] string tenant, [PersonData] string actor);

    private sealed class Counter
    {
        private int _value;

        public int Value => Volatile.Read(ref _value);

        public int Next() => Interlocked.Increment(ref _value);
    }
}
