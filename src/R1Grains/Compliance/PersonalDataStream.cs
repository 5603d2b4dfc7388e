using System.Collections.Immutable;
using System.Text;

namespace R1Grains.Compliance;

/// <param name="Text">As it was written.</param>
/// <param name="Spans">The items within it, by their places in the whole stream; none goes beyond it.</param>
/// <param name="Start">Where in the stream it begins.</param>
public readonly record struct PersonalDataRelease(string Text, ImmutableArray<PersonalDataSpan> Spans, int Start)
{
    /// <summary>What may be shown to readers who may see none of the kinds.</summary>
    public string Masked => PersonalData.Mask(Text, Spans, Start);

    /// <summary>What may be shown to readers who may see some.</summary>
    public string MaskedExcept(Predicate<PersonalDataKind> mayBeSeen) => PersonalData.Mask(Text, Spans.RemoveAll(span => mayBeSeen(span.Kind)), Start);
}

/// <summary>
/// Personal data in a text that comes in pieces. Text is held back exactly as long as what follows could make it part
/// of an item, and at most <see cref="HeldMax"/> characters of it, those without width aside; what is found does not
/// depend on how the text was cut.
/// </summary>
public sealed class PersonalDataStream
{
    /// <summary>A number of 19 digits with gaps; a mailbox of 64 characters that may begin within it, its sign, a domain of 253, and the one that ends it.</summary>
    public const int HeldMax = 73 + 64 + 1 + 253 + 1;

    private readonly PersonalDataScanner _scanner = new();
    private readonly StringBuilder _held = new();

    /// <summary>Characters that have been released.</summary>
    public int Released { get; private set; }

    /// <summary>Characters that wait.</summary>
    public int Held => _held.Length;

    public PersonalDataRelease Append(string text)
    {
        _scanner.Append(text);
        // Most pieces pass as they are.
        if (_held.Length == 0 && _scanner.Decided == _scanner.Received) return Release(text);
        _held.Append(text);
        return Take();
    }

    /// <summary>The rest, of a text that has ended.</summary>
    public PersonalDataRelease End()
    {
        _scanner.End();
        return Take();
    }

    private PersonalDataRelease Take()
    {
        var length = _scanner.Decided - Released;
        if (length == 0) return Release("");
        var text = _held.ToString(0, length);
        _held.Remove(0, length);
        return Release(text);
    }

    private PersonalDataRelease Release(string text)
    {
        var release = new PersonalDataRelease(text, _scanner.TakeFound(), Released);
        Released += text.Length;
        return release;
    }
}
