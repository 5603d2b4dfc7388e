using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace R1Grains.Ledger.Keys;

/// <summary>
/// The keys of a record as one process holds them: those of a <see cref="IKeyStore"/>, opened by the root key. What another
/// process destroys is noticed within two seconds, or nothing is opened or sealed meanwhile.
/// </summary>
public sealed class KeyRing : IAsyncDisposable
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
    private readonly RootKey _root;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, Lazy<Task<TenantKeys>>> _tenants = [];
    private readonly BoundedMap<(string Tenant, DataKeyId Id), DataKey> _open = new(OpenKeysMax / 2);
    private readonly PeriodicTimer _timer;
    private readonly Task _looking;

    /// <summary>Held while what was announced is followed, so that nobody keeps meanwhile what they read before.</summary>
    private readonly Lock _following = new();
    private readonly SemaphoreSlim _look = new(1);

    /// <summary>Of the last announcement that was followed.</summary>
    private long _followed;

    /// <summary>When the last look that came to an end had begun.</summary>
    private long _lookedAt;

    private KeyRing(IKeyStore store, RootKey root, TimeProvider time, long followed, long lookedAt)
    {
        (_store, _root, _time, _followed, _lookedAt) = (store, root, time, followed, lookedAt);
        _timer = new PeriodicTimer(LookInterval, time);
        _looking = LookAgainAsync();
    }

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

    /// <summary>What the record may show of a customer, by every version of the tenant's index key, the one in force last.</summary>
    /// <exception cref="RecordUnavailableException"/>
    public async Task<IReadOnlyList<Subject>> SubjectsAsync(string tenant, string customer)
    {
        await RequireFreshAsync();
        var keys = await KeysOfAsync(tenant);
        return [.. Enumerable.Range(1, keys.IndexVersion).Select(version => keys.OfCustomer(customer, version))];
    }

    public async ValueTask DisposeAsync()
    {
        _timer.Dispose();
        await _looking;
        await _store.DisposeAsync();
        _root.Dispose();
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

    /// <summary>
    /// Puts another tenant key in force, wraps all keys of the tenant by it and destroys those before. Takes seconds and
    /// more, while everything goes on; where it was interrupted, the next one does all of it.
    /// </summary>
    /// <returns>How many keys were wrapped anew.</returns>
    /// <exception cref="RecordUnavailableException">Some may be wrapped by the new one already: call it again.</exception>
    public async Task<long> RotateTenantKeyAsync(string tenant, CancellationToken cancellation = default)
    {
        await LookAsync();
        var before = (await KeysOfAsync(tenant)).Versions.ToList();
        var name = KeyName.OfTenant(tenant, before[^1] + 1);
        await AddAsync(name, _root.Wrapping);
        await _store.AnnounceAsync([name], cancellation);
        await LookAsync();
        // Until then another process may wrap what is new by the version before.
        await Task.Delay(2 * NoticedWithin, _time, cancellation);
        var keys = await KeysOfAsync(tenant);
        long wrapped = 0, found;
        do
        {
            found = 0;
            await foreach (var (key, stored) in _store.ListAsync(tenant, cancellation))
            {
                // The root key wraps the tenant's own.
                if (key.IsTenantKey || stored.Wrapped is not { } old || WrappingKey.NumberOf(old) == keys.Current.Number)
                    continue;
                var plain = Readable(key, () => keys.Unwrap(old, key));
                // Where it fails it was destroyed or wrapped by somebody else: the next round looks.
                wrapped += await _store.ReplaceAsync(key, old, keys.Current.Wrap(plain, key), cancellation) ? 1 : 0;
                CryptographicOperations.ZeroMemory(plain);
                found++;
            }
        }
        while (found > 0);
        await _store.DestroyAsync([.. before.Select(version => KeyName.OfTenant(tenant, version))], cancellation);
        await LookAsync();
        return wrapped;
    }

    private async Task<DataKey?> FindOrMakeAsync(string tenant, DataKeyId id, TenantKeys keys)
    {
        if (_open.TryGet((tenant, id), out var known))
            return known;
        var name = KeyName.OfData(tenant, id);
        return await OpenAsync(tenant, id, async () =>
        {
            if (await _store.FindAsync(name) is { } there)
                return there;
            var fresh = RandomNumberGenerator.GetBytes(WrappingKey.KeyLength);
            try
            {
                return await _store.AddAsync(name, keys.Current.Wrap(fresh, name));
            }
            finally
            {
                CryptographicOperations.ZeroMemory(fresh);
            }
        });
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
            stored ??= await AddAsync(name, _root.Wrapping);
            if (stored.Wrapped is not { } wrapped)
                continue;
            if (WrappingKey.NumberOf(wrapped) is var root && root != _root.Id)
                throw new KeyStoreException(_store.Place, $"its keys are wrapped by the root key {root:x8}, and {_root.Id:x8} was given. Give the one that belongs to it.");
            var plain = Readable(name, () => _root.Wrapping.Unwrap(wrapped, name));
            wrapping.Add(version, new WrappingKey(plain, (uint)version));
            CryptographicOperations.ZeroMemory(plain);
        }
        var index = new List<byte[]>();
        var keys = new TenantKeys(wrapping, index);
        while (true)
        {
            var name = KeyName.OfIndex(tenant, index.Count + 1);
            var stored = await _store.FindAsync(name);
            if (stored is null && index.Count > 0)
                return keys;
            stored ??= await AddAsync(name, keys.Current);
            index.Add(Readable(name, () => keys.Unwrap(stored.Wrapped ?? throw new InvalidDataException("it was destroyed"), name)));
        }
    }

    private async Task<StoredKey> AddAsync(KeyName name, WrappingKey by)
    {
        var fresh = RandomNumberGenerator.GetBytes(WrappingKey.KeyLength);
        try
        {
            return await _store.AddAsync(name, by.Wrap(fresh, name));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(fresh);
        }
    }

    private byte[] Readable(KeyName name, Func<byte[]> unwrap)
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

    private ValueTask RequireFreshAsync() =>
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
