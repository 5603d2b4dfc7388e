using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace R1Grains.Ledger.Tree;

/// <summary>
/// Checks signatures of one key over notes: ECDSA with SHA-256 on P-256, signature type 2 of C2SP signed-note. The name
/// beneath a note is the one of what the key speaks for, so that one key signs for many trees.
/// </summary>
public sealed class NoteKey : IDisposable
{
    /// <summary>Of the signature, in the register of C2SP signed-note.</summary>
    public const byte Algorithm = 2;

    private const string Label = "PUBLIC KEY";

    /// <summary>One thread at a time.</summary>
    private readonly ECDsa _key;

    private NoteKey(ECDsa key)
    {
        if (key.KeySize != 256)
            throw new FormatException($"the key is not on the curve P-256, but has {key.KeySize} bits");
        (_key, Id) = (key, IdOf(key));
    }

    /// <summary>First four bytes of the SHA-256 of the public key in its DER form (SubjectPublicKeyInfo), big-endian.</summary>
    public uint Id { get; }

    /// <param name="pem">A public key.</param>
    /// <exception cref="FormatException">Not one of P-256.</exception>
    public static NoteKey FromPem(string pem)
    {
        var key = ECDsa.Create();
        try
        {
            // A private key would do, and must not lie where a public one is asked for.
            if (!PemEncoding.TryFind(pem, out var fields) || !pem.AsSpan()[fields.Label].SequenceEqual(Label))
                throw new FormatException($"there is no '-----BEGIN {Label}-----'");
            key.ImportFromPem(pem);
            return new NoteKey(key);
        }
        catch (Exception unreadable) when (unreadable is ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw new FormatException($"the public key cannot be read: {unreadable.Message}", unreadable);
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <param name="key">SubjectPublicKeyInfo, in DER.</param>
    /// <exception cref="FormatException">Not one of P-256.</exception>
    public static NoteKey FromPublicKey(byte[] key)
    {
        var read = ECDsa.Create();
        try
        {
            read.ImportSubjectPublicKeyInfo(key, out var length);
            return length == key.Length ? new NoteKey(read) : throw new FormatException("bytes follow the public key");
        }
        catch (CryptographicException unreadable)
        {
            read.Dispose();
            throw new FormatException($"the public key cannot be read: {unreadable.Message}", unreadable);
        }
        catch
        {
            read.Dispose();
            throw;
        }
    }

    /// <summary>Whether it is this one, in the form of <see cref="FromPublicKey"/>.</summary>
    public bool Is(ReadOnlySpan<byte> key)
    {
        lock (_key)
            return key.SequenceEqual(_key.ExportSubjectPublicKeyInfo());
    }

    /// <summary>Whether the note has a signature of this key under this name, and each of them holds.</summary>
    public bool Signed(SignedNote note, string name)
    {
        var text = Encoding.UTF8.GetBytes(note.Text);
        var signatures = note.Signatures.Where(signature => signature.Name == name && signature.KeyId == Id).ToList();
        lock (_key)
            return signatures.Count > 0 && signatures.All(signature => _key.VerifyData(text, signature.Signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
    }

    public void Dispose() => _key.Dispose();

    internal static uint IdOf(ECDsa key) => BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
}
