using System.Collections.Immutable;

namespace R1Grains.Compliance;

/// <summary>
/// Finds personal data by form, check digits and context, and masks it the way banks do. A masked text is as long as
/// its source and differs from it inside the spans alone, so the same spans hold for both and whoever may see a kind
/// is shown the source there.
/// </summary>
public static class PersonalData
{
    private const char Mark = '*';

    /// <summary>In the order of the text; none overlaps another.</summary>
    public static ImmutableArray<PersonalDataSpan> Find(ReadOnlySpan<char> text)
    {
        var scanner = new PersonalDataScanner();
        for (; text.Length > PersonalDataScanner.StepMax; text = text[PersonalDataScanner.StepMax..]) scanner.Append(text[..PersonalDataScanner.StepMax]);
        scanner.Append(text);
        scanner.End();
        return scanner.TakeFound();
    }

    /// <param name="spans">Of this text; those that the reader may see are left out.</param>
    /// <param name="origin">Where in its stream the text begins.</param>
    public static string Mask(string text, ImmutableArray<PersonalDataSpan> spans, int origin = 0) =>
        spans.IsEmpty ? text : string.Create(text.Length, (text, spans, origin), static (masked, source) =>
        {
            source.text.CopyTo(masked);
            foreach (var span in source.spans) Mask(masked.Slice(span.Start - source.origin, span.Length), span.Kind);
        });

    /// <param name="item">One, whole.</param>
    public static void Mask(Span<char> item, PersonalDataKind kind)
    {
        switch (kind)
        {
            case PersonalDataKind.IdentityCard: Cover(item, first: 3, last: 4); break;
            case PersonalDataKind.SocialCreditCode: Cover(item, first: 4, last: 4); break;
            case PersonalDataKind.BankCard: Cover(item, first: 0, last: 4); break;
            case PersonalDataKind.Iban: Cover(item, first: 4, last: 4); break;
            case PersonalDataKind.Email: CoverMailbox(item); break;
            case PersonalDataKind.IpAddress: CoverHost(item); break;
            case PersonalDataKind.MobileNumber: Cover(item, first: Math.Max(0, Signs(item) - 8), last: 4); break;
            case PersonalDataKind.LandlineNumber: Cover(item, first: Math.Max(0, Signs(item) - 8), last: 4); break;
            case PersonalDataKind.Passport: Cover(item, first: 1, last: 3); break;
            case PersonalDataKind.Bic: Cover(item, first: 4, last: 0); break;
            case PersonalDataKind.OneTimePassword or PersonalDataKind.CardVerificationValue or PersonalDataKind.Pin: Cover(item, 0, 0); break;
            default: throw new ArgumentOutOfRangeException(nameof(kind), kind, "No mask is known for this kind of personal data: give it one in PersonalData.Mask.");
        }
    }

    /// <summary>Covers letters and digits, whatever their form, but for the first and the last ones.</summary>
    private static void Cover(Span<char> item, int first, int last)
    {
        var seen = 0;
        var shown = Signs(item) - last;
        foreach (ref var c in item)
        {
            if (!IsSign(c)) continue;
            if (seen >= first && seen < shown) c = Mark;
            seen++;
        }
    }

    private static void CoverMailbox(Span<char> item)
    {
        var at = item.IndexOfAny('@', '＠', '﹫');
        item[Math.Min(1, at - 1)..at].Fill(Mark);
    }

    /// <summary>Half of an IPv4 address, and all but the routing prefix of an IPv6 address.</summary>
    private static void CoverHost(Span<char> item)
    {
        var points = 0;
        foreach (ref var c in item)
        {
            if (!IsSign(c)) points++;
            else if (points >= 2) c = Mark;
        }
    }

    private static int Signs(ReadOnlySpan<char> item)
    {
        var signs = 0;
        foreach (var c in item)
            if (IsSign(c)) signs++;
        return signs;
    }

    private static bool IsSign(char c) => PersonalDataText.Sign(PersonalDataText.Fold(c)) != '\0';
}
