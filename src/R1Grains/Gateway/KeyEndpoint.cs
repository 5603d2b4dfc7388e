using System.Security.Cryptography;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using R1Grains.Access;
using R1Grains.Audit;
using R1Grains.Conversations;
using R1Grains.Ledger;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Tree;

namespace R1Grains.Gateway;

/// <summary>Where operators see which keys the record has, and have them replaced.</summary>
internal sealed class KeyEndpoint(IRecord record, KeyRing keys, IGrainFactory grains, TimeProvider time) : V1.KeyService.KeyServiceBase
{
    /// <summary>What keys of no tenant are named by.</summary>
    private const string Cluster = "cluster";

    private readonly StoredRecord _record = (StoredRecord)record;

    private readonly KeyRotations _rotations = new((StoredRecord)record, keys, time);

    [AsksOfAll(Permission.ManageKeys)]
    public override async Task<V1.RecordKeys> GetRecordKeys(V1.GetRecordKeysRequest request, ServerCallContext context)
    {
        var tenant = await Parent(request.Parent);
        var inventory = await keys.ListAsync(tenant, context.CancellationToken);
        var rotations = (await _rotations.ListAsync(tenant, context.CancellationToken)).ToDictionary(rotation => rotation.Id);
        // Keys are made with what they are for.
        var first = (await _record.ListConversationsAsync(tenant, 1, cancellation: context.CancellationToken)).Items.FirstOrDefault()?.Opened.Time.ToTimestamp();
        return new()
        {
            Parent = request.Parent,
            Keys =
            {
                from key in inventory.Versions
                where key.Kind is not KeyKind.Signing
                let rotation = rotations.GetValueOrDefault(KeyRotation.IdOf(key.Kind, key.Version))
                select new V1.RecordKey
                {
                    Kind = (V1.RecordKey.Types.Kind)key.Kind,
                    Version = key.Version,
                    State = key.IsDestroyed ? V1.RecordKey.Types.State.Destroyed : key.IsInForce ? V1.RecordKey.Types.State.InForce : V1.RecordKey.Types.State.Earlier,
                    CreateTime = rotation?.Requested.ToTimestamp() ?? first,
                    RequestedBy = rotation?.Requester ?? "",
                    WrappedKeys = key.Wraps,
                },
                from key in tenant == IRegistry.Cluster ? await Signers(rotations, context.CancellationToken) : []
                select key,
            },
            DataKeys = inventory.DataKeys,
            DestroyedDataKeys = inventory.DestroyedDataKeys,
            RootKey = inventory.Root == 0 ? "" : $"{inventory.Root:x8}",
        };
    }

    [AsksOfAll(Permission.ManageKeys)]
    public override async Task<V1.KeyRotation> RotateRecordKey(V1.RotateRecordKeyRequest request, ServerCallContext context)
    {
        var requestId = RequestId.Parse(request.RequestId);
        if (request.Kind is V1.RecordKey.Types.Kind.Unspecified || !System.Enum.IsDefined(request.Kind))
            throw Refuse.Field(Reason.InvalidArgument, "kind", $"kind {(int)request.Kind} is none: say which key is to be replaced, e.g. TENANT");
        var purpose = Purpose.Parse(request.Purpose);
        var tenant = await Parent(request.Parent);
        var kind = (KeyKind)request.Kind;
        if (tenant == IRegistry.Cluster && kind is KeyKind.Index or KeyKind.Search)
            throw Refuse.Field(Reason.InvalidArgument, "kind", $"the cluster has no key of the kind {KeyRotation.NameOf(kind)}: name a tenant as parent");
        if (tenant != IRegistry.Cluster && kind is KeyKind.Signing or KeyKind.Root)
            throw Refuse.Field(Reason.InvalidArgument, "kind", $"the {KeyRotation.NameOf(kind)} key is the cluster's: write '{Cluster}' as parent");
        if (kind is KeyKind.Root && !keys.Root.HasEarlier)
            throw Refuse.Field(Reason.InvalidArgument, "kind", "one root key was given alone, and there is nothing for it to replace: restart every server with the new one first and the earlier one behind it");
        var caller = context.Caller();
        var rotation = await _rotations.RequestAsync(tenant, kind, $"tenants/{caller.Tenant}/subjects/{caller.Subject}", requestId, purpose, context.CancellationToken)
            ?? throw Refuse.Reused(requestId);
        await grains.GetGrain<IKeyRotationGrain>(tenant).Advance();
        return await Show(rotation);
    }

