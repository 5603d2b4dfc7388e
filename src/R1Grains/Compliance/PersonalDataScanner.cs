using System.Collections.Immutable;

namespace R1Grains.Compliance;

/// <summary>
/// Reads a text that comes in pieces. A place is decided once no text that follows can change what begins there, so
/// what is found is a function of the whole text, and never of how it was cut.
/// </summary>
internal sealed class PersonalDataScanner
{
    /// <summary>Pieces of a long text are best no longer, so that folded text stays in the cache.</summary>
    public const int StepMax = 16_384;

    /// <summary>As many characters without width may stand within an item, one after the other.</summary>
    private const int IgnorablesMax = 3;

    private readonly ImmutableArray<PersonalDataSpan>.Builder _found = ImmutableArray.CreateBuilder<PersonalDataSpan>();
    private char[] _folded = new char[256];

    /// <summary>Where each folded character stands in the source.</summary>
    private int[] _origins = new int[256];

    private int _count;

    /// <summary>The first folded character that is not decided.</summary>
    private int _next;

    private int _ignorables;

    /// <summary>Characters of the source so far.</summary>
    public int Received { get; private set; }

    /// <summary>Characters of the source, from its beginning, that belong to no item other than those found.</summary>
    public int Decided => _next < _count ? _origins[_next] : Received;

    public void Append(ReadOnlySpan<char> text)
    {
        MakeRoom(text.Length);
        foreach (var c in text)
        {
            var folded = PersonalDataText.Fold(c);
            if (folded != PersonalDataText.Ignorable) _ignorables = 0;
            else if (++_ignorables <= IgnorablesMax)
            {
                Received++;
                continue;
            }
            else folded = '\0';
            _folded[_count] = folded;
            _origins[_count++] = Received++;
        }
        Read(ended: false);
    }

    /// <summary>Nothing follows.</summary>
    public void End() => Read(ended: true);

    /// <summary>What was found since it was asked last.</summary>
    public ImmutableArray<PersonalDataSpan> TakeFound() => _found.DrainToImmutable();

    private void Read(bool ended)
    {
        var text = new PersonalDataText(_folded.AsSpan(0, _count), ended);
        while (_next < _count)
        {
            var skipped = _folded.AsSpan(_next, _count - _next).IndexOfAnyInRange('\x10', PersonalDataText.LastStart);
            _next = skipped < 0 ? _count : _next + skipped;
            if (_next == _count) return;
            var length = PersonalDataReading.At(text, _next, out var kind);
            if (length == PersonalDataReading.Undecided) return;
            if (length > 0)
            {
                var start = _origins[_next];
                _found.Add(new PersonalDataSpan(kind, start, _origins[_next + length - 1] + 1 - start));
            }
            _next += Math.Max(1, length);
        }
    }

    /// <summary>Lets go of what no recogniser looks back at.</summary>
    private void MakeRoom(int more)
    {
        if (_count + more <= _folded.Length) return;
        var old = Math.Max(0, _next - PersonalDataText.History);
        Array.Copy(_folded, old, _folded, 0, _count - old);
        Array.Copy(_origins, old, _origins, 0, _count - old);
        (_count, _next) = (_count - old, _next - old);
        if (_count + more <= _folded.Length) return;
        Array.Resize(ref _folded, Math.Max(_folded.Length * 2, _count + more));
        Array.Resize(ref _origins, _folded.Length);
    }
}
