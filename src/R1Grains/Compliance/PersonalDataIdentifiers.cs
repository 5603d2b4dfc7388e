namespace R1Grains.Compliance;

/// <summary>Recognisers of what is written in letters and digits; their answers are those of <see cref="PersonalDataReading"/>.</summary>
internal static class PersonalDataIdentifiers
{
    private const int None = PersonalDataReading.None;
    private const int Undecided = PersonalDataReading.Undecided;

    private const int CreditCodeLength = 18;
    private const string CreditCodeSigns = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    private static readonly int[] CreditCodeWeights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
    private static readonly int[] OrganisationWeights = [3, 7, 9, 10, 5, 8, 4, 2];

    /// <summary>Registering department, kind, region, organisation code, check sign. All digits need the check sign of the organisation code as well.</summary>
    public static int SocialCreditCode(PersonalDataText text, int at)
    {
        Span<char> signs = stackalloc char[CreditCodeLength];
        var end = at;
        for (var count = 0; count < CreditCodeLength; count++)
        {
            var next = count == 0 ? at : Next(text, end);
            if (text[next] == PersonalDataText.Unknown) return Undecided;
            signs[count] = PersonalDataText.Sign(text[next]);
            if (!BelongsToCreditCode(signs, count)) return None;
            end = next + 1;
        }
        var sum = 0;
        for (var i = 0; i < CreditCodeWeights.Length; i++) sum += CreditCodeSigns.IndexOf(signs[i]) * CreditCodeWeights[i];
        if (CreditCodeSigns[(31 - sum % 31) % 31] != signs[^1] || (!signs.ContainsAnyInRange('A', 'Z') && !IsOrganisation(signs[8..17]))) return None;
        return Ended(text, at, end);
    }

    private static bool BelongsToCreditCode(ReadOnlySpan<char> signs, int at) => at switch
    {
        0 => signs[0] is (>= '1' and <= '9') or 'A' or 'N' or 'Y',
        1 => signs[1] is (>= '1' and <= '5') or '9',
        2 => signs[2] is >= '1' and <= '8',
        // 1000 is the register of the state itself.
        3 => char.IsAsciiDigit(signs[3]) && (PersonalDataTables.IsProvince(Two(signs, 2)) || Two(signs, 2) == 10),
        4 => char.IsAsciiDigit(signs[4]),
        5 => char.IsAsciiDigit(signs[5]) && (PersonalDataTables.IsPrefecture(Two(signs, 4)) || Two(signs, 4) == 0),
        6 or 7 => char.IsAsciiDigit(signs[at]),
        _ => CreditCodeSigns.Contains(signs[at]),
    };

    /// <summary>GB 11714: eight signs and a check sign modulo 11.</summary>
    private static bool IsOrganisation(ReadOnlySpan<char> code)
    {
        var sum = 0;
        for (var i = 0; i < OrganisationWeights.Length; i++) sum += (code[i] - '0') * OrganisationWeights[i];
        return (11 - sum % 11) % 11 == code[8] - '0';
    }

    /// <summary>As long as the country has it, with the remainder 1 modulo 97.</summary>
    public static int Iban(PersonalDataText text, int at)
    {
        if (!char.IsAsciiLetter(text[at])) return None;
        if (text[at + 1] == PersonalDataText.Unknown) return Undecided;
        var country = (First: PersonalDataText.Sign(text[at]), Second: PersonalDataText.Sign(text[at + 1]));
        var length = PersonalDataTables.IbanLength(country.First, country.Second);
        if (length == 0) return None;
        var end = at + 2;
        var (check, rest) = (0, 0);
        for (var count = 2; count < length; count++)
        {
            var next = count < 4 ? end : Next(text, end);
            if (text[next] == PersonalDataText.Unknown) return Undecided;
            var sign = PersonalDataText.Sign(text[next]);
            if (sign == '\0' || (count < 4 && !char.IsAsciiDigit(sign))) return None;
            if (count < 4) check = check * 10 + (sign - '0');
            else rest = Remainder(rest, sign);
            end = next + 1;
        }
        rest = Remainder(Remainder(rest, country.First), country.Second);
        return (rest * 100 + check) % 97 == 1 && check is >= 2 and <= 98 ? Ended(text, at, end) : None;
    }

    private static int Remainder(int rest, char sign) => char.IsAsciiDigit(sign) ? (rest * 10 + (sign - '0')) % 97 : (rest * 100 + (sign - 'A' + 10)) % 97;

    /// <summary>
    /// Behind a label, up to two letters and 6 to 9 digits, as passports of most countries are numbered; without one,
    /// the Chinese E and eight signs, unless the digits are a date, as in an order's number.
    /// </summary>
    public static int Passport(PersonalDataText text, int at, in PersonalDataContext context)
    {
        if (context.IsNamedOther) return None;
        var isNamed = (context.Seen & PersonalDataLabel.Passport) != 0;
        if (!isNamed && text[at] != 'E') return None;
        Span<char> signs = stackalloc char[12];
        var (letters, digits) = (0, 0);
        for (var end = at; ; end++)
        {
            if (text[end] == PersonalDataText.Unknown) return Undecided;
            var sign = PersonalDataText.Sign(text[end]);
            if (char.IsAsciiLetter(sign) && digits == 0 && letters < 2) letters++;
            else if (char.IsAsciiDigit(sign) && digits < 9) digits++;
            else return IsPassport(signs[..(letters + digits)], letters, isNamed) ? Ended(text, at, end) : None;
            signs[letters + digits - 1] = sign;
            if (!isNamed && letters + digits > 9) return None;
        }
    }

    private static bool IsPassport(ReadOnlySpan<char> signs, int letters, bool isNamed)
    {
        if (isNamed) return signs.Length is >= 7 and <= 10 && signs.Length - letters >= 6;
        var isDate = letters == 1 && signs.Length == 9 && signs[1..3] is "19" or "20" && signs[5] is '0' or '1';
        return letters > 0 && signs.Length == 9 && !isDate;
    }

    /// <summary>Behind a label: bank, country, place and perhaps branch, in capitals.</summary>
    public static int Bic(PersonalDataText text, int at)
    {
        for (var i = 0; ; i++)
        {
            var c = text[at + i];
            if (c == PersonalDataText.Unknown) return Undecided;
            if (i == 5 && !PersonalDataTables.IsCountry(text[at + 4], c)) return None;
            if (!PersonalDataText.IsWord(c)) return i is 8 or 11 ? i : None;
            if (i >= 11 || !(char.IsAsciiLetterUpper(c) || (i >= 6 && char.IsAsciiDigit(c)))) return None;
        }
    }

    /// <summary>One space or dash may stand between two signs.</summary>
    private static int Next(PersonalDataText text, int at) => text[at] is ' ' or '-' ? at + 1 : at;

    private static int Ended(PersonalDataText text, int at, int end) =>
        text[end] == PersonalDataText.Unknown ? Undecided
        : PersonalDataText.IsWord(text[end]) && char.IsAsciiLetterOrDigit(text[end - 1]) ? None
        : end - at;

    private static int Two(ReadOnlySpan<char> signs, int at) => (signs[at] - '0') * 10 + (signs[at + 1] - '0');
}
