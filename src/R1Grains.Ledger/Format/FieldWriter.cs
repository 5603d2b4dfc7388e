using System.Security.Cryptography;
using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Format;

/// <summary>Confidential fields of one entry or piece on their way in: they are collected here, and stand in the clear as commitments.</summary>
internal sealed class FieldWriter
{
    private const int SaltsAtOnce = 8;

    private readonly ByteWriter _plain = new();
    private readonly Queue<byte[]>? _recorded;
    private readonly byte[] _salts = new byte[SaltsAtOnce * ConfidentialField.SaltLength];
    private int _used;

    public FieldWriter() => _used = _salts.Length;

    /// <summary>With the salts of what is recorded: the same fields then have the same commitments.</summary>
    public FieldWriter(IEnumerable<ConfidentialField> recorded) : this() => _recorded = new(recorded.Select(field => field.Salt));

    public Digest Commit(ReadOnlySpan<byte> field)
    {
        var salt = NextSalt();
        _plain.Bytes(salt).Int32(field.Length).Bytes(field);
        return ConfidentialField.CommitmentOf(salt, field);
    }

    public byte[] Seal(DataKey key, byte[] place) => key.Seal(_plain.Written, place);

    private ReadOnlySpan<byte> NextSalt()
    {
        if (_recorded?.TryDequeue(out var recorded) == true)
            return recorded;
        if (_used == _salts.Length)
        {
            RandomNumberGenerator.Fill(_salts);
            _used = 0;
        }
        _used += ConfidentialField.SaltLength;
        return _salts.AsSpan(_used - ConfidentialField.SaltLength, ConfidentialField.SaltLength);
    }
}
