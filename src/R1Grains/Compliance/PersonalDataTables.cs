using System.Collections.Frozen;

namespace R1Grains.Compliance;

/// <summary>Who gives which numbers: regions, card issuers, area codes, countries.</summary>
internal static class PersonalDataTables
{
    /// <summary>
    /// Provinces by GB/T 2260, with 71, 81, 82 and 83 of the residence permits. Below them every prefecture that ever
    /// was is accepted by its form: a card keeps the code of a place that has long been renumbered (5102 was Chongqing),
    /// and the table of today would miss its holder.
    /// </summary>
    private static readonly bool[] Provinces = Numbers(100, "11-15 21-23 31-37 41-46 50-54 61-65 71 81-83");

    /// <summary>Cities 01–20, prefectures 21–43, further cities 51–53, counties under the province 90.</summary>
    private static readonly bool[] Prefectures = Numbers(100, "01-43 51-53 90");

    /// <summary>The two or three digits behind the trunk zero; two are those of the largest cities.</summary>
    private static readonly bool[] Areas = Numbers(1_000, "010 020-029 310-319 335 349-359 370-379 391-398 410-419 421 427 429 431-439 440 448 450-459 464 467-470 471-479 482-483 510-519 520 523 527 530-539 543 546 550-566 570-580 591-599 631-635 660 662-663 668 691-692 701 710-719 722 724 728 730-739 743-746 750-760 762-763 766 768-779 790-799 812-813 816-818 825-827 830-839 851-859 870-879 883 886-888 891-899 901-903 906 908-909 911-917 919 930-939 941 943 951-955 970-979 990-999");

    /// <summary>Issuer ranges of 6 digits, and the lengths of their cards. What also numbers much else needs a label.</summary>
    private static readonly (int From, int To, uint Lengths)[] Issuers =
    [
        (620000, 629999, Lengths(16, 17, 18, 19)), // UnionPay
        (400000, 499999, Lengths(16)), // Visa
        (421349, 421349, Lengths(16, 19)), (434061, 434062, Lengths(16, 19)), (436742, 436745, Lengths(16, 19)), (456351, 456351, Lengths(16, 19)), // dual-brand debit cards
        (510000, 559999, Lengths(16)), (222100, 272099, Lengths(16)), // Mastercard
        (340000, 349999, Lengths(15)), (370000, 379999, Lengths(15)), // American Express
        (352800, 358999, Lengths(16)), // JCB
        (601100, 601199, Lengths(16)), (644000, 659999, Lengths(16)), // Discover
        (601382, 601382, Lengths(16, 19)), (603367, 603367, Lengths(18)), // Bank of China, Bank of Hangzhou
        (955100, 955100, Lengths(16, 19)), (955880, 955889, Lengths(19)), (955950, 955999, Lengths(16, 19)), // postal savings, ICBC, ABC
    ];

    private static readonly uint NamedLengths = Lengths(13, 14, 15, 16, 17, 18, 19);
    private static readonly int[] Powers = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

    /// <summary>Whether digits are the beginning of an identity number: region, then a day of birth.</summary>
    /// <param name="yearDigits">4, or 2 in the numbers of 15 digits, which are all of the 20th century.</param>
    public static bool BeginsIdentity(ReadOnlySpan<byte> digits, int yearDigits)
    {
        var count = digits.Length;
        if (digits[0] == 9 && yearDigits == 4)
        {
            // Permanent residents: 9, province, nationality.
            if (count >= 3 && !Provinces[digits[1] * 10 + digits[2]]) return false;
        }
        else
        {
            if (count == 1) return digits[0] is >= 1 and <= 8;
            var province = digits[0] * 10 + digits[1];
            if (!Provinces[province]) return false;
            if (count >= 4 && !(Prefectures[digits[2] * 10 + digits[3]] || (province > 70 && digits[2] + digits[3] == 0))) return false;
        }
        var month = 6 + yearDigits;
        if (yearDigits == 4 && ((count > 6 && digits[6] is not (1 or 2)) || (count > 7 && digits[6] * 10 + digits[7] is not (19 or 20)))) return false;
        if (count > month && digits[month] > 1) return false;
        if (count < month + 2) return true;
        var mm = digits[month] * 10 + digits[month + 1];
        if (mm is < 1 or > 12) return false;
        var year = yearDigits == 4 ? digits[6] * 1_000 + digits[7] * 100 + digits[8] * 10 + digits[9] : 1900 + digits[6] * 10 + digits[7];
        var days = DateTime.DaysInMonth(year, mm);
        if (count == month + 3) return digits[month + 2] <= days / 10;
        return count < month + 4 || (digits[month + 2] * 10 + digits[month + 3] is >= 1 and var dd && dd <= days);
    }

