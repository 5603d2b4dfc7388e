using System.Globalization;

namespace R1Grains.Ledger.Tree;

/// <summary>What a tree is at one size, in the form of C2SP tlog-checkpoint: origin, size and root, a line each.</summary>
/// <param name="Origin">Names the tree, everywhere and for ever.</param>
public sealed record Checkpoint(string Origin, long Size, Digest Root)
{
    /// <summary>What is signed.</summary>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"{Origin}\n{Size}\n{Convert.ToBase64String(Root.ToArray())}\n");

    /// <param name="text">Of the signed note. Lines after the third, which nobody can check, are refused.</param>
    /// <exception cref="FormatException"/>
    public static Checkpoint Parse(string text)
    {
        if (text.Split('\n') is not [{ Length: > 0 } origin, var number, var hash, ""])
            throw new FormatException("a checkpoint is three lines: origin, size and root");
        if (!long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var size) || size.ToString(CultureInfo.InvariantCulture) != number)
            throw new FormatException("the checkpoint's size is no number");
        if (!NoteSignature.TryBytes(hash, out var root) || root.Length != Digest.Length)
            throw new FormatException("the checkpoint's root is not base64 of 32 bytes");
        return new Checkpoint(origin, size, new Digest(root));
    }
}
