using System.Runtime.InteropServices;

namespace R1Grains.Compliance;

/// <summary>
/// Lets through of a text that is still being written exactly what can no longer become part of a match, with what is to
/// be masked covered. What comes out is a function of the text, never of the pieces in which it came.
/// </summary>
/// <remarks>
/// Pinyin and leet show at the end of a sentence only, when its beginning may have gone: their hits cover, or stop, what
/// is left. For one text and one thread.
/// </remarks>
public sealed class StreamFilter
{
    /// <summary>Covers one UTF-16 unit, so that places in the covered text are places in the text.</summary>
    public const char Cover = '*';

    private readonly Scan _scan;
    private readonly Sentences _sentences = new();

    /// <summary>Places to cover, by start; none ends before <see cref="_released"/>.</summary>
    private readonly List<(int Start, int End)> _covered = [];

    /// <summary>What came and may be needed still; its first unit is unit <see cref="_origin"/> of the text.</summary>
    private char[] _text = new char[1024];
    private int _origin, _length;

    private char[] _out = new char[256];

    /// <summary>Units let through.</summary>
    private int _released;

    /// <summary>Nothing goes through from here on.</summary>
    private int _limit = int.MaxValue;

    private int _judged;

    /// <param name="tenant">Whose entries count, beside those of everybody.</param>
    /// <param name="day">Entries that are not valid on it are not looked for.</param>
    public StreamFilter(Lexicon lexicon, LexiconScope scope, string? tenant, DateOnly day)
    {
        _scan = new Scan(lexicon, lexicon.Concerned(scope, tenant, day));
    }

    /// <summary>The lexicon's version.</summary>
    public string Lexicon => _scan.Lexicon.Version;

    /// <summary>What stops the text: null while it goes on, <see cref="LexiconAction.Review"/> while it is gathered for a person, else the action that ended it.</summary>
    public LexiconAction? Stopped { get; private set; }

    /// <summary>Found so far, in the order in which it was decided; nothing after a hit that ended the text.</summary>
    public IReadOnlyList<Hit> Hits => CollectionsMarshal.AsSpan(_scan.Hits)[.._judged].ToArray();

    /// <summary>Units held back.</summary>
    public int HeldBack => _origin + _length - _released;

    /// <summary>What was held back, as it came: after the end, what a person has to decide about.</summary>
    public string Held => new(Slice(_released, _origin + _length));

    /// <returns>What goes through now; valid until the next call.</returns>
    public ReadOnlySpan<char> Append(ReadOnlySpan<char> text)
    {
        if (HasEnded) return [];
        Keep(text);
        for (var at = _origin + _length - text.Length; at < _origin + _length && !HasEnded;)
        {
            at += _scan.Read(Slice(at, Math.Min(_origin + _length, at + _sentences.Room(at))));
            Judge();
            if (!_scan.EndsSentence && _sentences.Room(at) > 0) continue;
            _sentences.Look(_scan, Slice(_sentences.Start, at), at);
            Judge();
        }
        return Release(_scan.Safe);
    }

    /// <summary>Nothing follows.</summary>
    /// <returns>The rest that goes through.</returns>
    public ReadOnlySpan<char> End()
    {
        if (HasEnded) return [];
        _scan.End();
        Judge();
        if (!HasEnded) _sentences.Look(_scan, Slice(_sentences.Start, _origin + _length), _origin + _length);
        Judge();
        return Release(_origin + _length);
    }

    private bool HasEnded => Stopped is LexiconAction.Replace or LexiconAction.Block;

    private ReadOnlySpan<char> Slice(int from, int to) => _text.AsSpan(from - _origin, to - from);

    private void Judge()
    {
        for (; _judged < _scan.Hits.Count && !HasEnded; _judged++)
        {
            var hit = _scan.Hits[_judged];
            var action = hit.Entry.Rule.Action;
            if (action is LexiconAction.Mask)
                Mask(Math.Max(hit.Start, hit.Released), hit.End);
            else
            {
                _limit = Math.Min(_limit, hit.Released);
                if (Stopped is null || action > Stopped) Stopped = action;
            }
        }
    }

    private void Mask(int start, int end)
    {
        if (end <= start) return;
        var place = _covered.Count;
        while (place > 0 && _covered[place - 1].Start > start) place--;
        _covered.Insert(place, (start, end));
    }

    private ReadOnlySpan<char> Release(int safe)
    {
        var (from, to) = (_released, Math.Max(_released, Math.Min(safe, _limit)));
        if (_out.Length < to - from) _out = new char[Math.Max(to - from, 2 * _out.Length)];
        var released = _out.AsSpan(0, to - from);
        Slice(from, to).CopyTo(released);
        foreach (var (start, end) in _covered)
            if (start < to && end > from)
                released[Math.Max(0, start - from)..Math.Min(to - from, end - from)].Fill(Cover);
        _released = to;
        if (_covered.Count > 0) Uncover(to);
        return released;
    }

    /// <summary>Apart from <see cref="Release"/>, which would make a closure of its locals each time.</summary>
    private void Uncover(int to) => _covered.RemoveAll(place => place.End <= to);

    private void Keep(ReadOnlySpan<char> text)
    {
        if (_length + text.Length > _text.Length) Forget(Math.Min(_released, _sentences.Start));
        if (_length + text.Length > _text.Length) Array.Resize(ref _text, Math.Max(_length + text.Length, 2 * _text.Length));
        text.CopyTo(_text.AsSpan(_length));
        _length += text.Length;
    }

    private void Forget(int before)
    {
        Array.Copy(_text, before - _origin, _text, 0, _origin + _length - before);
        (_length, _origin) = (_origin + _length - before, before);
    }
}
