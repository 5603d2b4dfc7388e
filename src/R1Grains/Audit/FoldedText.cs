using System.Text;
using R1Grains.Compliance;

namespace R1Grains.Audit;

/// <summary>
/// A text as it is searched: width, case, accents and traditional forms do not matter, nor what stands between words, which
/// is one space.
/// </summary>
internal sealed class FoldedText
{
    private readonly List<(int Start, int End)> _places = [];

    private FoldedText(string source)
    {
        var form = new StringBuilder(source.Length);
        foreach (var unit in new FoldedUnits(source))
        {
            var isWord = Folding.IsWord(unit.Folded);
            if (unit.Folded is Folding.Dropped || !isWord && (form.Length == 0 || form[^1] == ' '))
                continue;
            form.Append(isWord ? unit.Folded : ' ');
            _places.Add((unit.Start, unit.End));
        }
        if (form.Length > 0 && form[^1] == ' ')
            form.Length--;
        (Source, Form) = (source, form.ToString());
    }

    public string Source { get; }

    /// <summary>Words and spaces.</summary>
    public string Form { get; }

    public static FoldedText Of(string source) => new(source);

    /// <summary>Where a part of the form stands in the source.</summary>
    public (int Start, int End) Place(int start, int end) => (_places[start].Start, _places[end - 1].End);

    /// <summary>Letters and digits of ASCII make words, which have boundaries; characters of other scripts do not.</summary>
    public static bool IsLatin(char folded) => Folding.IsLatin(folded);
}
