namespace R1Grains.Ledger.Keys;

/// <summary>Keys that are replaced by versions.</summary>
/// <remarks>The numbers are part of the record's format.</remarks>
public enum KeyKind
{
    /// <summary>Wraps all other keys of a tenant.</summary>
    Tenant = 1,

    /// <summary>Makes of customers what the record may show of them.</summary>
    Index = 2,

    /// <summary>Makes of words what the search index may hold of them.</summary>
    Search = 3,

    /// <summary>Signs trees, receipts and certificates. It is the cluster's; the first one lies elsewhere.</summary>
    Signing = 4,

    /// <summary>Wraps the tenants' keys. It lies in no store, and its versions count how often it was replaced.</summary>
    Root = 5,
}