    [AsksOfAll(Permission.ManageKeys)]
    public override async Task<V1.KeyRotation> GetKeyRotation(V1.GetKeyRotationRequest request, ServerCallContext context)
    {
        const string collection = "/keyRotations/";
        var at = request.Name.IndexOf(collection, StringComparison.Ordinal);
        var tenant = TenantOf(at < 0 ? "" : request.Name[..at], "name", "tenants/{tenant}/keyRotations/{kind}-{version}");
        return await Show(await _rotations.FindAsync(tenant, request.Name[(at + collection.Length)..], context.CancellationToken)
            ?? throw new RefusedException(new(Reason.KeyRotationNotFound, $"there is no {request.Name}")));
    }

    /// <summary>As the record tells them; of a first key that was never replaced it tells only what signatures name it by.</summary>
    private async Task<IEnumerable<V1.RecordKey>> Signers(Dictionary<string, KeyRotation> rotations, CancellationToken cancellation)
    {
        var chain = SigningRotation.Of(await _record.Registry.ListAsync(IRegistry.Cluster, SigningRotation.Kind, IRecord.PageSizeMax, cancellation: cancellation));
        var last = (await _record.FindCheckpointAsync(IRegistry.Cluster, cancellation))?.Signatures[0].KeyId;
        if (chain.Count == 0)
            return last is { } id ? [Signer(1, null, id, last)] : [];
        return [Of(1, chain[0].Before), .. chain.Select(one => Of(one.Version, one.After))];

        V1.RecordKey Of(int version, byte[] key)
        {
            using var read = NoteKey.FromPublicKey(key);
            return Signer(version, PemEncoding.WriteString("PUBLIC KEY", key), read.Id, last);
        }

        V1.RecordKey Signer(int version, string? pem, uint id, uint? inForce) => new()
        {
            Kind = V1.RecordKey.Types.Kind.Signing,
            Version = version,
            State = id == inForce ? V1.RecordKey.Types.State.InForce : V1.RecordKey.Types.State.Earlier,
            CreateTime = rotations.GetValueOrDefault(KeyRotation.IdOf(KeyKind.Signing, version))?.Requested.ToTimestamp(),
            RequestedBy = rotations.GetValueOrDefault(KeyRotation.IdOf(KeyKind.Signing, version))?.Requester ?? "",
            PublicKey = pem ?? "",
            KeyId = $"{id:x8}",
        };
    }

    private async Task<V1.KeyRotation> Show(KeyRotation rotation)
    {
        var progress = rotation.Done is null ? await grains.GetGrain<IKeyRotationGrain>(rotation.Tenant).Progress(rotation.Id) : new(rotation.Wrapped, rotation.Wrapped);
        return new()
        {
            Name = $"{(rotation.Tenant == IRegistry.Cluster ? Cluster : $"tenants/{rotation.Tenant}")}/keyRotations/{rotation.Id}",
            Kind = (V1.RecordKey.Types.Kind)rotation.Kind,
            Version = rotation.Version,
            RequestedBy = rotation.Requester,
            RequestTime = rotation.Requested.ToTimestamp(),
            DoneTime = rotation.Done?.ToTimestamp(),
            WrappedKeys = progress.Done,
            TotalKeys = progress.Total,
        };
    }

    /// <summary>Of whom there are keys: to ask makes none.</summary>
    private async Task<string> Parent(string parent)
    {
        var tenant = TenantOf(parent, "parent", "tenants/{tenant}");
        return tenant == IRegistry.Cluster || await keys.HasKeysAsync(tenant) ? tenant : throw new RefusedException(new(Reason.TenantNotFound, $"of {parent} nothing is recorded"));
    }

    private static string TenantOf(string text, string field, string form) =>
        text == Cluster ? IRegistry.Cluster
        : ResourceName.Find(text) is TenantName name ? name.Tenant
        : throw Refuse.Field(Reason.InvalidName, field, $"{field} {Refuse.Quote(text)} is not of the form {form}, nor with 'cluster' in the tenant's place");
}
