using R1Grains.Ledger;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Tree;

namespace R1Grains.LoadTests.Tamper;

/// <summary>
/// A record that is tampered with, in files or in PostgreSQL, and what lies beside it: its keys, the key that signs, the marks.
/// How it stands can be kept under a name, and put back as often as it is tampered with.
/// </summary>
internal abstract class TamperedStore : IAsyncDisposable
{
    private readonly string _place = Directory.CreateTempSubdirectory("tamper-").FullName;

    public abstract string Name { get; }

    /// <summary>Of the record as it stands: what there is of it in files.</summary>
    public string Folder => Path.Combine(_place, "record");

    /// <summary>What the witness knows, who is elsewhere: nothing that is done to the record reaches it.</summary>
    public string WitnessFolder => Path.Combine(_place, "witness");

    protected string SigningKey => Path.Combine(Folder, SqliteRecord.KeyFileName);

    public NoteKey ReadKey() => NoteKey.FromPem(File.ReadAllText(SigningKey + ".pub"));

    public LogIdentity Identity(NoteSigner signer, bool witnessed) => new("r1grains", signer) { Witness = witnessed ? WitnessFolder : null };

    public NoteSigner ReadSigner() => NoteSigner.ReadOrMake(SigningKey);

    public Task<KeyRing> OpenKeysAsync() => KeyRing.OpenBesideAsync(Folder);

    /// <param name="witnessed">As a server that knows of the witness.</param>
    public abstract Task<StoredRecord> OpenAsync(NoteSigner signer, KeyRing keys, bool witnessed);

    public abstract Task<VerificationReport> VerifyAsync(IReadOnlyList<NoteKey> keys, KeyRing dataKeys);

    public abstract Task<PublishedTrees> OpenTreesAsync();

    /// <summary>As somebody who may do everything there, and has switched off what would hinder them.</summary>
    public abstract Task ExecuteAsync(string sql);

    /// <summary>The text of the first row.</summary>
    public abstract Task<string> ReadAsync(string sql);

    /// <summary>The bytes of a column with the first one changed; SQL.</summary>
    public abstract string Flipped(string column);

    /// <summary>Bytes that an expression gives, as bytes; SQL.</summary>
    public abstract string Bytes(string expression);

    public abstract string Blob(byte[] bytes);

    /// <summary>The record must not be open.</summary>
    public virtual Task KeepAsync(string name)
    {
        Copy(Folder, Path.Combine(_place, name));
        return Task.CompletedTask;
    }

    /// <param name="rowsAlone">Leaves what lies elsewhere, as a restored backup does: marks, keys, the key that signs.</param>
    public virtual Task ResetAsync(string name, bool rowsAlone = false)
    {
        if (rowsAlone)
        {
            foreach (var file in Directory.EnumerateFiles(Path.Combine(_place, name), "record.db*"))
                File.Copy(file, Path.Combine(Folder, Path.GetFileName(file)), overwrite: true);
            return Task.CompletedTask;
        }
        if (Directory.Exists(Folder))
            Directory.Delete(Folder, recursive: true);
        Copy(Path.Combine(_place, name), Folder);
        return Task.CompletedTask;
    }

    /// <summary>An empty record with keys of its own.</summary>
    public virtual Task BeginAsync()
    {
        foreach (var folder in (string[])[Folder, WitnessFolder])
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
            Directory.CreateDirectory(folder);
        }
        return Task.CompletedTask;
    }

    public virtual ValueTask DisposeAsync()
    {
        Directory.Delete(_place, recursive: true);
        return ValueTask.CompletedTask;
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy, overwrite: true);
        }
    }
}
