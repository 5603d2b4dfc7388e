using System.Globalization;

namespace R1Grains.Ledger.Keys;

/// <summary>Names a key in a key store. Both parts are compared byte by byte; the name is of letters, digits and hyphens.</summary>
public readonly record struct KeyName(string Tenant, string Name)
{
    /// <summary>Of all names of data keys.</summary>
    public const string DataPrefix = "data-";

    private const string TenantPrefix = "tenant-";
    private const string IndexPrefix = "index-";
    private const string SearchPrefix = "search-";
    private const string SigningPrefix = "signing-";

    /// <summary>Whether it is one of those of which a tenant has few, and everybody holds all.</summary>
    public bool IsOfTenant => !Name.StartsWith(DataPrefix, StringComparison.Ordinal);

    /// <summary>Whether the root key wraps it, and it wraps all others of the tenant.</summary>
    internal bool IsTenantKey => Name.StartsWith(TenantPrefix, StringComparison.Ordinal);

    /// <summary>What is replaced by versions, and which version it is; null of a data key, and of what comes between two.</summary>
    public (KeyKind Kind, int Version)? Versioned => Name.Split('-') is [var kind, var number] && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var version)
        ? $"{kind}-" switch
        {
            TenantPrefix => (KeyKind.Tenant, version),
            IndexPrefix => (KeyKind.Index, version),
            SearchPrefix => (KeyKind.Search, version),
            SigningPrefix => (KeyKind.Signing, version),
            _ => null,
        }
        : null;

    /// <summary>Wraps the tenant's other keys, and is wrapped by the root key.</summary>
    /// <param name="version">From 1.</param>
    public static KeyName OfTenant(string tenant, int version) => new(tenant, string.Create(CultureInfo.InvariantCulture, $"{TenantPrefix}{version}"));

    /// <summary>Makes of customers what the record may show of them.</summary>
    /// <param name="version">From 1.</param>
    public static KeyName OfIndex(string tenant, int version) => new(tenant, string.Create(CultureInfo.InvariantCulture, $"{IndexPrefix}{version}"));

    /// <summary>Makes of words what the search index may hold of them.</summary>
    /// <param name="version">From 1.</param>
    public static KeyName OfSearch(string tenant, int version) => new(tenant, string.Create(CultureInfo.InvariantCulture, $"{SearchPrefix}{version}"));

    /// <summary>Signs the record: the private key's scalar.</summary>
    /// <param name="version">From 2: the first one is no key of a store.</param>
    public static KeyName OfSigning(int version) => new(IRegistry.Cluster, string.Create(CultureInfo.InvariantCulture, $"{SigningPrefix}{version}"));

    /// <summary>The same before the record says that it signs.</summary>
    internal static KeyName OfNextSigning(int version) => new(IRegistry.Cluster, $"{OfSigning(version).Name}-next");

    public static KeyName OfData(string tenant, DataKeyId id) => new(tenant, $"{DataPrefix}{id}");

    public override string ToString() => $"'{Name}' of tenant '{Tenant}'";
}
