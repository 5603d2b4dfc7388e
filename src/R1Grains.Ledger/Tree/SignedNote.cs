using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace R1Grains.Ledger.Tree;

/// <summary>
/// A text with signatures beneath it, in the form of C2SP signed-note: the text, an empty line, a line for each signature.
/// Nothing of it is to be believed before a signature of a known key has been checked.
/// </summary>
/// <param name="Text">With its last line's end.</param>
public sealed record SignedNote(string Text, IReadOnlyList<NoteSignature> Signatures)
{
    /// <summary>In bytes; longer ones are refused unread.</summary>
    public const int LengthMax = 16_384;

    private const string Separator = "\n\n";

    public override string ToString() => $"{Text}\n{string.Concat(Signatures)}";

    /// <exception cref="FormatException">Not of that form.</exception>
    public static SignedNote Parse(ReadOnlySpan<byte> note)
    {
        try
        {
            return note.Length <= LengthMax ? Parse(Format.ByteWriter.StrictUtf8.GetString(note)) : throw new FormatException($"the note has {note.Length} bytes, more than {LengthMax}");
        }
        catch (DecoderFallbackException cause)
        {
            throw new FormatException("the note is not UTF-8", cause);
        }
    }

    /// <exception cref="FormatException">Not of that form.</exception>
    public static SignedNote Parse(string note)
    {
        if (note.Any(letter => letter is < ' ' and not '\n'))
            throw new FormatException("the note has a control character");
        var end = note.LastIndexOf(Separator, StringComparison.Ordinal);
        if (end < 0 || !note.EndsWith('\n'))
            throw new FormatException("the note has no text with signatures beneath");
        var lines = note[(end + Separator.Length)..].Split('\n')[..^1];
        return lines.Length == 0
            ? throw new FormatException("the note has no signature")
            : new SignedNote(note[..(end + 1)], Array.ConvertAll(lines, NoteSignature.Parse));
    }
}

/// <param name="Name">Of the key; names no key without the id.</param>
/// <param name="KeyId">First four bytes of a hash, big-endian.</param>
public sealed record NoteSignature(string Name, uint KeyId, byte[] Signature)
{
    private const string Dash = "\u2014 ";
    private const int KeyIdLength = 4;

    /// <summary>Without its end.</summary>
    public string Line => $"{Dash}{Name} {Convert.ToBase64String([(byte)(KeyId >> 24), (byte)(KeyId >> 16), (byte)(KeyId >> 8), (byte)KeyId, .. Signature])}";

    public override string ToString() => Line + "\n";

    /// <param name="line">Without its end.</param>
    /// <exception cref="FormatException"/>
    public static NoteSignature Parse(string line)
    {
        if (!line.StartsWith(Dash, StringComparison.Ordinal) || line[Dash.Length..].Split(' ') is not [var name, var value] || !IsName(name))
            throw new FormatException("a line beneath the note's text is no signature");
        if (!TryBytes(value, out var bytes) || bytes.Length <= KeyIdLength)
            throw new FormatException("a signature of the note is not base64 of a key id and a signature");
        return new NoteSignature(name, (uint)bytes[0] << 24 | (uint)bytes[1] << 16 | (uint)bytes[2] << 8 | bytes[3], bytes[KeyIdLength..]);
    }

    /// <summary>Whether a key can have this name: a word without a plus.</summary>
    public static bool IsName(string name) => name.Length > 0 && !name.Any(letter => char.IsWhiteSpace(letter) || char.IsControl(letter) || letter == '+');

    /// <summary>Bytes have one base64 form alone: another one is another line with the same meaning, and refused.</summary>
    internal static bool TryBytes(string base64, [NotNullWhen(true)] out byte[]? bytes)
    {
        var room = new byte[base64.Length];
        bytes = Convert.TryFromBase64String(base64, room, out var length) ? room[..length] : null;
        return bytes is not null && Convert.ToBase64String(bytes) == base64;
    }
}
