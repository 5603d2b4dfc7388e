using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Format;

/// <summary>What somebody said, or what tells of it: sealed, and in the clear only as a commitment.</summary>
internal readonly record struct ConfidentialField(byte[] Salt, byte[] Bytes)
{
    public const int SaltLength = 16;

    /// <summary>SHA-256(0x03 ‖ salt ‖ field). The salt keeps whoever guesses from trying.</summary>
    public Digest Commitment => CommitmentOf(Salt, Bytes);

    public static Digest CommitmentOf(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> bytes)
    {
        var length = 1 + SaltLength + bytes.Length;
        var room = length <= 1_024 ? stackalloc byte[length] : new byte[length];
        room[0] = 0x03;
        salt.CopyTo(room[1..]);
        bytes.CopyTo(room[(1 + SaltLength)..]);
        return Digest.Of(room);
    }

    /// <exception cref="InvalidDataException">Not what the key sealed in this place.</exception>
    public static ConfidentialField[] Open(DataKey key, byte[] bytes, byte[] place)
    {
        var reader = new ByteReader(key.Open(bytes, place));
        var fields = new List<ConfidentialField>();
        while (!reader.IsAtEnd)
            fields.Add(new(reader.Bytes(SaltLength), reader.Bytes(reader.Int32())));
        return [.. fields];
    }
}
