using System.Text;

namespace R1Grains.LoadTests.Cluster;

/// <summary>What the paced model says to every customer: a text that only these words bring, a character a token.</summary>
internal static class PacedAnswers
{
    public const string Reasoning = "hm";

    private const int WordsPerClause = 3;
    private static readonly string[] Words =
        ["card", "fee", "loan", "rate", "branch", "limit", "saving", "pin", "transfer", "due", "fund", "deposit", "statement", "phone", "agent", "form"];

    /// <param name="length">At least so many characters, all ASCII.</param>
    public static string To(string words, int length)
    {
        var answer = new StringBuilder("Yes, ").Append(words).Append(':');
        // FNV-1a: the same in every process.
        var state = 14695981039346656037ul;
        foreach (var c in words) state = (state ^ c) * 1099511628211;
        for (var word = 0; answer.Length < length; word++)
        {
            state = state * 6364136223846793005 + 1442695040888963407;
            if (word % WordsPerClause == 0 && word > 0) answer.Append(',');
            answer.Append(' ').Append(Words[state >> 60]).Append(state >> 33 & 0xFF);
        }
        return answer.Append('.').ToString();
    }
}
