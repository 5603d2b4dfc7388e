using System.Buffers;

namespace R1Grains.Compliance;

/// <summary>
/// Latin entries for text in which digits and signs stand for letters (gu4r4nteed r3turns). Codes and amounts mix letters
/// and digits for other reasons, so a finding is confirmed: it is whole words, and half of it at least is letters.
/// </summary>
internal sealed class LeetReading
{
    private const int LettersMin = 4;

    /// <summary>A sign, and the letter it stands for.</summary>
    private const string Stands = "0o1i3e4a5s7t8b9g@a$s!i|i+t";

    /// <summary>By ASCII character: 1 to 26, where l is i because 1 is both; 0 for none.</summary>
    private static readonly byte[] Codes = MakeCodes();

    /// <summary>What may stand for a letter without being one.</summary>
    private static readonly SearchValues<char> Signs = SearchValues.Create("01345789@$!|+€");

    private readonly Reading _reading;

    private LeetReading(Reading reading) => _reading = reading;

    public long Size => _reading.Size;

    public Automaton Spellings => _reading.Spellings;

    public static LeetReading Of(Lexicon lexicon)
    {
        List<(string, int)> spelled = [];
        Span<EntryForm> forms = stackalloc EntryForm[Lexicon.EntryCharactersMax];
        for (var entry = 0; entry < lexicon.Count; entry++)
        {
            var text = lexicon.Text(entry);
            if (text.Length < LettersMin || lexicon.Rule(entry).Action is LexiconAction.Allow) continue;
            var spelling = Spelling(forms[..EntryForm.Of(text, forms)]);
            if (spelling is not null) spelled.Add((spelling, entry));
        }
        return new LeetReading(Reading.Of(spelled, 'z' - 'a' + 1));
    }

    public static bool MayHold(ReadOnlySpan<char> sentence) => sentence.ContainsAny(Signs) && (sentence.ContainsAnyInRange('A', 'z') || sentence.ContainsAnyInRange('Ａ', 'ｚ'));

    public void Find(ReadOnlySpan<char> sentence, List<Finding> findings)
    {
        for (var start = 0; start < sentence.Length; start++)
        {
            if (Code(sentence[start]) == 0 || (start > 0 && IsWord(sentence[start - 1]))) continue;
            var (slot, letters, signs, previous) = (0, 0, 0, 0);
            for (var at = start; at < sentence.Length; at++)
            {
                var code = Code(sentence[at]);
                if (code == 0)
                {
                    // Words part where the entry's do: there its spelling goes on.
                    if (sentence[at] is ' ' or '-' or '_') continue;
                    break;
                }
                if (code != previous) slot = _reading.Spellings.Child(slot, code);
                if (slot < 0) break;
                previous = code;
                if (IsLetter(sentence[at])) letters++;
                else signs++;
                if (signs > 0 && letters >= signs && (at + 1 == sentence.Length || !IsWord(sentence[at + 1])))
                    foreach (var entry in _reading.EntriesAt(slot))
                        findings.Add(new Finding(start, at + 1, entry));
            }
        }
    }

    private static string? Spelling(ReadOnlySpan<EntryForm> forms)
    {
        Span<char> spelling = stackalloc char[Lexicon.EntryCharactersMax];
        var (count, letters) = (0, 0);
        foreach (var form in forms)
        {
            if (!char.IsAsciiLetterLower(form.Folded)) return null;
            var code = (char)Code(form.Folded);
            letters += form.Run;
            if (count == 0 || spelling[count - 1] != code) spelling[count++] = code;
        }
        return letters < LettersMin ? null : new string(spelling[..count]);
    }

    private static int Code(char unit)
    {
        if (unit is '€') return 'e' - 'a' + 1;
        var folded = char.IsAscii(unit) ? unit : Folding.Of[unit];
        return char.IsAscii(folded) ? Codes[folded] : 0;
    }

    private static bool IsLetter(char unit) => char.IsAsciiLetter(unit) || char.IsAsciiLetterLower(Folding.Of[unit]);

    private static bool IsWord(char unit) => Folding.IsLatin(Folding.Of[unit]);

    private static byte[] MakeCodes()
    {
        var codes = new byte[128];
        for (var letter = 'a'; letter <= 'z'; letter++) codes[letter] = codes[char.ToUpperInvariant(letter)] = Index(letter);
        for (var i = 0; i < Stands.Length; i += 2) codes[Stands[i]] = Index(Stands[i + 1]);
        return codes;

        static byte Index(char letter) => (byte)((letter is 'l' ? 'i' : letter) - 'a' + 1);
    }
}
