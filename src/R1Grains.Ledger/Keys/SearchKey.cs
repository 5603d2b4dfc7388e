namespace R1Grains.Ledger.Keys;

/// <summary>With which a tenant's search index hashes words.</summary>
public sealed record SearchKey(int Version, byte[] Key);
