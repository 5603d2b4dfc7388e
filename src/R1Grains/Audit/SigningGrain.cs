using Orleans.CodeGeneration;
using Orleans.Placement;
using R1Grains.Cluster;
using R1Grains.Ledger;

namespace R1Grains.Audit;

/// <summary>Tells processes that sign nothing with which keys a silo signs the record. The key is <c>silo/</c>.</summary>
[Alias("r1.ISigningGrain"), Version(1)]
public interface ISigningGrain : IGrainWithStringKey
{
    /// <summary>As SubjectPublicKeyInfo: the first that was handed out, and the one in force where that is another.</summary>
    [Alias("PublicKeys")]
    Task<byte[][]> PublicKeys();
}

[RolePlacement(Roles.Conversation, isPinned: true), Immovable]
public sealed class SigningGrain(IRecord record) : Grain, ISigningGrain
{
    public Task<byte[][]> PublicKeys() => Task.FromResult(((StoredRecord)record).PublicKeys);
}
