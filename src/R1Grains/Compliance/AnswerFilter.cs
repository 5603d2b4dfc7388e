using System.Runtime.InteropServices;

namespace R1Grains.Compliance;

/// <summary>
/// Lets through of an answer that is still being written what neither the lexicon nor the recognisers of personal data
/// nor the watch for the canary have to say anything about any more, with what is to be covered covered. All read the
/// same text: behind another, one would not find what that has covered.
/// </summary>
/// <remarks>
/// Unit by unit, so that where the text is stopped all have read the same of it, however it was cut. What the
/// recognisers held back by then is not shown: it may be half of a number. For one text and one thread.
/// </remarks>
/// <param name="canary">Null where the model was shown none.</param>
internal sealed class AnswerFilter(StreamFilter words, ShownText shown, Canary? canary = null)
{
    private readonly CanaryWatch? _canary = canary?.Watch();
    private readonly PersonalDataScanner _personal = new();
    private readonly List<PersonalDataSpan> _items = [];

    // From the unit on that is let through next: the text with personal data covered, and what the lexicon let through of it.
    private readonly List<char> _text = [];
    private readonly List<char> _words = [];
    private int _released;

    /// <inheritdoc cref="StreamFilter.Stopped"/>
    public LexiconAction? Stopped => _canary is { Found: true } ? LexiconAction.Replace : words.Stopped;

    /// <summary>Found so far: of the lexicon's in the order in which it was decided, then the canary; nothing after a hit that ended the text.</summary>
    public IReadOnlyList<Hit> Hits => _canary is { Found: true } found ? [.. words.Hits, canary!.Hit(found)] : words.Hits;

    /// <summary>What was covered as personal data, maybe beyond what is let through.</summary>
    public IReadOnlyList<PersonalDataSpan> Items => _items;

    /// <summary>Units held back.</summary>
    public int HeldBack => _text.Count;

    /// <returns>What goes through now.</returns>
    public string Append(ReadOnlySpan<char> text)
    {
        for (var i = 0; i < text.Length && Stopped is null; i++)
        {
            var unit = text.Slice(i, 1);
            _text.Add(unit[0]);
            _words.AddRange(words.Append(unit));
            _personal.Append(unit);
            _canary?.Append(unit[0]);
            Cover();
        }
        return Release();
    }

    /// <summary>Nothing follows.</summary>
    /// <returns>The rest that goes through.</returns>
    public string End()
    {
        if (Stopped is not null) return "";
        _words.AddRange(words.End());
        _personal.End();
        _canary?.Finish();
        Cover();
        return Release();
    }

    private void Cover()
    {
        foreach (var item in _personal.TakeFound())
        {
            var units = CollectionsMarshal.AsSpan(_text).Slice(item.Start - _released, item.Length);
            if (shown.Holds(item.Kind, units)) continue;
            _items.Add(item);
            PersonalData.Mask(units, item.Kind);
        }
    }

    private string Release()
    {
        var count = Math.Min(_words.Count, Math.Min(_personal.Decided, _canary?.Safe ?? int.MaxValue) - _released);
        if (count == 0) return "";
        var text = CollectionsMarshal.AsSpan(_text)[..count];
        for (var i = 0; i < count; i++)
            if (_words[i] == StreamFilter.Cover) text[i] = StreamFilter.Cover;
        var released = text.ToString();
        _text.RemoveRange(0, count);
        _words.RemoveRange(0, count);
        _released += count;
        return released;
    }
}
