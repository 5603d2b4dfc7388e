namespace R1Grains.Ledger.Keys;

/// <summary>Which keys of a tenant a store holds; nothing of the keys themselves.</summary>
/// <param name="Root">Id of the root key that wraps the tenant key in force; 0 where there is none.</param>
/// <param name="Versions">By kind and version, destroyed ones among them.</param>
/// <param name="DataKeys">Of customers and months, that are not destroyed.</param>
/// <param name="DestroyedDataKeys">So many were erased.</param>
public sealed record KeyInventory(uint Root, IReadOnlyList<KeyVersion> Versions, long DataKeys, long DestroyedDataKeys);

/// <param name="IsInForce">Whether it is the one that is used for what is new.</param>
/// <param name="Wraps">Keys that this version of a tenant key wraps.</param>
public sealed record KeyVersion(KeyKind Kind, int Version, bool IsInForce, bool IsDestroyed, long Wraps);

/// <summary>How far a rotation is.</summary>
public sealed record KeyProgress(long Done, long Total);
