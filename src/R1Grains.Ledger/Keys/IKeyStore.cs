namespace R1Grains.Ledger.Keys;

/// <summary>
/// Where a record's keys lie, each wrapped by another one: apart from the record, because what is kept of them decides what
/// can be read of it. Several processes use one store at once. Every call may throw <see cref="RecordUnavailableException"/>.
/// </summary>
public interface IKeyStore : IAsyncDisposable
{
    /// <summary>For messages.</summary>
    string Place { get; }

    /// <summary>Null where there never was one.</summary>
    Task<StoredKey?> FindAsync(KeyName name, CancellationToken cancellation = default);

    /// <summary>Durable when it returns.</summary>
    /// <returns>What is there: this one, or one that was there before.</returns>
    Task<StoredKey> AddAsync(KeyName name, byte[] wrapped, CancellationToken cancellation = default);

    /// <summary>Most keys that are replaced by one call: who destroys one waits for it.</summary>
    const int ReplacementsMax = 64;

    /// <summary>Puts keys, wrapped anew, in the place of what was there. Where something else is there, it stays. Each is whole at any moment; some may be done where it fails.</summary>
    /// <returns>How many were replaced.</returns>
    Task<int> ReplaceAsync(IReadOnlyList<KeyReplacement> replacements, CancellationToken cancellation = default);

    /// <summary>
    /// Ends the keys for good: no later call gives one of them, whatever else happens meanwhile. Names that were never added
    /// or are destroyed already are taken as well. Durable and announced when it returns.
    /// </summary>
    Task DestroyAsync(IReadOnlyList<KeyName> names, CancellationToken cancellation = default);

    /// <summary>Tells every process that something under these names is another than it was. <see cref="DestroyAsync"/> does so by itself.</summary>
    Task AnnounceAsync(IReadOnlyList<KeyName> names, CancellationToken cancellation = default);

    /// <summary>What was announced after the announcement with this number, oldest first; nothing, cheaply, where nothing was.</summary>
    Task<IReadOnlyList<KeyAnnouncement>> ListAnnouncementsAsync(long after, CancellationToken cancellation = default);

    /// <summary>Number of the last announcement; 0 where there is none.</summary>
    Task<long> LastAnnouncementAsync(CancellationToken cancellation = default);

    /// <summary>All of the tenant, destroyed ones among them, in no order.</summary>
    IAsyncEnumerable<(KeyName Name, StoredKey Key)> ListAsync(string tenant, CancellationToken cancellation = default);

    /// <summary>Of whom it holds keys.</summary>
    Task<IReadOnlyList<string>> ListTenantsAsync(CancellationToken cancellation = default);
}

/// <param name="Wrapped">Null where it was destroyed.</param>
public sealed record StoredKey(byte[]? Wrapped);

/// <param name="Before">As it was wrapped.</param>
/// <param name="Wrapped">The same key.</param>
public sealed record KeyReplacement(KeyName Name, byte[] Before, byte[] Wrapped);

/// <param name="Number">1, 2, 3 … in the order in which they become visible.</param>
public sealed record KeyAnnouncement(long Number, IReadOnlyList<KeyName> Names);
