namespace R1Grains.Compliance;

/// <summary>
/// Looks for a canary in an answer that is still being written: in any case and width, with look-alikes, forwards and
/// backwards, its letters repeated or apart. For one text and one thread.
/// </summary>
internal sealed class CanaryWatch
{
    /// <summary>Between two of its letters; so what is held back has a bound.</summary>
    private const int GapMax = 8;

    private readonly (string Word, int[] Failure)[] _words;
    private readonly int[] _matched;

    /// <summary>Where the last letters stand, by their number.</summary>
    private readonly int[] _places = new int[Canary.Length];
    private int _letters;

    private char _last;
    private char _lead;
    private int _gap;
    private int _received;

    public CanaryWatch(string word)
    {
        string[] words = [word, string.Concat(word.Reverse())];
        _words = [.. words.Select(each => (each, Failure(each)))];
        _matched = new int[words.Length];
    }

    public bool Found { get; private set; }

    /// <summary>No unit before this one can be part of it; where it was found, where it begins.</summary>
    public int Safe { get; private set; }

    /// <summary>The unit after its last, where it was found.</summary>
    public int End => _received;

    /// <summary>Nothing that comes after it was found is looked at.</summary>
    public void Append(char unit)
    {
        if (Found) return;
        var (folded, start) = (Folding.Of[unit], _received++);
        if (_lead != 0 && char.IsLowSurrogate(unit)) (folded, start) = (Folding.OfSupplementary(_lead, unit) ?? unit, start - 1);
        _lead = folded is Folding.Lead ? unit : '\0';
        // The second half of a character decides about it.
        if (_lead != 0) return;
        if (!Folding.IsWord(folded) || folded == _last) Pass();
        else Read(folded, start);
        var longest = Math.Max(_matched[0], _matched[1]);
        Safe = longest == 0 ? _received : _places[(_letters - longest) % Canary.Length];
    }

    /// <summary>Nothing follows.</summary>
    public void Finish()
    {
        if (!Found) Safe = _received;
    }

    private void Pass()
    {
        if (++_gap <= GapMax) return;
        Array.Clear(_matched);
        _last = '\0';
    }

    private void Read(char letter, int start)
    {
        _places[_letters++ % Canary.Length] = start;
        (_last, _gap) = (letter, 0);
        for (var i = 0; i < _words.Length; i++)
        {
            var (word, failure) = _words[i];
            while (_matched[i] > 0 && word[_matched[i]] != letter) _matched[i] = failure[_matched[i] - 1];
            if (word[_matched[i]] == letter) _matched[i]++;
            if (_matched[i] == word.Length) Found = true;
        }
    }

    /// <summary>By matched length less one: the longest beginning of the word that is also its end there (Knuth, Morris and Pratt).</summary>
    private static int[] Failure(string word)
    {
        var failure = new int[word.Length];
        for (var i = 1; i < word.Length; i++)
        {
            var length = failure[i - 1];
            while (length > 0 && word[i] != word[length]) length = failure[length - 1];
            failure[i] = word[i] == word[length] ? length + 1 : 0;
        }
        return failure;
    }
}
