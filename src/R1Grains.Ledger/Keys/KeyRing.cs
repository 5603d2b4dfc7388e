using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Keys;

/// <summary>
/// The keys of a record as one process holds them: those of a <see cref="IKeyStore"/>, opened by the root key. What another
/// process destroys is noticed within two seconds, or nothing is opened or sealed meanwhile.
/// </summary>
public sealed partial class KeyRing : IAsyncDisposable
{
    /// <summary>So long a key that was destroyed elsewhere may be used at most.</summary>
    public static readonly TimeSpan NoticedWithin = TimeSpan.FromSeconds(2);

    /// <summary>Of the key store within a record's folder.</summary>
    public const string FolderName = "keys";

    /// <summary>Of the root key within a record's folder.</summary>
    public const string RootKeyFileName = "record.root";

    private const int OpenKeysMax = 16_384;

    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly IKeyStore _store;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, Lazy<Task<TenantKeys>>> _tenants = [];
    private readonly BoundedMap<(string Tenant, DataKeyId Id), DataKey> _open = new(OpenKeysMax / 2);
    private readonly Dictionary<int, NoteSigner> _signers = [];
    private readonly PeriodicTimer _timer;
    private readonly Task _looking;

    /// <summary>Held while what was announced is followed, so that nobody keeps meanwhile what they read before.</summary>
    private readonly Lock _following = new();
    private readonly SemaphoreSlim _look = new(1);

    /// <summary>Of the last announcement that was followed.</summary>
    private long _followed;

    /// <summary>Whether something of the cluster was announced and not read yet.</summary>
    private bool _clusterIsOther;

    private volatile NoteSigner? _signer;

    /// <summary>When the last look that came to an end had begun.</summary>
    private long _lookedAt;

    private KeyRing(IKeyStore store, RootKey root, TimeProvider time, long followed, long lookedAt)
    {
        (_store, Root, _time, _followed, _lookedAt) = (store, root, time, followed, lookedAt);
        _timer = new PeriodicTimer(LookInterval, time);
        _looking = LookAgainAsync();
    }

    /// <summary>As this process was given it.</summary>
    public RootKey Root { get; }

    /// <param name="store">Disposed of with the ring, as is the root key.</param>
    /// <exception cref="KeyStoreException">Its keys are wrapped by another root key.</exception>
    /// <exception cref="RecordUnavailableException"/>
    public static async Task<KeyRing> OpenAsync(IKeyStore store, RootKey root, TimeProvider? time = null, CancellationToken cancellation = default)
    {
        time ??= TimeProvider.System;
        var lookedAt = time.GetTimestamp();
        var ring = new KeyRing(store, root, time, await store.LastAnnouncementAsync(cancellation), lookedAt);
        try
        {
            // A root key that opens nothing here is noticed at the start, and not by the first customer.
            if (await store.FindAsync(KeyName.OfTenant(IRegistry.Cluster, 1), cancellation) is not null)
                await ring.KeysOfAsync(IRegistry.Cluster);
            else if ((await store.ListTenantsAsync(cancellation)).FirstOrDefault() is { } tenant)
                await ring.KeysOfAsync(tenant);
            return ring;
        }
        catch
        {
            await ring.DisposeAsync();
            throw;
        }
    }

    /// <summary>The keys that lie beside a record in its folder, and the root key with them; both are made where they are missing.</summary>
    /// <exception cref="KeyStoreException"/>
    /// <exception cref="RecordKeyException"/>
    public static Task<KeyRing> OpenBesideAsync(string folder, CancellationToken cancellation = default) =>
        OpenAsync(FolderKeyStore.Open(Path.Combine(folder, FolderName)), RootKey.ReadOrMake(Path.Combine(folder, RootKeyFileName)), cancellation: cancellation);

    /// <summary>Signs the record; null where the first key still does, which is none of these.</summary>
    internal NoteSigner? Signer => _signer;

    /// <summary>1 where the first key signs.</summary>
    internal int SignerVersion
    {
        get
        {
            lock (_signers)
                return _signers.Count == 0 ? 1 : _signers.Keys.Max();
        }
    }

    /// <summary>Where they lie, for messages.</summary>
    internal string Place => _store.Place;

    /// <summary>What the record may show of a customer, by every version of the tenant's index key, the one in force last.</summary>
    /// <exception cref="RecordUnavailableException"/>
    public async Task<IReadOnlyList<Subject>> SubjectsAsync(string tenant, string customer)
    {
        await RequireFreshAsync();
        var keys = await KeysOfAsync(tenant);
        return [.. keys.IndexVersions.Select(version => keys.OfCustomer(customer, version))];
    }

