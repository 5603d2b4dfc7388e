using System.Buffers;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace R1Grains.Compliance;

/// <summary>
/// Entries, ready to be looked for. It never changes: another list is another lexicon, and whoever reads a stream keeps
/// the one with which it began.
/// </summary>
public sealed class Lexicon
{
    /// <summary>Characters of the longest entry, after folding.</summary>
    public const int EntryCharactersMax = 60;

    /// <summary>UTF-16 units of an entry as it is written, with whatever stands between its characters: they bound what is held back.</summary>
    public const int EntryTextMax = 5 * EntryCharactersMax;

    /// <summary>What a match may be longer than the longest entry, by whatever is slipped in.</summary>
    public const int SlippedInMax = 16;

    /// <summary>In <see cref="Codes"/>: what is no code of the automaton, but a sign of <see cref="Folding"/>.</summary>
    internal const int Sign = 1 << 15;

    private readonly ImmutableArray<LexiconRule> _rules;

    /// <summary>By the ordinal of a word: its first entry. The entries of a word stand side by side.</summary>
    private readonly int[] _firstEntry;

    /// <summary>By entry; one longer than there are entries.</summary>
    private readonly int[] _textStart;
    private readonly string _texts;
    private readonly ushort[] _rule;

    /// <summary>Codes of halves of characters, which <see cref="Codes"/> has signs for.</summary>
    private readonly FrozenDictionary<char, int> _surrogates;

    private Lexicon(Content content, string version)
    {
        (_rules, _firstEntry, _textStart, _texts, _rule) = (content.Rules, content.FirstEntry, content.TextStart, content.Texts, content.Rule);
        (Words, Codes, _surrogates, Version, Count) = (content.Words, content.Codes, content.Surrogates, version, content.Rule.Length);
        MatchMax = content.LongestEntry + SlippedInMax;
        Pinyin = PinyinReading.Of(this);
        Leet = LeetReading.Of(this);
    }

    /// <summary>SHA-256 over the entries, in lower-case hexadecimal; the order in which they were listed does not matter.</summary>
    public string Version { get; }

    /// <summary>Entries, each once.</summary>
    public int Count { get; }

    /// <summary>
    /// The longest match, in characters of the source: nothing longer is held back. What is not seen counts from the second
    /// in a row on, so that a letter with an accent is one character.
    /// </summary>
    public int MatchMax { get; }

    /// <summary>Of its arrays, in bytes.</summary>
    public long Size => Words.Size + Pinyin.Size + Leet.Size + Codes.Length * sizeof(ushort)
        + (_firstEntry.Length + _textStart.Length) * sizeof(int) + (_texts.Length + _rule.Length) * sizeof(ushort);

    internal Automaton Words { get; }

    /// <summary>By UTF-16 unit: 0 for a character that no entry has, a code of the automaton, or a sign.</summary>
    internal ushort[] Codes { get; }

    internal PinyinReading Pinyin { get; }
    internal LeetReading Leet { get; }

    /// <summary>Digits have codes 1 to 10, Latin letters 11 to 36.</summary>
    internal const int LastDigit = 10, LastLatin = 36;

    /// <exception cref="LexiconException">An entry is empty once it is folded, too long, or there are too many.</exception>
    public static Lexicon Of(IEnumerable<LexiconEntry> entries)
    {
        LexiconEntry[] distinct = [.. entries.Distinct()];
        return new Lexicon(Content.Of(distinct), VersionOf(distinct));
    }

    /// <summary>Looks at each entry by itself, without building anything.</summary>
    /// <exception cref="LexiconException">It is empty once it is folded, or too long.</exception>
    public static void Require(IEnumerable<LexiconEntry> entries)
    {
        foreach (var entry in entries) Content.Form(entry);
    }

    /// <summary>The <see cref="Version"/> that a lexicon of these entries has.</summary>
    public static string VersionOf(IEnumerable<LexiconEntry> entries) => VersionOf([.. entries.Distinct()]);

    /// <summary>A text as a lexicon sees it, for those who write lists: folded, with one space for whatever is passed over.</summary>
    public static string NormalForm(string text) => Folding.NormalForm(text);

