using System.Globalization;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Retention;

namespace R1Grains.Ledger.Keys;

/// <summary>
/// Replaces keys. What is wanted is written down with who wants it, then done step by step; each step may be done twice, so
/// that whoever comes after a crash goes on. Keys of the cluster itself are those of the tenant <see cref="IRegistry.Cluster"/>.
/// </summary>
public sealed class KeyRotations(StoredRecord record, KeyRing keys, TimeProvider time)
{
    /// <summary>Of the documents that tell which rotation a request has asked for, or has joined.</summary>
    private const string RequestKind = "key-rotation-request";

    /// <summary>Writes down that another version is wanted, or, while one of this kind is under way, that it is wanted by this request as well.</summary>
    /// <returns>The same request again finds what it asked for; null where its id stands for another kind.</returns>
    /// <exception cref="RecordUnavailableException">Also where the store has forgotten a version.</exception>
    public async Task<KeyRotation?> RequestAsync(string tenant, KeyKind kind, string requester, string requestId, string purpose, CancellationToken cancellation = default)
    {
        var id = Digest.Of(ByteWriter.StrictUtf8.GetBytes($"{requester}\n{requestId}")).ToString()[..20];
        while (true)
        {
            if (await record.Registry.FindAsync(new(tenant, RequestKind, id), cancellation) is { } known)
                return await FindAsync(tenant, ByteWriter.StrictUtf8.GetString(known.Content!), cancellation) is { } asked && asked.Kind == kind ? asked : null;
            var before = await ListAsync(tenant, cancellation);
            try
            {
                if (before.FirstOrDefault(one => one.Kind == kind && one.Done is null) is { } underWay)
                {
                    await record.Registry.ChangeAsync(Record(underWay, "key.rotate.join", requester, purpose), [Request(underWay)], cancellation);
                    return underWay;
                }
                var version = 1 + (kind is KeyKind.Root ? before.Where(one => one.Kind is KeyKind.Root).Select(one => one.Version).DefaultIfEmpty(1).Max() : await keys.VersionInForceAsync(tenant, kind));
                var rotation = new KeyRotation(tenant, kind, version, requester, requestId, Now) { Root = kind is KeyKind.Root ? keys.Root.Id : 0 };
                if (await FindAsync(tenant, rotation.Id, cancellation) is { Done: not null })
                    throw new RecordUnavailableException($"The record says that the {KeyRotation.NameOf(kind)} key of '{tenant}' has version {version}, and {keys.Place} has {version - 1} at most: an older copy of the keys lies there. Bring back the newer one.");
                return await KeepAsync(rotation, "key.rotate", requester, purpose, cancellation, Request(rotation));
            }
            catch (DocumentConflictException)
            {
                // Somebody else asked at the same time.
            }
        }

        DocumentChange Request(KeyRotation rotation) => new(RequestKind, id, 0, ByteWriter.StrictUtf8.GetBytes(rotation.Id));
    }

    /// <summary>Null where there was none.</summary>
    public async Task<KeyRotation?> FindAsync(string tenant, string id, CancellationToken cancellation = default) =>
        await record.Registry.FindAsync(new(tenant, KeyRotation.Document, id), cancellation) is { } document ? KeyRotation.Of(document) : null;

    /// <summary>Of the tenant, all that there ever were.</summary>
    public Task<IReadOnlyList<KeyRotation>> ListAsync(string tenant, CancellationToken cancellation = default) =>
        record.Registry.AllAsync(tenant, KeyRotation.Document, KeyRotation.Of, cancellation);

    /// <summary>Whether a key of this kind of the tenant is being replaced.</summary>
    public static async Task<bool> IsUnderWayAsync(IRegistry registry, string tenant, KeyKind kind, CancellationToken cancellation = default) =>
        (await registry.AllAsync(tenant, KeyRotation.Document, KeyRotation.Of, cancellation)).Any(one => one.Kind == kind && one.Done is null);

    /// <summary>Does what is under way of the tenant to its end.</summary>
    /// <exception cref="RecordUnavailableException">To be called again.</exception>
    public async Task AdvanceAsync(string tenant, IProgress<(KeyRotation Rotation, KeyProgress Progress)>? progress = null, CancellationToken cancellation = default)
    {
        foreach (var rotation in (await ListAsync(tenant, cancellation)).Where(one => one.Done is null))
        {
            var wrapped = await RotateAsync(rotation, progress is null ? null : new Told(rotation, progress), cancellation);
            await KeepAsync(rotation with { Wrapped = wrapped, Done = Now }, "key.rotated", Actor, "", cancellation);
        }
    }

    /// <summary>In administrative records: the work itself, which nobody does by hand.</summary>
    private const string Actor = "key-rotation";

    private DateTimeOffset Now => Microseconds.ToTime(Microseconds.Of(time.GetUtcNow()));

    private async Task<long> RotateAsync(KeyRotation rotation, IProgress<KeyProgress>? progress, CancellationToken cancellation)
    {
        switch (rotation.Kind)
        {
            case KeyKind.Tenant:
                return await keys.RotateTenantKeyAsync(rotation.Tenant, rotation.Version, progress, cancellation);
            case KeyKind.Search:
                await keys.RotateAsync(rotation.Tenant, rotation.Kind, rotation.Version, cancellation);
                // What it holds says nothing to the new key; whoever follows the record builds it anew.
                await record.Index.DropAsync(rotation.Tenant, cancellation);
                return 0;
            case KeyKind.Root:
                // Else it would be told as done, and the key destroyed that everything is still wrapped by.
                if (keys.Root.Id != rotation.Root)
                    throw new RecordUnavailableException($"The root key {rotation.Root:x8} is to wrap, and this process was given {keys.Root.Id:x8} first: start it with the new one first and the earlier one behind it.");
                return await keys.WrapByRootAsync(progress, cancellation);
            case KeyKind.Signing:
                await new SigningSuccession(record, keys, time).RunAsync(rotation.Version, progress, cancellation);
                return 0;
            default:
                await keys.RotateAsync(rotation.Tenant, rotation.Kind, rotation.Version, cancellation);
                return 0;
        }
    }

    private async Task<KeyRotation> KeepAsync(KeyRotation rotation, string action, string actor, string purpose, CancellationToken cancellation, params IEnumerable<DocumentChange> more)
    {
        var entry = await record.Registry.ChangeAsync(Record(rotation, action, actor, purpose), [new(KeyRotation.Document, rotation.Id, rotation.Edition, rotation.Encode()), .. more], cancellation);
        return rotation with { Edition = entry.Record.Documents[0].Version };
    }

    private AdministrativeRecord Record(KeyRotation rotation, string action, string actor, string purpose) => new()
    {
        Tenant = rotation.Tenant,
        Time = time.GetUtcNow(),
        Actor = actor,
        Action = action,
        Resource = rotation.Tenant == IRegistry.Cluster ? "cluster" : $"tenants/{rotation.Tenant}",
        Purpose = purpose,
        Details = [new("key", KeyRotation.NameOf(rotation.Kind)), new("version", string.Create(CultureInfo.InvariantCulture, $"{rotation.Version}")), new("wrapped", string.Create(CultureInfo.InvariantCulture, $"{rotation.Wrapped}"))],
    };

    /// <summary>Told as it happens: <see cref="Progress{T}"/> would tell it later, and in no order.</summary>
    private sealed class Told(KeyRotation rotation, IProgress<(KeyRotation, KeyProgress)> progress) : IProgress<KeyProgress>
    {
        public void Report(KeyProgress value) => progress.Report((rotation, value));
    }
}
