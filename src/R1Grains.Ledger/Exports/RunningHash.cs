using System.Security.Cryptography;

namespace R1Grains.Ledger.Exports;

/// <summary>
/// Hash of a file that is made piece by piece, by whoever goes on with it: SHA-256 of the hash before and of the next piece's
/// own SHA-256, from 32 zero bytes on. What is known of a file after a piece is 32 bytes, and the rest of it needs no others.
/// </summary>
internal sealed class RunningHash(Digest value = default) : IDisposable
{
    private readonly IncrementalHash _piece = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private bool _any;

    public Digest Value { get; private set; } = value;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        _piece.AppendData(bytes);
        _any = true;
    }

    /// <summary>A piece without bytes is none.</summary>
    public void EndPiece()
    {
        if (!_any)
            return;
        Span<byte> both = stackalloc byte[2 * Digest.Length];
        Value.CopyTo(both);
        _piece.GetHashAndReset(both[Digest.Length..]);
        (Value, _any) = (Digest.Of(both), false);
    }

    public void Dispose() => _piece.Dispose();
}