    /// <summary>Everything that is found in a whole text.</summary>
    /// <param name="scope">Whether it comes from a customer or from the model.</param>
    /// <param name="day">Entries that are not valid on it are not looked for.</param>
    public Inspection Inspect(string text, LexiconScope scope, string? tenant, DateOnly day)
    {
        var scan = new Scan(this, Concerned(scope, tenant, day));
        var sentences = new Sentences();
        for (var at = 0; at < text.Length;)
        {
            at += scan.Read(text.AsSpan(at, Math.Min(text.Length - at, sentences.Room(at))));
            if (scan.EndsSentence || sentences.Room(at) == 0) sentences.Look(scan, text.AsSpan(sentences.Start, at - sentences.Start), at);
        }
        scan.End();
        sentences.Look(scan, text.AsSpan(sentences.Start), text.Length);
        return new Inspection(Version, [.. scan.Hits]);
    }

    /// <summary>Of a character that is its own folded form; 0 where no entry has it.</summary>
    internal int CodeOf(char folded) => char.IsSurrogate(folded) ? _surrogates.GetValueOrDefault(folded) : Codes[folded];

    internal LexiconEntry Entry(int index) => new(Text(index).ToString(), _rules[_rule[index]]);

    internal ReadOnlySpan<char> Text(int index) => _texts.AsSpan(_textStart[index], _textStart[index + 1] - _textStart[index]);

    internal LexiconRule Rule(int index) => _rules[_rule[index]];

    internal int RuleIndex(int index) => _rule[index];

    /// <summary>The entries of a word, as a range.</summary>
    internal (int First, int End) EntriesOf(int ordinal) => (_firstEntry[ordinal], _firstEntry[ordinal + 1]);

    /// <summary>By rule: whether its entries are looked for.</summary>
    internal bool[] Concerned(LexiconScope scope, string? tenant, DateOnly day) => [.. _rules.Select(rule => rule.Concerns(scope, tenant, day))];

