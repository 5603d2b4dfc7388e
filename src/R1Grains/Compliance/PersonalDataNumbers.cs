using System.Numerics;

namespace R1Grains.Compliance;

/// <summary>
/// Recognisers of what is written in digits. Each gives the length of the item that begins at a place,
/// <see cref="PersonalDataReading.None"/>, or <see cref="PersonalDataReading.Undecided"/> as long as what follows may
/// still make one of it.
/// </summary>
internal static class PersonalDataNumbers
{
    private const int None = PersonalDataReading.None;
    private const int Undecided = PersonalDataReading.Undecided;

    /// <summary>Not a place: what begins here is no number, with a country code or without.</summary>
    private const int Nowhere = -2;

    private static readonly int[] IdentityWeights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

    /// <summary>Where cards are parted when nothing says that they are cards: in fours, 6-13, 6-6-7, 4-6-5, one by one.</summary>
    private static readonly uint[] CardGroups = [Places(4, 8, 12, 16), Places(6, 12), Places(4, 10)];

    private static readonly uint[] MobileGroups = [Places(3, 7), Places(4, 8), Places(3, 6, 9), Places(5), Places(6)];

    /// <summary>Of 18 characters, the last one perhaps X; of 15 digits only where a label says so.</summary>
    public static int IdentityCard(PersonalDataText text, int at, in PersonalDataNumber number, in PersonalDataContext context)
    {
        var digits = number.Digits;
        var isLong = PersonalDataTables.BeginsIdentity(digits, yearDigits: 4) && (number.Dots & (1u << Math.Min(18, digits.Length)) - 1) == 0;
        if (number.IsOpen && digits.Length < 17 && isLong) return Undecided;
        if (digits.Length >= 17 && isLong)
        {
            var sum = 0;
            for (var i = 0; i < IdentityWeights.Length; i++) sum += digits[i] * IdentityWeights[i];
            var check = (12 - sum % 11) % 11;
            if (digits.Length == 17 && check == 10)
            {
                var last = PersonalDataNumber.Gap(text, number.End(17), out var hasDot);
                if (text[last] == PersonalDataText.Unknown) return Undecided;
                if (!hasDot && PersonalDataText.Sign(text[last]) == 'X') return Ended(text, at, last + 1);
            }
            else if (digits.Length == 17 && number.IsOpen) return Undecided;
            else if (digits.Length >= 18 && digits[17] == check && number.EndsAfter(18)) return Ended(text, at, number.End(18));
        }
        if (!context.Says(PersonalDataLabel.Identity) || !PersonalDataTables.BeginsIdentity(digits, yearDigits: 2)) return None;
        if (digits.Length == 15) return number.IsOpen ? Undecided : Ended(text, at, number.End(15));
        return digits.Length < 15 && number.IsOpen ? Undecided : None;
    }

    /// <summary>By issuer range, length and Luhn; a label widens the ranges, and that of an order rules it out.</summary>
    public static int BankCard(PersonalDataText text, int at, in PersonalDataNumber number, in PersonalDataContext context)
    {
        if (context.IsNamedOther) return None;
        var digits = number.Digits;
        var isNamed = context.Says(PersonalDataLabel.Card);
        var lengths = PersonalDataTables.CardLengths(digits, isNamed);
        if (number.IsOpen && lengths >> digits.Length + 1 != 0 && IsCardGrouped(number, digits.Length, isNamed)) return Undecided;
        for (; lengths != 0; lengths &= ~(1u << BitOperations.Log2(lengths)))
        {
            var length = BitOperations.Log2(lengths);
            if (length > digits.Length || !number.EndsAfter(length) || !IsCardGrouped(number, length, isNamed) || !IsLuhn(digits[..length])) continue;
            if (Ended(text, at, number.End(length)) is var card and not None) return card;
        }
        return None;
    }

