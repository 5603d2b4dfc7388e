using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Keys;

/// <content>Puts keys in the place of others, step by step, while everything goes on.</content>
public sealed partial class KeyRing
{
    /// <summary>Version of the tenant's keys of this kind that is in force; 0 where there is none.</summary>
    /// <exception cref="RecordUnavailableException"/>
    internal async Task<int> VersionInForceAsync(string tenant, KeyKind kind)
    {
        await LookAsync();
        var keys = await KeysOfAsync(tenant);
        return kind switch
        {
            KeyKind.Tenant => keys.Versions.Last(),
            KeyKind.Index => keys.IndexVersion,
            KeyKind.Signing => SignerVersion,
            _ => keys.Search is [.., var last] ? last.Version : 0,
        };
    }

    /// <summary>Puts another version in force, and returns when every process uses it, or none at all. Where it is there already, it is only waited.</summary>
    /// <exception cref="RecordUnavailableException"/>
    internal async Task RotateAsync(string tenant, KeyKind kind, int version, CancellationToken cancellation = default)
    {
        await LookAsync();
        await AddVersionAsync(tenant, kind, version);
        await _store.AnnounceAsync([NameOf(tenant, kind, version)], cancellation);
        await LookAsync();
        await Task.Delay(2 * NoticedWithin, _time, cancellation);
    }

    /// <summary>
    /// Puts another tenant key in force, wraps all keys of the tenant by it and destroys those before, while everything goes
    /// on. Where it was interrupted, the next call goes on.
    /// </summary>
    /// <param name="version">Of the new key, the same in each call.</param>
    /// <returns>How many keys this call wrapped anew.</returns>
    /// <exception cref="RecordUnavailableException">Some may be wrapped by the new one already: call it again.</exception>
    internal async Task<long> RotateTenantKeyAsync(string tenant, int version, IProgress<KeyProgress>? progress = null, CancellationToken cancellation = default)
    {
        // Until every process knows it, another one may wrap what is new by the version before.
        await RotateAsync(tenant, KeyKind.Tenant, version, cancellation);
        var keys = await KeysOfAsync(tenant);
        var (total, wrapped, found) = (0L, 0L, 0L);
        await foreach (var _ in WrappedOtherwiseAsync(tenant, keys, cancellation))
            total++;
        do
        {
            found = 0;
            progress?.Report(new(wrapped, Math.Max(total, wrapped)));
            await foreach (var some in WrappedOtherwiseAsync(tenant, keys, cancellation).Chunk(IKeyStore.ReplacementsMax).WithCancellation(cancellation))
            {
                // Where one fails it was destroyed or wrapped by somebody else: the next round looks.
                wrapped += await _store.ReplaceAsync([.. some.Select(one => WrapAnew(one.Name, one.Wrapped, keys))], cancellation);
                found += some.Length;
                progress?.Report(new(wrapped, Math.Max(total, wrapped)));
            }
        }
        while (found > 0);
        if (keys.Versions.Where(before => before < version).ToList() is { Count: > 0 } earlier)
            await _store.DestroyAsync([.. earlier.Select(before => KeyName.OfTenant(tenant, before))], cancellation);
        await LookAsync();
        return wrapped;
    }

    /// <summary>Wraps the tenants' keys by the root key that is given first, so that the others can be destroyed. Every process must have been given it.</summary>
    /// <returns>How many were wrapped anew.</returns>
    /// <exception cref="RecordUnavailableException">Call it again.</exception>
    internal async Task<long> WrapByRootAsync(IProgress<KeyProgress>? progress = null, CancellationToken cancellation = default)
    {
        var (wrapped, found) = (0L, 0L);
        do
        {
            found = 0;
            var (tenants, at) = (await _store.ListTenantsAsync(cancellation), 0L);
            foreach (var tenant in tenants)
            {
                progress?.Report(new(at++, tenants.Count));
                await foreach (var (name, stored) in _store.ListAsync(tenant, cancellation).Where(one => one.Name.IsTenantKey))
                {
                    if (stored.Wrapped is not { } old || Readable(name, () => WrappingKey.NumberOf(old)) == Root.Id)
                        continue;
                    found++;
                    var plain = Readable(name, () => (Root.Of(old) ?? throw new InvalidDataException("it is wrapped by a root key that is not here")).Unwrap(old, name));
                    wrapped += await _store.ReplaceAsync([new(name, old, Root.Wrapping.Wrap(plain, name))], cancellation);
                    CryptographicOperations.ZeroMemory(plain);
                }
            }
        }
        while (found > 0);
        return wrapped;
    }