    /// <summary>With which the tenant's search index hashes words, made where it is missing: those that are not retired, the one in force last.</summary>
    /// <exception cref="RecordUnavailableException"/>
    public async Task<IReadOnlyList<SearchKey>> SearchKeysAsync(string tenant)
    {
        await RequireFreshAsync();
        var keys = await KeysOfAsync(tenant);
        if (keys.Search.Count == 0)
        {
            await AddVersionAsync(tenant, KeyKind.Search, 1);
            keys = await KeysOfAsync(tenant);
        }
        return keys.Search;
    }

    /// <summary>Whether anything was ever sealed of the tenant.</summary>
    /// <exception cref="RecordUnavailableException"/>
    public async Task<bool> HasKeysAsync(string tenant) => await _store.FindAsync(KeyName.OfTenant(tenant, 1)) is not null;

    /// <summary>What the store holds of the tenant. Looks at each of its keys.</summary>
    /// <exception cref="RecordUnavailableException"/>
    public async Task<KeyInventory> ListAsync(string tenant, CancellationToken cancellation = default)
    {
        var (versions, wraps) = (new List<(KeyKind Kind, int Version, bool IsDestroyed)>(), new Dictionary<uint, long>());
        var (root, data, destroyed) = (0u, 0L, 0L);
        await foreach (var (name, stored) in _store.ListAsync(tenant, cancellation))
        {
            if (name.Versioned is var (kind, version))
                versions.Add((kind, version, stored.Wrapped is null));
            (data, destroyed) = name.IsOfTenant ? (data, destroyed) : stored.Wrapped is null ? (data, destroyed + 1) : (data + 1, destroyed);
            if (stored.Wrapped is not { } wrapped)
                continue;
            var by = Readable(name, () => WrappingKey.NumberOf(wrapped));
            if (name.IsTenantKey)
                root = by;
            else
                wraps[by] = wraps.GetValueOrDefault(by) + 1;
        }
        var inForce = versions.Where(one => !one.IsDestroyed).GroupBy(one => one.Kind).ToDictionary(group => group.Key, group => group.Max(one => one.Version));
        return new(
            root,
            [.. versions.Order().Select(one => new KeyVersion(one.Kind, one.Version, inForce.GetValueOrDefault(one.Kind) == one.Version, one.IsDestroyed, one.Kind is KeyKind.Tenant ? wraps.GetValueOrDefault((uint)one.Version) : 0))],
            data, destroyed);
    }

    public async ValueTask DisposeAsync()
    {
        _timer.Dispose();
        await _looking;
        await _store.DisposeAsync();
        foreach (var signer in _signers.Values)
            signer.Dispose();
        Root.Dispose();
    }

    /// <summary>The key for a conversation that begins, made where it is missing.</summary>
    /// <param name="customer">Empty where nobody said who it is.</param>
    /// <exception cref="RecordUnavailableException"/>
    internal async Task<(Subject Subject, DataKey Key)> MakeAsync(ConversationKey conversation, string customer, DateTimeOffset opened)
    {
        var tenant = conversation.Tenant;
        await RequireFreshAsync();
        var keys = await KeysOfAsync(tenant);
        var subject = string.IsNullOrWhiteSpace(customer)
            ? keys.OfConversation(conversation.Conversation, keys.IndexVersion)
            : keys.OfCustomer(customer, keys.IndexVersion);
        for (var id = new DataKeyId(subject.Hash, DataKeyId.PeriodOf(opened), Generation: 1); ; id = id with { Generation = id.Generation + 1 })
        {
            if (await FindOrMakeAsync(tenant, id, keys) is { } key)
                return (subject, key);
        }
    }

    /// <summary>Null where it was destroyed.</summary>
    /// <exception cref="RecordUnavailableException">Also where it is missing and was not destroyed.</exception>
    internal async ValueTask<DataKey?> FindAsync(string tenant, DataKeyId id)
    {
        await RequireFreshAsync();
        return _open.TryGet((tenant, id), out var known) ? known : await OpenAsync(tenant, id, () => _store.FindAsync(KeyName.OfData(tenant, id)));
    }

    /// <summary>Ends data keys for good. In this process they are gone when it returns, in every other one within two seconds.</summary>
    /// <exception cref="RecordUnavailableException">Some may be destroyed: destroy them again.</exception>
    internal async Task DestroyAsync(string tenant, IReadOnlyList<DataKeyId> ids, CancellationToken cancellation = default)
    {
        await _store.DestroyAsync([.. ids.Select(id => KeyName.OfData(tenant, id))], cancellation);
        await LookAsync();
    }

    /// <summary>Returns when no process uses any more what was destroyed before this call.</summary>
    /// <remarks>Whoever looked just in time may still be at it for a moment.</remarks>
    internal Task NoticedAsync(CancellationToken cancellation) => Task.Delay(NoticedWithin + LookInterval, _time, cancellation);