    private static string VersionOf(LexiconEntry[] entries)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new ArrayBufferWriter<byte>();
        var tails = entries.Select(entry => entry.Rule).Distinct().ToDictionary(rule => rule, rule => rule.Tail());
        foreach (var (text, tail) in entries.Select(entry => (entry.Text, Tail: tails[entry.Rule])).OrderBy(entry => entry.Text, StringComparer.Ordinal).ThenBy(entry => entry.Tail, StringComparer.Ordinal))
        {
            buffer.ResetWrittenCount();
            Encoding.UTF8.GetBytes(text, buffer);
            Encoding.UTF8.GetBytes(tail, buffer);
            hash.AppendData(buffer.WrittenSpan);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private sealed record Content(
        Automaton Words, ushort[] Codes, FrozenDictionary<char, int> Surrogates, int LongestEntry, ImmutableArray<LexiconRule> Rules, int[] FirstEntry, int[] TextStart, string Texts, ushort[] Rule)
    {
        public static Content Of(LexiconEntry[] entries)
        {
            var forms = Array.ConvertAll(entries, Form);
            var alphabet = Alphabet(forms, out var codes);
            var coded = Array.ConvertAll(forms, form => string.Create(form.Length, (form, alphabet), static (word, from) =>
            {
                for (var i = 0; i < word.Length; i++) word[i] = (char)from.alphabet[from.form[i]];
            }));
            int[] byWord = [.. Enumerable.Range(0, entries.Length)];
            Array.Sort(coded, byWord, StringComparer.Ordinal);
            string[] words = [.. Runs(coded)];
            var (automaton, ordinals) = Automaton.Build(words, codes);

            // Entries in the order of their words' ordinals.
            var wordOf = new int[entries.Length];
            for (int entry = 0, word = 0; entry < entries.Length; entry++)
            {
                if (!coded[entry].Equals(words[word], StringComparison.Ordinal)) word++;
                wordOf[entry] = ordinals[word];
            }
            Array.Sort(wordOf, byWord);
            var rules = entries.Select(entry => entry.Rule).Distinct().ToImmutableArray();
            if (rules.Length > ushort.MaxValue)
                throw new LexiconException($"There are {rules.Length:n0} different rules (category, level, action, scope, tenant and dates together); at most {ushort.MaxValue:n0} can be told apart.");
            var ruleIndex = rules.Select((rule, index) => (rule, index)).ToDictionary(pair => pair.rule, pair => (ushort)pair.index);
            var firstEntry = new int[words.Length + 1];
            foreach (var ordinal in wordOf) firstEntry[ordinal + 1]++;
            for (var ordinal = 0; ordinal < words.Length; ordinal++) firstEntry[ordinal + 1] += firstEntry[ordinal];
            var textStart = new int[entries.Length + 1];
            var texts = new StringBuilder();
            for (var i = 0; i < entries.Length; i++)
            {
                texts.Append(entries[byWord[i]].Text);
                textStart[i + 1] = texts.Length;
            }
            return new Content(
                automaton, Composed(alphabet), SurrogatesOf(alphabet), entries.Length == 0 ? 0 : entries.Max(entry => entry.Text.Length), rules, firstEntry, textStart, texts.ToString(),
                Array.ConvertAll(byWord, entry => ruleIndex[entries[entry].Rule]));
        }

        public static string Form(LexiconEntry entry)
        {
            if (entry.Text.Length > EntryTextMax)
                throw new LexiconException($"'{entry.Text[..EntryCharactersMax]}…' cannot be an entry: it is written in {entry.Text.Length} characters, more than {EntryTextMax}.");
            Span<EntryForm> positions = stackalloc EntryForm[EntryCharactersMax];
            var count = EntryForm.Of(entry.Text, positions);
            if (count is -1 or 0)
                throw new LexiconException($"'{entry.Text}' cannot be an entry: {(count == 0
                    ? "it has no letter, digit or Chinese character"
                    : $"it has more than {EntryCharactersMax} characters, more than {EntryForm.SymbolsMax} symbols in a row, or a character of no known kind")}.");
            Span<char> form = stackalloc char[count];
            for (var i = 0; i < count; i++) form[i] = positions[i].Folded;
            return new string(form);
        }

        /// <summary>A code for each character of the entries, the most frequent first: they share cache lines. Digits and Latin letters have theirs always.</summary>
        private static ushort[] Alphabet(string[] forms, out int codes)
        {
            var often = new int[char.MaxValue + 1];
            foreach (var form in forms)
                foreach (var character in form)
                    often[character]++;
            var alphabet = new ushort[char.MaxValue + 1];
            for (var digit = 0; digit < 10; digit++) alphabet['0' + digit] = (ushort)(digit + 1);
            for (var letter = 0; letter < 26; letter++) alphabet['a' + letter] = (ushort)(LastDigit + letter + 1);
            codes = LastLatin;
            foreach (var character in Enumerable.Range(0, often.Length).Where(character => often[character] > 0 && alphabet[character] == 0).OrderByDescending(character => often[character]))
            {
                if (codes == Automaton.CodeMax) throw new LexiconException($"The entries have more than {Automaton.CodeMax:n0} different characters: part them into lists that are not used together.");
                alphabet[character] = (ushort)++codes;
            }
            return alphabet;
        }

        private static ushort[] Composed(ushort[] alphabet) =>
            Array.ConvertAll(Folding.Of, folded => Folding.IsWord(folded) ? alphabet[folded] : folded is Folding.Unknown ? (ushort)0 : (ushort)(Sign | (folded - Folding.First)));

        private static FrozenDictionary<char, int> SurrogatesOf(ushort[] alphabet) =>
            Enumerable.Range(0xD800, 0x800).Where(half => alphabet[half] != 0).ToFrozenDictionary(half => (char)half, half => (int)alphabet[half]);

        private static IEnumerable<string> Runs(string[] sorted)
        {
            for (var i = 0; i < sorted.Length; i++)
                if (i == 0 || !sorted[i].Equals(sorted[i - 1], StringComparison.Ordinal))
                    yield return sorted[i];
        }
    }
}
