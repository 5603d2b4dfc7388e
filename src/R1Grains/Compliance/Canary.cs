using System.Security.Cryptography;
using System.Text;
using R1Grains.Ledger;

namespace R1Grains.Compliance;

/// <summary>
/// A word without meaning that stands in the policy prompt and nowhere else, so that an answer with it repeats the prompt.
/// It follows from tenant and policy: every process has the same one, prompts keep their prefix, and the record, which
/// names both, tells it ever after. Who could work it out knows the policy, and has nothing left to ask for.
/// </summary>
internal sealed class Canary
{
    /// <summary>Of the hit in the record.</summary>
    public const string Category = "policy_disclosure";

    public const int Length = 12;

    /// <summary>No vowels, so that it is no word of any language.</summary>
    private const string Letters = "bcdfghjklmnpqrstvwxz";

    private Canary(string word)
    {
        Word = word;
        Entry = new(word, new(Category, 9, LexiconAction.Replace, LexiconScope.Output));
    }

    public string Word { get; }

    /// <summary>As which the record names it.</summary>
    private LexiconEntry Entry { get; }

    /// <param name="policy">Hash of the policy as it was written.</param>
    public static Canary Of(string tenant, Digest policy)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"canary\n{tenant}\n{policy}"));
        var word = new StringBuilder(Length);
        foreach (var value in hash.AsSpan(0, Length))
        {
            var letter = value % Letters.Length;
            // None twice in a row, because repeats are passed over.
            if (word.Length > 0 && word[^1] == Letters[letter]) letter = (letter + 1) % Letters.Length;
            word.Append(Letters[letter]);
        }
        return new(word.ToString());
    }

    /// <summary>The policy as the model gets it. The word comes first: who repeats the prompt repeats it before anything else.</summary>
    public string Mark(string policy) => $"{Word}\n{policy}";

    public CanaryWatch Watch() => new(Word);

    /// <summary>In a whole text: the first place where it stands, if it does.</summary>
    public IEnumerable<Hit> Find(string text)
    {
        var watch = Watch();
        foreach (var unit in text) watch.Append(unit);
        if (watch.Found) yield return Hit(watch);
    }

    public Hit Hit(CanaryWatch found) => new(found.Safe, found.End, Entry, Disguise.None, found.Safe);
}
