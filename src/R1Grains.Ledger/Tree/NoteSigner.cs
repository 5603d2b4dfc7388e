using System.Security.Cryptography;
using System.Text;
using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Tree;

/// <summary>The private half of a <see cref="NoteKey"/>.</summary>
public sealed class NoteSigner : IDisposable
{
    /// <summary>One thread at a time.</summary>
    private readonly ECDsa _key;

    private NoteSigner(ECDsa key) => (_key, Id) = (key, NoteKey.IdOf(key));

    /// <summary>As <see cref="NoteKey.Id"/>.</summary>
    public uint Id { get; }

    /// <summary>For those who check; safe to hand out.</summary>
    public string PublicPem => _key.ExportSubjectPublicKeyInfoPem();

    /// <summary>SubjectPublicKeyInfo, in DER.</summary>
    public byte[] PublicKey => _key.ExportSubjectPublicKeyInfo();

    /// <param name="scalar">Of the private key, 32 bytes.</param>
    internal static NoteSigner Of(byte[] scalar) => new(ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = scalar }));

    /// <summary>Of another private key, 32 bytes; to be zeroed by the caller.</summary>
    internal static byte[] MakeScalar()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportParameters(includePrivateParameters: true).D!;
    }

    public static NoteSigner Generate() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <param name="file">A private key in PEM, as <c>openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256</c> writes it.</param>
    /// <exception cref="RecordKeyException">It cannot be read, or is no such key.</exception>
    public static NoteSigner Read(string file)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(File.ReadAllText(file));
            if (key.KeySize == 256 && key.ExportParameters(includePrivateParameters: true).D is not null)
                return new NoteSigner(key);
            throw new CryptographicException("it is not on the curve P-256");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw new RecordKeyException(file, $"it cannot be read as a private key of the curve P-256 ({unreadable.Message.TrimEnd('.')}). Bring back the key as it was; a new one is made by: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {file}", unreadable);
        }
    }

    /// <summary>Reads the key, and makes it first where there is none, for its owner alone. The public half lies beside it, as <c>.pub</c>.</summary>
    /// <exception cref="RecordKeyException"/>
    public static NoteSigner ReadOrMake(string file)
    {
        NoteSigner? signer = null;
        try
        {
            if (!File.Exists(file))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
                using var made = Generate();
                Write(file, made._key.ExportPkcs8PrivateKeyPem(), UnixFileMode.UserRead);
            }
            signer = Read(file);
            if (!File.Exists(file + ".pub"))
                Write(file + ".pub", signer.PublicPem, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
            return signer;
        }
        catch (Exception unwritable) when (unwritable is IOException or UnauthorizedAccessException)
        {
            signer?.Dispose();
            throw new RecordKeyException(file, $"it cannot be made ({unwritable.Message.TrimEnd('.')}). Give the server write access there.", unwritable);
        }
    }

    /// <returns>A signature line beneath the text, in the name of what it speaks for.</returns>
    public NoteSignature Sign(string text, string name)
    {
        lock (_key)
            return new NoteSignature(name, Id, _key.SignData(Encoding.UTF8.GetBytes(text), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
    }

    public SignedNote Note(string text, string name) => new(text, [Sign(text, name)]);

    public void Dispose() => _key.Dispose();

    private static void Write(string file, string pem, UnixFileMode mode) => KeyFile.Write(file, Encoding.ASCII.GetBytes(pem + "\n"), mode);
}