    /// <summary>The key that is to sign next, the same in each call; to be disposed of by the caller.</summary>
    /// <param name="version">Of it.</param>
    internal async Task<NoteSigner> PrepareSignerAsync(int version)
    {
        var keys = await KeysOfAsync(IRegistry.Cluster);
        var name = KeyName.OfSigning(version);
        if (await _store.FindAsync(name) is not { } stored)
        {
            name = KeyName.OfNextSigning(version);
            var fresh = NoteSigner.MakeScalar();
            stored = await AddAsync(name, fresh, keys);
            CryptographicOperations.ZeroMemory(fresh);
            keys = await KeysOfAsync(IRegistry.Cluster);
        }
        return Signing(name, stored, keys);
    }

    /// <summary>Whether this one is prepared to sign next.</summary>
    /// <param name="publicKey">As SubjectPublicKeyInfo.</param>
    internal async Task<bool> IsPreparedAsync(int version, byte[] publicKey)
    {
        var name = KeyName.OfNextSigning(version);
        if (await _store.FindAsync(name) is not { Wrapped: not null } stored)
            return false;
        using var prepared = Signing(name, stored, await KeysOfAsync(IRegistry.Cluster));
        return prepared.PublicKey.AsSpan().SequenceEqual(publicKey);
    }

    /// <summary>Has the key sign that was prepared, and returns when every process has it sign, or none at all.</summary>
    internal async Task PutSignerInForceAsync(int version, CancellationToken cancellation)
    {
        var (keys, name, next) = (await KeysOfAsync(IRegistry.Cluster), KeyName.OfSigning(version), KeyName.OfNextSigning(version));
        if (await _store.FindAsync(name, cancellation) is null)
        {
            var stored = await _store.FindAsync(next, cancellation) ?? throw new InvalidOperationException("No key was prepared.");
            var scalar = Scalar(next, stored, keys);
            await AddAsync(name, scalar, keys);
            CryptographicOperations.ZeroMemory(scalar);
        }
        await _store.AnnounceAsync([name], cancellation);
        await LookAsync();
        await _store.DestroyAsync([next], cancellation);
        await Task.Delay(2 * NoticedWithin, _time, cancellation);
    }

    /// <summary>Of the keys that the tenant key wraps, those that another version than the one in force does.</summary>
    private async IAsyncEnumerable<(KeyName Name, byte[] Wrapped)> WrappedOtherwiseAsync(string tenant, TenantKeys keys, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var (name, stored) in _store.ListAsync(tenant, cancellation))
        {
            if (!name.IsTenantKey && stored.Wrapped is { } wrapped && Readable(name, () => WrappingKey.NumberOf(wrapped)) != keys.Current.Number)
                yield return (name, wrapped);
        }
    }

    private KeyReplacement WrapAnew(KeyName name, byte[] wrapped, TenantKeys keys)
    {
        var plain = Readable(name, () => keys.Unwrap(wrapped, name));
        try
        {
            return new(name, wrapped, keys.Current.Wrap(plain, name));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    private async Task AddVersionAsync(string tenant, KeyKind kind, int version)
    {
        var (keys, name) = (await KeysOfAsync(tenant), NameOf(tenant, kind, version));
        await (kind is KeyKind.Tenant ? AddTenantKeyAsync(name) : AddAsync(name, keys));
        _tenants.TryRemove(tenant, out _);
    }

    private static KeyName NameOf(string tenant, KeyKind kind, int version) => kind switch
    {
        KeyKind.Tenant => KeyName.OfTenant(tenant, version),
        KeyKind.Index => KeyName.OfIndex(tenant, version),
        _ => KeyName.OfSearch(tenant, version),
    };
}