    /// <summary>With or without +86; any other number in international form as well.</summary>
    public static int Mobile(PersonalDataText text, int at, in PersonalDataContext context)
    {
        if (context.IsNamedOther) return None;
        var body = Country(text, at);
        if (body == Undecided) return Undecided;
        if (body == Nowhere) return text[at] == '+' ? International(text, at) : None;
        var number = PersonalDataNumber.Read(text, body, stackalloc byte[PersonalDataNumber.DigitsMax], stackalloc int[PersonalDataNumber.DigitsMax]);
        var digits = number.Digits;
        var isNamed = body > at || context.Says(PersonalDataLabel.Phone);
        if (digits[0] != 1 || (digits.Length > 1 && digits[1] < 3) || !IsMobileGrouped(number, Math.Min(digits.Length, 11), isNamed)) return None;
        // One by one is a way to write a number, and one way to write a list.
        var isSpelled = number.IsSpelled(Math.Min(digits.Length, 11));
        if (isSpelled && text[at - 1] == ' ' && PersonalDataText.Digit(text[at - 2]) >= 0) return None;
        if (number.IsOpen && (digits.Length < 11 || (isSpelled && digits.Length == 11))) return Undecided;
        return digits.Length < 11 || !number.EndsAfter(11) || number.IsSpelled(12) ? None : Ended(text, at, number.End(11));
    }

    /// <summary>Area code and number, with a sign between the two or a label before.</summary>
    public static int Landline(PersonalDataText text, int at, in PersonalDataContext context)
    {
        if (context.IsNamedOther) return None;
        var body = Country(text, at);
        if (body == Undecided) return Undecided;
        var hasCountry = body > at;
        var area = hasCountry ? body : at;
        var isBracketed = !hasCountry && text[area] == '(';
        if (isBracketed) area++;
        var trunk = hasCountry ? 0 : 1;
        if (trunk == 1 && text[area] == PersonalDataText.Unknown) return Undecided;
        if (trunk == 1 && PersonalDataText.Digit(text[area]) != 0) return None;
        var from = area + trunk;
        var length = PersonalDataTables.AreaCode(text, from);
        if (length <= 0) return length;
        var next = from + length;
        if (isBracketed && text[next] == PersonalDataText.Unknown) return Undecided;
        if (isBracketed && text[next++] != ')') return None;
        var start = PersonalDataNumber.Gap(text, next, out _);
        if (text[start] == PersonalDataText.Unknown) return Undecided;
        if (PersonalDataText.Digit(text[start]) < 2 || (start == from + length && !hasCountry && !context.Says(PersonalDataLabel.Phone))) return None;
        var number = PersonalDataNumber.Read(text, start, stackalloc byte[PersonalDataNumber.DigitsMax], stackalloc int[PersonalDataNumber.DigitsMax]);
        if (number.IsOpen && number.Count <= 8 && number.IsGrouped(number.Count, Places(3, 4))) return Undecided;
        for (var digits = 8; digits >= (length == 3 ? 7 : 8); digits--)
            if (number.Count >= digits && number.EndsAfter(digits) && number.IsGrouped(digits, Places(digits - 4))) return Ended(text, at, number.End(digits));
        return None;
    }

    /// <summary>One-time passwords, card verification values and PINs: nothing but the words around them tells.</summary>
    public static int Code(PersonalDataText text, int at, in PersonalDataNumber number, in PersonalDataContext context, out PersonalDataKind kind)
    {
        kind = PersonalDataKind.OneTimePassword;
        if (context.IsNamedOther) return None;
        var count = 1;
        while (count < number.Count && !number.EndsAfter(count)) count++;
        // 123 456
        if (count == 3 && number.Count is > 3 and <= 6 && number.IsGrouped(number.Count, Places(3)) && (number.IsOpen || number.Count == 6)) count = number.Count;
        if (number.IsSpelled(number.Count)) count = number.Count;
        if (count > 8) return None;
        // Another digit would be another number, and another kind.
        if (count == number.Count && number.IsOpen) return Undecided;
        if (count < 3) return None;
        var end = number.End(count);
        switch (PersonalDataNumber.MayEnd(text, end))
        {
            case null: return Undecided;
            case false: return None;
        }
        switch (PersonalDataContext.IsCounted(text, end))
        {
            case null: return Undecided;
            case true: return None;
        }
        if ((context.Nearest & PersonalDataLabel.Codes) != 0 && !context.CrossesDigits) return Named(context.Nearest, count, out kind) ? end - at : None;
        if (count < 4) return None;
        if (PersonalDataContext.Behind(text, end) is not { } label) return Undecided;
        return Named(label, count, out kind) ? end - at : None;
    }

