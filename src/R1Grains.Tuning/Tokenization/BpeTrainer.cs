using System.Text;
using System.Text.RegularExpressions;

namespace R1Grains.Tuning.Tokenization;

/// <summary>
/// Learns byte-level BPE merges for texts in which names and figures are copied. Plain BPE over templates swallows
/// whole clauses, and then the same name is cut differently in a question and in a document; so a merge never joins
/// parts of two characters, never joins punctuation, and pieces weigh by the square root of their count.
/// </summary>
public static class BpeTrainer
{
    /// <summary>
    /// Cuts text before merging: each Chinese character and each digit alone, words with their leading space,
    /// runs of punctuation, runs of white space. Written so that .NET and Oniguruma read it alike.
    /// </summary>
    public const string Pattern =
        @"[一-鿿]|\p{N}| ?(?:(?![一-鿿])\p{L})+| ?[^\s\p{L}\p{N}]+|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const int TokenBytesMax = 16;

    /// <param name="texts">Plain text, without special tokens.</param>
    /// <param name="size">Most tokens to make, the 256 bytes included.</param>
    /// <param name="occurrencesMin">A pair that occurs less often than this is not worth a token.</param>
    /// <returns>Tokens in id order and merges in rank order, both as byte strings.</returns>
    public static (List<byte[]> Tokens, List<(byte[] Left, byte[] Right)> Merges) Train(IEnumerable<string> texts, int size, int occurrencesMin = 8)
    {
        var tokens = Enumerable.Range(0, 256).Select(b => new[] { (byte)b }).ToList();
        var merges = new List<(byte[], byte[])>();
        var words = Words(texts);
        var refused = new HashSet<(int, int)>();
        while (tokens.Count < size)
        {
            var weights = new Dictionary<(int, int), (double Weight, long Count)>();
            foreach (var (pieces, count) in words)
            {
                var weight = Math.Sqrt(count);
                for (var i = 1; i < pieces.Count; i++)
                {
                    var pair = (pieces[i - 1], pieces[i]);
                    var (sum, occurrences) = weights.GetValueOrDefault(pair);
                    weights[pair] = (sum + weight, occurrences + count);
                }
            }

            var found = weights
                .Where(p => p.Value.Count >= occurrencesMin && !refused.Contains(p.Key))
                .OrderByDescending(p => WithinCharacter(tokens[p.Key.Item1])).ThenByDescending(p => p.Value.Weight).ThenBy(p => p.Key)
                .Select(p => p.Key).Cast<(int Left, int Right)?>()
                .FirstOrDefault(p => Joinable([.. tokens[p!.Value.Left], .. tokens[p.Value.Right]]) || !refused.Add(p.Value));
            if (found is not { } best)
                break;
            merges.Add((tokens[best.Left], tokens[best.Right]));
            tokens.Add([.. tokens[best.Left], .. tokens[best.Right]]);
            foreach (var (pieces, _) in words)
                Merge(pieces, best, tokens.Count - 1);
        }
        return (tokens, merges);
    }

    private static List<(List<int> Pieces, long Count)> Words(IEnumerable<string> texts)
    {
        var cut = new Regex(Pattern, RegexOptions.Compiled | RegexOptions.CultureInvariant);
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var text in texts)
            foreach (var word in cut.EnumerateMatches(text))
                counts[text.Substring(word.Index, word.Length)] = counts.GetValueOrDefault(text.Substring(word.Index, word.Length)) + 1;
        return [.. counts.OrderBy(w => w.Key, StringComparer.Ordinal)
            .Select(w => (Encoding.UTF8.GetBytes(w.Key).Select(b => (int)b).ToList(), w.Value))
            .Where(w => w.Item1.Count > 1)];
    }

    /// <summary>Either the beginning of one character, or whole characters that may share a token.</summary>
    private static bool Joinable(byte[] bytes)
    {
        if (bytes.Length > TokenBytesMax)
            return false;
        var first = CharacterBytes(bytes[0]);
        if (first == 0 || bytes.Length < first)
            return first != 0;
        string text;
        try
        {
            text = Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
        return text.EnumerateRunes().Count() == 1 || text.All(char.IsWhiteSpace) || text.TrimStart(' ').All(char.IsLetter);
    }

    /// <summary>Characters come before words: a character in pieces can hardly be copied.</summary>
    private static bool WithinCharacter(byte[] left) => left.Length < CharacterBytes(left[0]);

    private static int CharacterBytes(byte lead) => lead switch { < 0x80 => 1, < 0xc0 => 0, < 0xe0 => 2, < 0xf0 => 3, _ => 4 };

    private static void Merge(List<int> pieces, (int Left, int Right) pair, int merged)
    {
        var to = 0;
        for (var from = 0; from < pieces.Count; from++)
        {
            var joins = from + 1 < pieces.Count && pieces[from] == pair.Left && pieces[from + 1] == pair.Right;
            pieces[to++] = joins ? merged : pieces[from];
            if (joins)
                from++;
        }
        pieces.RemoveRange(to, pieces.Count - to);
    }

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
}
