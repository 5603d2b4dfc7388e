using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Storage;

/// <summary>The registry's rows that one transaction sees, its own included.</summary>
internal interface IRegistryRows
{
    /// <summary>Null before the tenant's first record.</summary>
    AdministrationHead? FindAdministration(string tenant);

    /// <summary>Null where there never was one.</summary>
    StoredDocument? FindDocument(DocumentKey key);

    /// <summary>Adds the record, and makes the tenant's chain end with it.</summary>
    void Add(string tenant, Entry entry, Digest leaf);

    /// <summary>Makes the document so, and counts the change.</summary>
    void Put(DocumentKey key, long version, byte[]? content);
}

/// <param name="NextIndex">Of the next record.</param>
/// <param name="LastHash">Zeros before the first record.</param>
internal sealed record AdministrationHead(long NextIndex, Digest LastHash);

internal sealed record StoredDocument(long Version, bool Removed);
