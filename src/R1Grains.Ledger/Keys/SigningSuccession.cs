using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Keys;

/// <summary>
/// Has another key sign the record: it is made, then written down by both, then taken up by every process, and then the one
/// before is ended. No step is taken before the last is durable, so a key that signs is one that the record names.
/// </summary>
internal sealed class SigningSuccession(StoredRecord record, KeyRing keys, TimeProvider time)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    /// <summary>Clocks of two processes differ by less: what one of them signed before it went over may bear a time that is still to come here.</summary>
    private static readonly TimeSpan ClocksDiffer = TimeSpan.FromMinutes(1);

    /// <summary>Trees grow within seconds; where they stand, it goes on later.</summary>
    private const int LooksMax = 150;

    private const string Actor = "key-rotation";

    private LogIdentity Identity => record.Identity ?? throw new InvalidOperationException("Keys that sign are replaced where conversations are written.");

    private string Origin => Identity.Origin(IRegistry.Cluster);

    public async Task RunAsync(int version, IProgress<KeyProgress>? progress, CancellationToken cancellation)
    {
        const int steps = 3;
        progress?.Report(new(0, steps));
        using var next = await keys.PrepareSignerAsync(version);
        if (await FindAsync(version, cancellation) is var (written, _))
        {
            if (!next.PublicKey.AsSpan().SequenceEqual(written.After))
                throw new RecordKeyException("signing", $"the record names another key for version {version} than the one that is prepared: an older copy of the keys lies there. Bring back the newer one.");
        }
        else
        {
            var rotation = SigningRotation.Sign(Origin, version, Identity.InForce, next, time.GetUtcNow());
            await KeepAsync("key.sign", rotation, rotation.Note, 0, cancellation);
        }
        progress?.Report(new(1, steps));
        await keys.PutSignerInForceAsync(version, cancellation);
        progress?.Report(new(2, steps));
        var (begun, edition) = (await FindAsync(version, cancellation))!.Value;
        if (begun.End is not null)
            return;
        await RequireSignedAsync(next, cancellation);
        var sizes = await record.Read(null, ClosedTurnReads.TreeSizes, cancellation);
        var ended = begun.WithEnd(Origin, next, time.GetUtcNow() + ClocksDiffer, [.. sizes.Select(tree => (Identity.Origin(tree.Tenant), tree.Leaves))]);
        await KeepAsync("key.sign.end", ended, ended.End!.Note, edition, cancellation);
    }

    /// <summary>Returns when whoever puts leaves into the trees has signed with it: what came before it is there by then, or will never be.</summary>
    private async Task RequireSignedAsync(NoteSigner next, CancellationToken cancellation)
    {
        await record.Registry.AppendAsync(Record("key.signs", $"{next.Id:x8}"), cancellation);
        for (var looks = 1; (await record.FindCheckpointAsync(IRegistry.Cluster, cancellation))?.Signatures.Any(signature => signature.KeyId == next.Id) is not true; looks++)
        {
            if (looks == LooksMax)
                throw new TimeoutException($"the key {next.Id:x8} is in force and signs no checkpoint: the trees stand");
            await Task.Delay(Look, TimeProvider.System, cancellation);
        }
    }

    private async Task<(SigningRotation Rotation, long Edition)?> FindAsync(int version, CancellationToken cancellation) =>
        await record.Registry.FindAsync(new(IRegistry.Cluster, SigningRotation.Kind, SigningRotation.IdOf(version)), cancellation) is { } document
            ? (SigningRotation.Of(document.Key.Id, document.Content!), document.Version)
            : null;

    private Task KeepAsync(string action, SigningRotation rotation, string note, long edition, CancellationToken cancellation) =>
        record.Registry.ChangeAsync(Record(action, note), [new(SigningRotation.Kind, rotation.Id, edition, rotation.Encode())], cancellation);

    private AdministrativeRecord Record(string action, string note) => new()
    {
        Tenant = IRegistry.Cluster,
        Time = time.GetUtcNow(),
        Actor = Actor,
        Action = action,
        Resource = "cluster",
        Details = [new("note", note)],
    };
}
