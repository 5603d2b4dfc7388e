using R1Grains.Conversations;

namespace R1Grains.Audit;

/// <summary>
/// What an auditor looks for: words that must all occur, in the question or in the answer. Words are parted by spaces; what
/// stands in quotation marks must stand together. A word in Latin letters is a whole one unless it ends with an asterisk.
/// </summary>
internal sealed class SearchedWords
{
    public static readonly SearchedWords None = new([]);

    private const int LengthMax = 200;
    private const int CountMax = 16;

    private readonly IReadOnlyList<SearchedWord> _words;

    private SearchedWords(IReadOnlyList<SearchedWord> words) => _words = words;

    /// <summary>By one term of each an index finds the turns in which they may stand.</summary>
    public IEnumerable<string> Grams => _words.SelectMany(word => Audit.Grams.Required(word.Form, word.IsPrefix)).Distinct();

    /// <exception cref="RefusedException"/>
    public static SearchedWords Parse(string query, string field)
    {
        if (query.Length > LengthMax)
            throw Refuse.Field(Reason.InvalidArgument, field, $"{field} has {query.Length} characters: send at most {LengthMax}");
        if (string.IsNullOrWhiteSpace(query))
            return None;
        // Every second part stood in quotation marks.
        var parts = query.Replace('“', '"').Replace('”', '"').Split('"');
        var words = parts.SelectMany((part, number) => number % 2 == 1 ? [part] : part.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            .Select(word => SearchedWord.Of(word, field)).OfType<SearchedWord>().DistinctBy(word => (word.Form, word.IsPrefix)).ToList();
        return words.Count switch
        {
            0 => throw Refuse.Field(Reason.InvalidArgument, field, $"{field} holds no letter, digit or character: write a word"),
            > CountMax => throw Refuse.Field(Reason.InvalidArgument, field, $"{field} has {words.Count} words: send at most {CountMax}"),
            _ => new(words),
        };
    }

    /// <summary>Where the words stand in the texts, which hold each of them at least once; null where one is missing.</summary>
    /// <returns>By text, in its order; of the source.</returns>
    public IReadOnlyList<(int Text, int Start, int End)>? Find(params IReadOnlyList<FoldedText> texts)
    {
        var all = new List<(int Text, int Start, int End)>();
        foreach (var word in _words)
        {
            var known = all.Count;
            foreach (var (number, text) in texts.Index())
                all.AddRange(word.Find(text.Form).Select(place => text.Place(place.Start, place.End)).Select(place => (number, place.Start, place.End)));
            if (all.Count == known)
                return null;
        }
        return [.. all.Order()];
    }
}

/// <param name="Form">As <see cref="FoldedText"/> makes it.</param>
/// <param name="IsPrefix">Whether other letters may follow.</param>
internal sealed record SearchedWord(string Form, bool IsPrefix)
{
    /// <summary>Null for what holds no word.</summary>
    /// <exception cref="RefusedException"/>
    public static SearchedWord? Of(string text, string field)
    {
        var (form, isPrefix) = (FoldedText.Of(text).Form, text.EndsWith('*'));
        // In other scripts whatever follows may follow anyway.
        isPrefix &= form.Length > 0 && FoldedText.IsLatin(form[^1]);
        var last = form.Length - 1;
        while (last >= 0 && FoldedText.IsLatin(form[last])) last--;
        if (isPrefix && form.Length - 1 - last < Grams.PrefixLength)
            throw Refuse.Field(Reason.InvalidArgument, field, $"{field} has an asterisk behind fewer than {Grams.PrefixLength} letters or digits: write more of the word");
        return form.Length == 0 ? null : new(form, isPrefix);
    }

    /// <summary>Where it stands in a form.</summary>
    public IEnumerable<(int Start, int End)> Find(string form)
    {
        for (var start = form.IndexOf(Form, StringComparison.Ordinal); start >= 0; start = form.IndexOf(Form, start + 1, StringComparison.Ordinal))
        {
            var end = start + Form.Length;
            while (IsPrefix && end < form.Length && FoldedText.IsLatin(form[end])) end++;
            if ((start == 0 || IsBoundary(form[start - 1], Form[0])) && (end == form.Length || IsBoundary(form[end - 1], form[end])))
                yield return (start, end);
        }
    }

    private static bool IsBoundary(char before, char after) => !(FoldedText.IsLatin(before) && FoldedText.IsLatin(after));
}