    private static bool Named(PersonalDataLabel label, int digits, out PersonalDataKind kind)
    {
        var isVerificationValue = (label & PersonalDataLabel.CardVerificationValue) != 0 && digits is 3 or 4;
        kind = isVerificationValue ? PersonalDataKind.CardVerificationValue : label == PersonalDataLabel.Pin ? PersonalDataKind.Pin : PersonalDataKind.OneTimePassword;
        return isVerificationValue || (digits >= 4 && (label & (PersonalDataLabel.OneTimePassword | PersonalDataLabel.Pin)) != 0);
    }

    /// <summary>Where a number begins behind the country code of China: here, when it has none; or <see cref="Nowhere"/>.</summary>
    private static int Country(PersonalDataText text, int at)
    {
        var i = at;
        var isBracketed = text[i] == '(';
        if (isBracketed) i++;
        if (text[i] == PersonalDataText.Unknown) return Undecided;
        var hasSign = text[i] == '+';
        if (hasSign) i++;
        ReadOnlySpan<byte> code = !hasSign && PersonalDataText.Digit(text[i]) == 0 ? [0, 0, 8, 6] : [8, 6];
        foreach (var digit in code)
        {
            if (text[i] == PersonalDataText.Unknown) return Undecided;
            if (PersonalDataText.Digit(text[i++]) != digit) return isBracketed || hasSign ? Nowhere : at;
        }
        if (isBracketed && text[i] == PersonalDataText.Unknown) return Undecided;
        if (isBracketed && text[i++] != ')') return Nowhere;
        var body = PersonalDataNumber.Gap(text, i, out _);
        if (text[body] == PersonalDataText.Unknown) return Undecided;
        return PersonalDataText.Digit(text[body]) >= 0 ? body : isBracketed || hasSign ? Nowhere : at;
    }

    /// <summary>E.164: a plus and 10 to 15 digits, with signs and brackets between.</summary>
    private static int International(PersonalDataText text, int at)
    {
        var (digits, signs, end) = (0, 0, at);
        for (var i = at + 1; ; i++)
        {
            var c = text[i];
            if (c == PersonalDataText.Unknown) return Undecided;
            if (PersonalDataText.Digit(c) is >= 0 and var digit)
            {
                if ((digits == 0 && digit == 0) || digits == 15) return None;
                (digits, signs, end) = (digits + 1, 0, i + 1);
            }
            else if (digits == 0 || c is not (' ' or '-' or '.' or '(' or ')') || ++signs > 2) break;
        }
        return digits >= 10 ? Ended(text, at, end) : None;
    }

    private static int Ended(PersonalDataText text, int at, int end) => PersonalDataNumber.MayEnd(text, end) switch
    {
        null => Undecided,
        true => end - at,
        false => None,
    };

    private static bool IsCardGrouped(in PersonalDataNumber number, int count, bool isNamed)
    {
        if ((number.Dots & (1u << count) - 1) != 0) return false;
        if (isNamed || number.IsSpelled(count)) return true;
        foreach (var places in CardGroups)
            if (number.IsGrouped(count, places)) return true;
        return false;
    }

    private static bool IsMobileGrouped(in PersonalDataNumber number, int count, bool isNamed)
    {
        if (isNamed || count <= 2 || number.IsSpelled(count)) return true;
        foreach (var places in MobileGroups)
            if (number.IsGrouped(count, places)) return true;
        return false;
    }

    private static bool IsLuhn(ReadOnlySpan<byte> digits)
    {
        var sum = 0;
        for (var i = 0; i < digits.Length; i++)
        {
            var digit = digits[^(i + 1)] << (i & 1);
            sum += digit > 9 ? digit - 9 : digit;
        }
        return sum % 10 == 0;
    }

    private static uint Places(params ReadOnlySpan<int> places)
    {
        var bits = 0u;
        foreach (var place in places) bits |= 1u << place;
        return bits;
    }
}
