namespace R1Grains.Ledger.Format;

/// <summary>What an entry says: in the clear, and sealed.</summary>
/// <param name="Skeleton">Clear fields, commitments to the confidential ones, and digests of what is sealed.</param>
/// <param name="Sealed">The confidential fields; null where an entry has none.</param>
/// <param name="Prompt">Of a turn_opened, its prompt's token ids, sealed.</param>
internal sealed record SealedPayload(byte[] Skeleton, byte[]? Sealed, byte[]? Prompt = null);
