using System.Text;

namespace R1Grains.Tuning.Corpora;

/// <summary>
/// A sentence with slots: <c>{p}</c> product, <c>{a}</c> attribute (<c>{A}</c> capitalised), <c>{v}</c> value,
/// <c>{w}</c> question word (<c>{W}</c> capitalised).
/// </summary>
internal sealed class Frame
{
    private readonly string _lead, _core, _tail;

    public Frame(string text, Split split)
    {
        Text = text;
        Split = split;
        var (from, to) = (text.IndexOf('{'), text.LastIndexOf('}') + 1);
        (_lead, _core, _tail) = (text[..from], text[from..to], text[to..]);
    }

    public string Text { get; }

    public Split Split { get; }

    /// <summary>The sentence, and the part of it from the first slot to the last: what reasoning quotes.</summary>
    public (string Sentence, string Core) Fill(string product, string attribute, string value)
    {
        var text = Slots(product, attribute, value, "");
        var from = text[_lead.Length] == ' ' ? _lead.Length + 1 : _lead.Length; // "A " became "An "
        return (text, text[from..^_tail.Length]);
    }

    public string Ask(string product, string attribute, string word) => Slots(product, attribute, "", word);

    public static Frame[] Of(Split split, params string[] texts) => [.. texts.Select(t => new Frame(t, split))];

    public static string Capital(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];

    private string Slots(string product, string attribute, string value, string word)
    {
        var text = new StringBuilder(_lead, Text.Length + product.Length + attribute.Length + value.Length + word.Length);
        for (var i = 0; i < _core.Length; i++)
        {
            if (_core[i] != '{')
            {
                text.Append(_core[i]);
                continue;
            }

            var slot = _core[i + 1] switch
            {
                'p' => product,
                'a' => attribute,
                'A' => Capital(attribute),
                'v' => value,
                'w' => word,
                'W' => Capital(word),
                var unknown => throw new InvalidOperationException($"Frame '{Text}' has the unknown slot '{unknown}'."),
            };
            if (EndsWithArticle(text) && "aeioAEIO".Contains(slot[0])) text.Insert(text.Length - 1, 'n');
            text.Append(slot);
            i += 2;
        }

        return text.Append(_tail).ToString();
    }

    /// <summary>English "a " before a slot, which becomes "an " before a vowel.</summary>
    private static bool EndsWithArticle(StringBuilder text) =>
        text.Length >= 2 && text[^1] == ' ' && text[^2] is 'a' or 'A' && (text.Length == 2 || text[^3] == ' ');
}
