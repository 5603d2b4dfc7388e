using System.Text;

namespace R1Grains.Ledger.Tree;

/// <summary>
/// Keeps, for each tree that it has seen, the last checkpoint that it found to go on from the one before, with its own
/// signature beneath. It belongs where the keepers of the record have no access: what it has cosigned can no longer be cut
/// off, rewritten or forked unnoticed.
/// </summary>
public sealed class Witness : IDisposable
{
    private const string KeyFileName = "witness.key";
    private const string Suffix = ".note";

    private readonly string _folder;
    private readonly string _name;
    private readonly NoteSigner _signer;

    private Witness(string folder, string name, NoteSigner signer) => (_folder, _name, _signer) = (folder, name, signer);

    /// <summary>Makes the folder and the witness' own key where missing.</summary>
    /// <param name="name">What stands beneath the checkpoints: a word without a plus, e.g. <c>witness.bank.example</c>.</param>
    /// <exception cref="RecordKeyException"/>
    /// <exception cref="ArgumentException">No key can have this name.</exception>
    public static Witness Open(string folder, string name)
    {
        if (!NoteSignature.IsName(name))
            throw new ArgumentException($"'{name}' is no name of a key: write a word without '+', e.g. witness.bank.example");
        return new Witness(folder, name, NoteSigner.ReadOrMake(Path.Combine(folder, KeyFileName)));
    }

    /// <summary>What a witness has cosigned last, of each tree.</summary>
    /// <param name="folder">The witness' own, or a copy of it.</param>
    /// <exception cref="IOException"/>
    /// <exception cref="FormatException">A file is not one of these, or is not signed with the key that lies beside it.</exception>
    public static IReadOnlyList<Checkpoint> Cosigned(string folder)
    {
        var keyFile = Path.Combine(folder, KeyFileName + ".pub");
        // A copy may hold the notes alone.
        using var key = File.Exists(keyFile) ? NoteKey.FromPem(File.ReadAllText(keyFile)) : null;
        return [.. Directory.EnumerateFiles(folder, "*" + Suffix).Select(file =>
        {
            var note = SignedNote.Parse(File.ReadAllBytes(file));
            return key is null || note.Signatures.Any(signature => key.Signed(note, signature.Name))
                ? Checkpoint.Parse(note.Text)
                : throw new FormatException($"'{Path.GetFileName(file)}' is not signed by the witness");
        })];
    }

    /// <summary>Looks at every tree of the record once, cosigns what goes on from what it knows, and keeps what it knows of the others.</summary>
    /// <param name="keys">That sign the record's checkpoints, as they were handed out; the record's rotations lead to those that follow.</param>
    /// <returns>What it refused, and why; nothing where all is well.</returns>
    /// <exception cref="RecordUnavailableException"/>
    /// <exception cref="InvalidDataException">The rotations of the key cannot be followed.</exception>
    public async Task<IReadOnlyList<RefusedTree>> LookAsync(PublishedTrees trees, IReadOnlyList<NoteKey> keys, CancellationToken cancellation = default)
    {
        var refused = new List<RefusedTree>();
        // Before the keys: whoever signed one of them has been named by then.
        var checkpoints = await trees.ListAsync(cancellation);
        var missing = Cosigned(_folder).ToDictionary(known => known.Origin);
        using var signers = SigningKeys.Follow(keys, await trees.ListRotationsAsync(cancellation));
        foreach (var (tenant, note) in checkpoints)
        {
            var checkpoint = Checkpoint.Parse(note.Text);
            missing.Remove(checkpoint.Origin, out var known);
            if (await ObjectionAsync(trees, tenant, note, checkpoint, known, signers, cancellation) is { } objection)
                refused.Add(new RefusedTree(checkpoint.Origin, objection));
            else if (checkpoint.Size > (known?.Size ?? 0))
                Keep(checkpoint.Origin, note with { Signatures = [.. note.Signatures, _signer.Sign(note.Text, _name)] });
        }
        refused.AddRange(missing.Values.Select(known => new RefusedTree(known.Origin, $"the tree is gone; {known.Size} leaves of it were cosigned")));
        return refused;
    }

    public void Dispose() => _signer.Dispose();

    /// <summary>Why the checkpoint is not one to cosign; null where it is.</summary>
    private static async Task<string?> ObjectionAsync(
        PublishedTrees trees, string tenant, SignedNote note, Checkpoint checkpoint, Checkpoint? known, SigningKeys signers, CancellationToken cancellation)
    {
        if (signers.IsEmpty)
            return "no key was given that signs it";
        if (signers.Objection(note, checkpoint.Origin, checkpoint.Size) is { } objection)
            return $"the checkpoint for {checkpoint.Size} leaves {objection}";
        if (known is null)
            return null;
        if (checkpoint.Size < known.Size)
            return $"the tree has {checkpoint.Size} leaves; {known.Size} were cosigned";
        // A later one may be there by now; it is looked at next time.
        if (await trees.ProveConsistencyAsync(tenant, known.Size, checkpoint.Size, cancellation) is not { } proof || !TreeProof.IsConsistent(known.Size, known.Root, checkpoint.Size, checkpoint.Root, proof))
            return $"the tree of {checkpoint.Size} leaves is not proved to begin with the {known.Size} that were cosigned";
        return null;
    }

    /// <summary>Whole or not at all, and before anybody is told.</summary>
    private void Keep(string origin, SignedNote note)
    {
        var file = Path.Combine(_folder, Uri.EscapeDataString(origin) + Suffix);
        using (var unfinished = new FileStream(file + ".new", FileMode.Create, FileAccess.Write))
        {
            unfinished.Write(Encoding.UTF8.GetBytes(note.ToString()));
            unfinished.Flush(flushToDisk: true);
        }
        File.Move(file + ".new", file, overwrite: true);
    }
}

/// <param name="Origin">Names the tree.</param>
public sealed record RefusedTree(string Origin, string Reason);