    private byte[] Scalar(KeyName name, StoredKey stored, TenantKeys keys) =>
        Readable(name, () => keys.Unwrap(stored.Wrapped ?? throw new InvalidDataException("it was destroyed"), name));

    private NoteSigner Signing(KeyName name, StoredKey stored, TenantKeys keys)
    {
        var scalar = Scalar(name, stored, keys);
        try
        {
            return NoteSigner.Of(scalar);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(scalar);
        }
    }

    private async Task<DataKey?> FindOrMakeAsync(string tenant, DataKeyId id, TenantKeys keys)
    {
        if (_open.TryGet((tenant, id), out var open))
            return open;
        var name = KeyName.OfData(tenant, id);
        return await OpenAsync(tenant, id, async () => await _store.FindAsync(name) ?? await AddAsync(name, keys));
    }

    /// <summary>Opens what is stored, and keeps it unless something was announced meanwhile, which might be its end.</summary>
    private async Task<DataKey?> OpenAsync(string tenant, DataKeyId id, Func<Task<StoredKey?>> read)
    {
        while (true)
        {
            var followed = Volatile.Read(ref _followed);
            var name = KeyName.OfData(tenant, id);
            if (await read() is not { } stored)
                throw new RecordUnavailableException($"The key {name} is missing in {_store.Place}, and was not destroyed. Bring back the keys that belong to the record, or name the store that has them.");
            if (stored.Wrapped is not { } wrapped)
                return null;
            var keys = await KeysOfAsync(tenant);
            // Wrapped by a version that is newer than what is known here.
            if (!keys.Versions.Contains((int)WrappingKey.NumberOf(wrapped)))
            {
                _tenants.TryRemove(tenant, out _);
                keys = await KeysOfAsync(tenant);
            }
            var plain = Readable(name, () => keys.Unwrap(wrapped, name));
            var key = new DataKey(id, plain);
            CryptographicOperations.ZeroMemory(plain);
            lock (_following)
            {
                if (_open.TryGet((tenant, id), out var known))
                    return known;
                if (followed == _followed)
                {
                    _open.Add((tenant, id), key);
                    return key;
                }
            }
            key.Destroy();
        }
    }

    private async Task<TenantKeys> KeysOfAsync(string tenant)
    {
        var reading = _tenants.GetOrAdd(tenant, name => new(() => ReadAsync(name)));
        try
        {
            return await reading.Value;
        }
        catch
        {
            // The next call reads again.
            _tenants.TryRemove(new(tenant, reading));
            throw;
        }
    }

    private async Task<TenantKeys> ReadAsync(string tenant)
    {
        var wrapping = new SortedList<int, WrappingKey>();
        for (var version = 1; ; version++)
        {
            var name = KeyName.OfTenant(tenant, version);
            var stored = await _store.FindAsync(name);
            if (stored is null && wrapping.Count > 0)
                break;
            stored ??= await AddTenantKeyAsync(name);
            if (stored.Wrapped is { } wrapped)
                wrapping.Add(version, Wrapping(name, version, wrapped));
        }
        var (index, search) = (new SortedList<int, byte[]>(), new SortedList<int, byte[]>());
        var keys = new TenantKeys(wrapping, index, search);
        await ReadVersionsAsync(index, version => KeyName.OfIndex(tenant, version), keys);
        // Which tenant key wraps it may be one that came meanwhile.
        if (index.Count == 0 && await AddAsync(KeyName.OfIndex(tenant, 1), keys) is { Wrapped: not null })
            return await ReadAsync(tenant);
        await ReadVersionsAsync(search, version => KeyName.OfSearch(tenant, version), keys);
        if (tenant == IRegistry.Cluster)
            await ReadSignersAsync(keys);
        return keys;
    }

    /// <summary>The last one signs from then on.</summary>
    private async Task ReadSignersAsync(TenantKeys keys)
    {
        for (var version = SignerVersion + 1; await _store.FindAsync(KeyName.OfSigning(version)) is { } stored; version++)
        {
            var signer = Signing(KeyName.OfSigning(version), stored, keys);
            lock (_signers)
            {
                if (_signers.TryAdd(version, signer))
                    _signer = signer;
                else
                    signer.Dispose();
            }
        }
    }

    /// <summary>Those that are not destroyed.</summary>
    private async Task ReadVersionsAsync(SortedList<int, byte[]> versions, Func<int, KeyName> nameOf, TenantKeys keys)
    {
        for (var version = 1; await _store.FindAsync(nameOf(version)) is { } stored; version++)
        {
            if (stored.Wrapped is { } wrapped)
                versions.Add(version, Readable(nameOf(version), () => keys.Unwrap(wrapped, nameOf(version))));
        }
    }

