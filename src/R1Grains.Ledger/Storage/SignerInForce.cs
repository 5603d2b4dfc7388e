using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Storage;

/// <summary>Whether who is to sign is who signs by what the record says. Asked before anything is signed or written.</summary>
internal static class SignerInForce
{
    /// <exception cref="RecordKeyException">An older copy of the keys is there.</exception>
    public static async Task RequireAsync(RecordReads reads, LogIdentity? identity)
    {
        if (identity is null)
            return;
        if (SigningRotation.Of(await reads.Documents(IRegistry.Cluster, SigningRotation.Kind, IRecord.PageSizeMax, "")) is not [.., var last] || identity.InForce.PublicKey.AsSpan().SequenceEqual(last.After))
            return;
        // Whoever wrote it down was interrupted before it signed anything: it goes on.
        if (last.End is null && identity.Ring is { } ring && await ring.IsPreparedAsync(last.Version, last.After))
            return;
        using var wanted = NoteKey.FromPublicKey(last.After);
        throw new RecordKeyException(identity.Ring?.Place ?? "none", $"the record is signed by version {last.Version} of its key ({wanted.Id:x8}), and what is there signs as {identity.InForce.Id:x8}: an older copy of the keys lies there. Bring back the newer one.");
    }
}