    public static bool IsProvince(int code) => (uint)code < 100 && Provinces[code];

    public static bool IsPrefecture(int code) => (uint)code < 100 && Prefectures[code];

    /// <summary>The lengths that a card may have whose number begins so, as bits.</summary>
    public static uint CardLengths(ReadOnlySpan<byte> digits, bool isNamed)
    {
        if (isNamed) return digits[0] == 0 ? 0 : NamedLengths;
        var known = Math.Min(6, digits.Length);
        var value = 0;
        foreach (var digit in digits[..known]) value = value * 10 + digit;
        var (from, to) = (value * Powers[6 - known], (value + 1) * Powers[6 - known] - 1);
        var lengths = 0u;
        foreach (var issuer in Issuers)
            if (issuer.From <= to && from <= issuer.To) lengths |= issuer.Lengths;
        return lengths;
    }

    /// <summary>The digits of the area code that begins here, 2 or 3.</summary>
    public static int AreaCode(PersonalDataText text, int at)
    {
        var value = 0;
        for (var i = 0; i < 3; i++)
        {
            if (text[at + i] == PersonalDataText.Unknown) return PersonalDataReading.Undecided;
            var digit = PersonalDataText.Digit(text[at + i]);
            if (digit < 0) return PersonalDataReading.None;
            value = value * 10 + digit;
            if (i == 0 && digit == 0) return PersonalDataReading.None;
            if (i == 1 && value is 10 or (>= 20 and <= 29)) return value == 26 ? PersonalDataReading.None : 2;
        }
        return value >= 300 && Areas[value] ? 3 : PersonalDataReading.None;
    }

    /// <summary>The length of an IBAN of this country, or 0.</summary>
    public static int IbanLength(char first, char second) => IbanLengths.GetValueOrDefault((first, second));

    public static bool IsCountry(char first, char second) => Countries.Contains((first, second));

    private static readonly FrozenDictionary<(char, char), int> IbanLengths =
        ("AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 "
        + "IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 "
        + "SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30")
        .Split(' ').ToFrozenDictionary(entry => (entry[0], entry[1]), entry => int.Parse(entry.AsSpan(2)));

    /// <summary>ISO 3166, and XK, which banks use.</summary>
    private static readonly FrozenSet<(char, char)> Countries =
        ("AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ "
        + "EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ "
        + "LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA "
        + "RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW")
        .Split(' ').Select(code => (code[0], code[1])).ToFrozenSet();

    private static bool[] Numbers(int below, string ranges)
    {
        var numbers = new bool[below];
        foreach (var range in ranges.Split(' '))
        {
            var (from, to) = range.Split('-') is [var first, var last] ? (int.Parse(first), int.Parse(last)) : (int.Parse(range), int.Parse(range));
            Array.Fill(numbers, true, from, to - from + 1);
        }
        return numbers;
    }

    private static uint Lengths(params ReadOnlySpan<int> lengths)
    {
        var bits = 0u;
        foreach (var length in lengths) bits |= 1u << length;
        return bits;
    }
}
