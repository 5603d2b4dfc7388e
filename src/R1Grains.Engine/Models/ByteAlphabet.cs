using System.Collections.Frozen;

namespace R1Grains.Engine.Models;

/// <summary>
/// The byte-level alphabet of GPT-2 style vocabularies: each of the 256 bytes is written as one printable character,
/// so that any text is a word over the alphabet and nothing is ever unknown.
/// </summary>
public static class ByteAlphabet
{
    private static readonly char[] Chars = BuildChars();
    private static readonly FrozenDictionary<char, byte> Bytes =
        Enumerable.Range(0, 256).ToFrozenDictionary(b => Chars[b], b => (byte)b);

    /// <summary>The character that stands for <paramref name="value"/>.</summary>
    public static char ToChar(byte value) => Chars[value];

    /// <summary>Writes bytes as characters of the alphabet.</summary>
    public static string ToText(ReadOnlySpan<byte> bytes)
    {
        var text = new char[bytes.Length];
        for (var i = 0; i < bytes.Length; i++) text[i] = Chars[bytes[i]];
        return new string(text);
    }

    /// <summary>Reads a token's bytes; false when it holds a character outside the alphabet (as special tokens may).</summary>
    public static bool TryToBytes(string text, out byte[] bytes)
    {
        bytes = new byte[text.Length];
        for (var i = 0; i < text.Length; i++)
            if (!Bytes.TryGetValue(text[i], out bytes[i]))
                return false;
        return true;
    }

    private static char[] BuildChars()
    {
        var chars = new char[256];
        var next = 256;
        for (var b = 0; b < 256; b++)
            chars[b] = b is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE ? (char)b : (char)next++;
        return chars;
    }
}
