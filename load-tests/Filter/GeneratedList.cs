using System.Text;
using R1Grains.Compliance;

namespace R1Grains.LoadTests.Filter;

/// <summary>
/// A list as long as a real one, of words that mean nothing: nine of ten Chinese, of 2 to 10 characters with common ones
/// more often, the rest invented Latin words, one or two together. Two Chinese characters alone have a rare one among
/// them, as two common ones are a word by accident too often. The same seed gives the same list.
/// </summary>
internal static class GeneratedList
{
    private static readonly string[] Onsets = ["b", "br", "c", "ch", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "kl", "l", "m", "n", "p", "pl", "qu", "r", "s", "sk", "st", "t", "tr", "v", "w", "z"];
    private static readonly string[] Rimes = ["a", "ab", "ack", "ado", "e", "eb", "ell", "ent", "i", "ib", "ilm", "ist", "o", "ob", "onk", "ope", "u", "ub", "ulk", "ume"];
    /// <summary>Of Chinese entries: most words of a list have three or four characters.</summary>
    private static readonly int[] Lengths = [2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 5, 5, 6, 6, 8, 10];

    /// <summary>Pairs of characters of which the longer entries are made, as real ones are of words; and Latin words.</summary>
    private const int Roots = 8_000;

    private static readonly LexiconAction[] Actions = [LexiconAction.Mask, LexiconAction.Review, LexiconAction.Replace, LexiconAction.Block];

    /// <summary>GB 2312 has its 3,755 common characters in rows 16 to 55, and the rare ones behind them.</summary>
    public static readonly string Common = Rows(0xB0, 0xD7), Rare = Rows(0xD8, 0xF7);

    public static List<LexiconEntry> Of(int count, int seed)
    {
        var random = new Random(seed);
        LexiconRule[] rules = [.. Actions.SelectMany(action => Enumerable.Range(1, 5).Select(level => new LexiconRule($"generated-{action}-{level}".ToLowerInvariant(), level, action)))];
        string[] roots = [.. Enumerable.Range(0, Roots).Select(_ => $"{Character(random)}{Character(random)}")];
        string[] words = [.. Enumerable.Range(0, Roots).Select(_ => LatinWord(random))];
        HashSet<string> texts = new(count);
        while (texts.Count < count) texts.Add(random.Next(10) == 0 ? Latin(random, words) : Chinese(random, roots));
        return [.. texts.Select(text => new LexiconEntry(text, rules[random.Next(rules.Length)]))];
    }

    /// <summary>A character of running text: the n-th is as frequent as Zipf's law has it, or nearly.</summary>
    public static char Character(Random random) => Common[(int)(Common.Length * Math.Pow(random.NextDouble(), 2.5)) * 1009 % Common.Length];

    private static string Chinese(Random random, string[] roots)
    {
        var length = Lengths[random.Next(Lengths.Length)];
        if (length == 2) return $"{Character(random)}{Rare[random.Next(Rare.Length)]}";
        var text = new StringBuilder(length + 1);
        while (text.Length + 1 < length) text.Append(roots[random.Next(roots.Length)]);
        if (text.Length < length) text.Append(Character(random));
        return text.ToString();
    }

    private static string Latin(Random random, string[] words) => string.Join(' ', Enumerable.Range(0, random.Next(1, 3)).Select(_ => words[random.Next(words.Length)]));

    private static string LatinWord(Random random) =>
        string.Concat(Enumerable.Range(0, 3).Select(_ => Onsets[random.Next(Onsets.Length)] + Rimes[random.Next(Rimes.Length)]));

    private static string Rows(byte first, byte last)
    {
        var encoding = CodePagesEncodingProvider.Instance.GetEncoding("gb2312")!;
        var characters = new StringBuilder();
        for (int row = first; row <= last; row++)
            for (var cell = 0xA1; cell <= 0xFE; cell++)
                if (encoding.GetString([(byte)row, (byte)cell]) is [>= '\u4e00' and <= '\u9fff'] character)
                    characters.Append(character);
        return characters.ToString();
    }
}
