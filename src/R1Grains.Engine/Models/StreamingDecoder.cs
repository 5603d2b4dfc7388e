using System.Text;

namespace R1Grains.Engine.Models;

/// <summary>
/// Turns ids into text one at a time and releases complete characters only: the bytes of a character that is cut
/// between two ids wait for the rest. The text so far is a function of the ids so far, so replaying recorded ids
/// through a fresh decoder gives the same strings.
/// </summary>
/// <param name="showSpecials">Special ids appear as their text; otherwise they decode to nothing.</param>
public sealed class StreamingDecoder(Tokenizer tokenizer, bool showSpecials = false)
{
    private readonly Decoder _utf8 = Encoding.UTF8.GetDecoder();

    /// <summary>The characters that <paramref name="id"/> completes; often empty.</summary>
    public string Append(int id) => showSpecials && tokenizer.TryGetSpecial(id, out var special)
        ? Flush() + special
        : Convert(tokenizer.Bytes(id), flush: false);

    /// <summary>Ends the text: a character still incomplete becomes U+FFFD.</summary>
    public string Flush() => Convert([], flush: true);

    private string Convert(ReadOnlySpan<byte> bytes, bool flush)
    {
        var chars = new char[bytes.Length + 4];
        return new string(chars, 0, _utf8.GetChars(bytes, chars, flush));
    }
}
