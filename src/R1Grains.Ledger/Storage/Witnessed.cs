using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Storage;

/// <summary>Whether a record holds what a witness has cosigned. Asked before anything is signed or written.</summary>
internal static class Witnessed
{
    /// <exception cref="RecordNotWitnessedException">It has less than what was cosigned, or something else.</exception>
    /// <exception cref="RecordKeyException">What was cosigned cannot be read.</exception>
    public static async Task RequireAsync(RecordReads reads, LogIdentity? identity)
    {
        if (identity?.Witness is not { } folder)
            return;
        foreach (var known in Cosigned(folder).Where(known => known.Origin.StartsWith(identity.Name + "/", StringComparison.Ordinal)))
        {
            var (size, root) = await reads.TreeAt(known.Origin, known.Size);
            if (root is null)
                throw new RecordNotWitnessedException(known.Origin, $"it has {size} leaves, {known.Size} were cosigned", folder);
            if (root != known.Root)
                throw new RecordNotWitnessedException(known.Origin, $"its first {known.Size} leaves have the root {root}, {known.Root} was cosigned", folder);
        }
    }

    private static IReadOnlyList<Checkpoint> Cosigned(string folder)
    {
        try
        {
            return Witness.Cosigned(folder);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new RecordKeyException(folder, $"what the witness cosigned cannot be read there ({unreadable.Message.TrimEnd('.')}). Name the witness' folder or a copy of it.", unreadable);
        }
    }
}
