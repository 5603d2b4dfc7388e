using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace R1Grains.Engine.Models;

/// <summary>
/// Unicode normalisation form C with its own data. The platform's <c>string.Normalize</c> leaves text unchanged when
/// globalisation is invariant and follows the installed ICU when it is not; token ids must depend on neither.
/// </summary>
public static class CanonicalForm
{
    private const int HangulS = 0xAC00, HangulL = 0x1100, HangulV = 0x1161, HangulT = 0x11A7;
    private const int CountV = 21, CountT = 28, CountS = 19 * CountV * CountT;

    private static readonly FrozenDictionary<int, int[]> Decompositions;
    private static readonly FrozenDictionary<(int First, int Second), int> Compositions;
    private static readonly FrozenDictionary<int, byte> Classes;

    // Code points that may change in form C: all others pass through.
    private static readonly FrozenSet<int> Affected;

    static CanonicalForm()
    {
        var decompositions = new Dictionary<int, int[]>();
        var compositions = new Dictionary<(int, int), int>();
        var classes = new Dictionary<int, byte>();
        var affected = new HashSet<int>(Enumerable.Range(HangulV, CountV).Concat(Enumerable.Range(HangulT + 1, CountT - 1)));
        using var data = new StreamReader(typeof(CanonicalForm).Assembly.GetManifestResourceStream("R1Grains.Engine.Models.canonical.txt")!);
        while (data.ReadLine() is { } line)
        {
            if (line.StartsWith('#')) continue;
            var sign = line.AsSpan().IndexOfAny("=>-");
            var first = Hex(line[..sign]);
            if (line[sign] == '-')
            {
                var colon = line.IndexOf(':');
                for (var c = first; c <= Hex(line[(sign + 1)..colon]); c++)
                {
                    classes[c] = byte.Parse(line[(colon + 1)..], CultureInfo.InvariantCulture);
                    affected.Add(c);
                }
                continue;
            }
            var parts = Array.ConvertAll(line[(sign + 1)..].Split(' '), Hex);
            decompositions[first] = parts;
            if (line[sign] == '>') affected.Add(first);
            else
            {
                compositions[(parts[0], parts[1])] = first;
                affected.Add(parts[1]);
            }
        }
        (Decompositions, Compositions, Classes) = (decompositions.ToFrozenDictionary(), compositions.ToFrozenDictionary(), classes.ToFrozenDictionary());
        Affected = affected.ToFrozenSet();
    }

    /// <summary>Well-formed UTF-16 to form C.</summary>
    public static string Compose(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange('\0', '\u02ff') || !text.EnumerateRunes().Any(rune => Affected.Contains(rune.Value))) return text;
        var points = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes()) Decompose(rune.Value, points);
        Order(points);
        return Join(points);
    }

    private static void Decompose(int point, List<int> points)
    {
        if (point - HangulS is >= 0 and < CountS and var s)
        {
            points.Add(HangulL + s / (CountV * CountT));
            points.Add(HangulV + s % (CountV * CountT) / CountT);
            if (s % CountT > 0) points.Add(HangulT + s % CountT);
        }
        else if (Decompositions.TryGetValue(point, out var parts))
            foreach (var part in parts) Decompose(part, points);
        else
            points.Add(point);
    }

    /// <summary>Sorts each run of combining characters by class, keeping the order of equals.</summary>
    private static void Order(List<int> points)
    {
        for (var start = 0; start < points.Count; start++)
        {
            var end = start;
            while (end < points.Count && Class(points[end]) > 0) end++;
            if (end - start > 1)
            {
                var run = points.GetRange(start, end - start).OrderBy(Class).ToList();
                for (var i = 0; i < run.Count; i++) points[start + i] = run[i];
            }
            start = end;
        }
    }

    private static string Join(List<int> points)
    {
        var result = new List<int>(points.Count);
        var starter = -1; // Where in the result a following character may still compose.
        var lastClass = 0;
        foreach (var point in points)
        {
            var itsClass = Class(point);
            var blocked = starter < 0 || (result.Count - 1 > starter && (lastClass == 0 || lastClass >= itsClass));
            if (!blocked && TryPair(result[starter], point, out var composed))
            {
                result[starter] = composed;
                continue;
            }
            if (itsClass == 0) starter = result.Count;
            lastClass = itsClass;
            result.Add(point);
        }
        var text = new StringBuilder(result.Count);
        foreach (var point in result) text.Append(new Rune(point).ToString());
        return text.ToString();
    }

    private static bool TryPair(int first, int second, out int composed)
    {
        if (first - HangulL is >= 0 and < 19 and var l && second - HangulV is >= 0 and < CountV and var v)
            composed = HangulS + (l * CountV + v) * CountT;
        else if (first - HangulS is >= 0 and < CountS and var s && s % CountT == 0 && second - HangulT is > 0 and < CountT and var t)
            composed = first + t;
        else
            return Compositions.TryGetValue((first, second), out composed);
        return true;
    }

    private static int Class(int point) => Classes.TryGetValue(point, out var value) ? value : 0;

    private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