    private WrappingKey Wrapping(KeyName name, int version, byte[] wrapped)
    {
        if (Root.Of(wrapped) is not { } root)
            throw new KeyStoreException(_store.Place, $"its keys are wrapped by the root key {WrappingKey.NumberOf(wrapped):x8}, and {Root.Id:x8} was given. Give the one that belongs to it.");
        var plain = Readable(name, () => root.Unwrap(wrapped, name));
        try
        {
            return new(plain, (uint)version);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    private async Task<StoredKey> AddTenantKeyAsync(KeyName name)
    {
        var fresh = RandomNumberGenerator.GetBytes(WrappingKey.KeyLength);
        try
        {
            return await _store.AddAsync(name, Root.Wrapping.Wrap(fresh, name));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(fresh);
        }
    }

    /// <summary>Makes a key that the tenant's wraps, or finds the one that is there.</summary>
    private async Task<StoredKey> AddAsync(KeyName name, TenantKeys keys)
    {
        var fresh = RandomNumberGenerator.GetBytes(WrappingKey.KeyLength);
        try
        {
            return await AddAsync(name, fresh, keys);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(fresh);
        }
    }

    /// <summary>Adds a key that the tenant's wraps, or finds the one that is there.</summary>
    private async Task<StoredKey> AddAsync(KeyName name, byte[] fresh, TenantKeys keys)
    {
        var (by, wrapped) = (keys.Current, keys.Current.Wrap(fresh, name));
        if (await _store.AddAsync(name, wrapped) is var there && there.Wrapped != wrapped)
            return there;
        // A process that stood still may come after everything was wrapped anew: by a key that is no more.
        while (await FindLaterAsync(name.Tenant, by) is { } later)
        {
            _tenants.TryRemove(name.Tenant, out _);
            var anew = later.Wrap(fresh, name);
            if (await _store.ReplaceAsync([new(name, wrapped, anew)]) == 0)
                return (await _store.FindAsync(name))!;
            (by, wrapped) = (later, anew);
        }
        return new(wrapped);
    }

    /// <summary>The last of the tenant's keys that came after this one, as the store has it now; null where none did.</summary>
    private async Task<WrappingKey?> FindLaterAsync(string tenant, WrappingKey by)
    {
        WrappingKey? last = null;
        for (var version = (int)by.Number + 1; await _store.FindAsync(KeyName.OfTenant(tenant, version)) is { } stored; version++)
        {
            if (stored.Wrapped is { } wrapped)
                last = Wrapping(KeyName.OfTenant(tenant, version), version, wrapped);
        }
        return last;
    }

    private T Readable<T>(KeyName name, Func<T> unwrap)
    {
        try
        {
            return unwrap();
        }
        catch (InvalidDataException unreadable)
        {
            throw new RecordUnavailableException($"The key {name} in {_store.Place} cannot be opened: {unreadable.Message}. Bring back the keys that belong to the record.", unreadable);
        }
    }

    /// <summary>Returns when what was announced two seconds ago is known here.</summary>
    /// <exception cref="RecordUnavailableException"/>
    internal ValueTask RequireFreshAsync() =>
        _time.GetElapsedTime(Volatile.Read(ref _lookedAt)) <= NoticedWithin ? ValueTask.CompletedTask : new ValueTask(LookAsync());

    /// <summary>Follows what was announced since the last look.</summary>
    private async Task LookAsync()
    {
        await _look.WaitAsync();
        try
        {
            var began = _time.GetTimestamp();
            foreach (var announcement in await _store.ListAnnouncementsAsync(_followed))
                Follow(announcement);
            if (_clusterIsOther)
            {
                // Signatures are made without a look: whoever is fresh has the key that signs.
                await KeysOfAsync(IRegistry.Cluster);
                _clusterIsOther = false;
            }
            Volatile.Write(ref _lookedAt, began);
        }
        finally
        {
            _look.Release();
        }
    }

    private void Follow(KeyAnnouncement announcement)
    {
        lock (_following)
        {
            foreach (var name in announcement.Names)
            {
                _clusterIsOther |= name.Tenant == IRegistry.Cluster;
                if (name.IsOfTenant)
                    _tenants.TryRemove(name.Tenant, out _);
                else if (_open.Remove((name.Tenant, DataKeyId.Parse(name.Name[KeyName.DataPrefix.Length..])), out var key))
                    key.Destroy();
            }
            Volatile.Write(ref _followed, announcement.Number);
        }
    }

    /// <summary>Also where nobody asks for a key: what was destroyed does not stay in memory.</summary>
    private async Task LookAgainAsync()
    {
        while (await _timer.WaitForNextTickAsync())
        {
            try
            {
                await LookAsync();
            }
            catch (Exception)
            {
                // Who needs a key looks again, and is told.
                continue;
            }
        }
    }
}
