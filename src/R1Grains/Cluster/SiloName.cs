using Orleans.Runtime;
using R1Grains.Operations;

namespace R1Grains.Cluster;

/// <summary>
/// Two silos of one name would share their pinned grains, so the later one does not join. Whether the earlier one lives
/// is told by what it writes into the membership: one that was killed or froze has written its last, though nobody may
/// have declared it dead yet.
/// </summary>
internal sealed class SiloName(IMembershipTable membership, ILocalSiloDetails here, TimeProvider time) : IStartupTask
{
    /// <summary>How often a living silo writes that it lives.</summary>
    public static readonly TimeSpan Announced = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Patience = 3 * Announced;
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);

    private readonly string _name = Of(here.Name);

    /// <exception cref="StartFailure">An earlier silo of this name lives.</exception>
    public async Task Execute(CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var seen = new Dictionary<SiloAddress, DateTime>();
        while (time.GetElapsedTime(start) < Patience)
        {
            var namesakes = (await membership.ReadAllAsync(cancellationToken)).Members.Select(member => member.Item1).Where(IsEarlier).ToList();
            if (namesakes.Count == 0) return;
            foreach (var namesake in namesakes)
                if (!seen.TryAdd(namesake.SiloAddress, namesake.IAmAliveTime) && seen[namesake.SiloAddress] != namesake.IAmAliveTime)
                    throw new StartFailure($"R1__Silo__Name is '{_name}', and a silo of this name at {namesake.SiloAddress.Endpoint} is in the cluster '{here.ClusterId}': give each process a name of its own, or stop the other one first.");
            await Task.Delay(Look, time, cancellationToken);
        }
    }

    /// <summary>Of two that join at the same time one must be the first for both.</summary>
    private bool IsEarlier(MembershipEntry other) =>
        Of(other.SiloName) == _name
        // The same address cannot be taken twice: whoever has it now has taken it over.
        && !other.SiloAddress.Endpoint.Equals(here.SiloAddress.Endpoint)
        && other.Status switch
        {
            SiloStatus.Dead or SiloStatus.None => false,
            SiloStatus.Created or SiloStatus.Joining => Order(other.SiloAddress).CompareTo(Order(here.SiloAddress)) < 0,
            _ => true,
        };

    private static (int, string) Order(SiloAddress silo) => (silo.Generation, silo.ToParsableString());

    private static string Of(string? member) => (member ?? "").Split(':')[0];
}
