namespace R1Grains.Compliance;

/// <summary>What begins at one place of a text. Once something other than <see cref="Undecided"/> is said, no text that follows changes it.</summary>
internal static class PersonalDataReading
{
    public const int None = 0;

    /// <summary>What follows may still make an item of what begins here.</summary>
    public const int Undecided = -1;

    /// <summary>Of a card verification value.</summary>
    private const int DigitsMin = 3;

    /// <summary>The length of the item that begins here, <see cref="None"/> or <see cref="Undecided"/>.</summary>
    public static int At(PersonalDataText text, int at, out PersonalDataKind kind)
    {
        var found = Sure(text, at, out kind);
        if (found != None) return found;
        found = Likely(text, at, out kind);
        if (found <= 0) return found;
        // Check digits tell more than form: what they confirm is not cut by what only looks like something.
        for (var inner = at + 1; inner < at + found; inner++)
            if (Sure(text, inner, out _) is var other and not None) return other > 0 ? None : Undecided;
        return found;
    }

    /// <summary>What check digits or a form of its own confirm.</summary>
    private static int Sure(PersonalDataText text, int at, out PersonalDataKind kind)
    {
        var best = default(Best);
        var isDigit = PersonalDataText.Digit(text[at]) >= 0;
        if (isDigit && PersonalDataNumber.MayBegin(text, at))
        {
            var number = PersonalDataNumber.Read(text, at, stackalloc byte[PersonalDataNumber.DigitsMax], stackalloc int[PersonalDataNumber.DigitsMax]);
            if (number.Count >= 13 || number.IsOpen)
            {
                var context = PersonalDataContext.Before(text, at);
                best.Take(PersonalDataNumbers.IdentityCard(text, at, number, context), PersonalDataKind.IdentityCard);
                best.Take(PersonalDataNumbers.BankCard(text, at, number, context), PersonalDataKind.BankCard);
            }
        }
        if (isDigit || char.IsAsciiLetter(text[at])) TakeIdentifiers(text, at, ref best);
        if (!PersonalDataText.IsWord(text[at - 1]))
        {
            if (PersonalDataText.IsWord(text[at])) best.Take(PersonalDataAddresses.Email(text, at), PersonalDataKind.Email);
            if (char.IsAsciiHexDigit(text[at]) && text[at - 1] is not ('.' or ':' or '-'))
            {
                best.Take(PersonalDataAddresses.IPv4(text, at), PersonalDataKind.IpAddress);
                best.Take(PersonalDataAddresses.IPv6(text, at), PersonalDataKind.IpAddress);
            }
        }
        return best.Result(out kind);
    }

    private static void TakeIdentifiers(PersonalDataText text, int at, ref Best best)
    {
        var isInWord = char.IsAsciiLetterOrDigit(text[at]) ? PersonalDataText.IsWord(text[at - 1]) : PersonalDataText.Digit(text[at - 1]) >= 0;
        if (isInWord) return;
        best.Take(PersonalDataIdentifiers.SocialCreditCode(text, at), PersonalDataKind.SocialCreditCode);
        best.Take(PersonalDataIdentifiers.Iban(text, at), PersonalDataKind.Iban);
    }

    /// <summary>What form and context suggest.</summary>
    private static int Likely(PersonalDataText text, int at, out PersonalDataKind kind)
    {
        var best = default(Best);
        var c = text[at];
        kind = default;
        if (c is '+' or '(')
        {
            var context = PersonalDataContext.Before(text, at);
            best.Take(PersonalDataNumbers.Mobile(text, at, context), PersonalDataKind.MobileNumber);
            best.Take(PersonalDataNumbers.Landline(text, at, context), PersonalDataKind.LandlineNumber);
        }
        else if (PersonalDataText.Digit(c) is >= 0 and var digit && PersonalDataNumber.MayBegin(text, at))
        {
            var number = PersonalDataNumber.Read(text, at, stackalloc byte[PersonalDataNumber.DigitsMax], stackalloc int[PersonalDataNumber.DigitsMax]);
            // Most are small numbers, and looking for labels takes longer than all else.
            if (number.Count < DigitsMin && !number.IsOpen) return None;
            var context = PersonalDataContext.Before(text, at);
            if (digit is 0 or 1 or 8) best.Take(PersonalDataNumbers.Mobile(text, at, context), PersonalDataKind.MobileNumber);
            if (digit is 0 or 8) best.Take(PersonalDataNumbers.Landline(text, at, context), PersonalDataKind.LandlineNumber);
            if (context.Says(PersonalDataLabel.Passport)) best.Take(PersonalDataIdentifiers.Passport(text, at, context), PersonalDataKind.Passport);
            best.Take(PersonalDataNumbers.Code(text, at, number, context, out var code), code);
        }
        else if (char.IsAsciiLetter(c) && !PersonalDataText.IsWord(text[at - 1]) && IsNoPlainWord(text, at))
        {
            var context = PersonalDataContext.Before(text, at);
            best.Take(PersonalDataIdentifiers.Passport(text, at, context), PersonalDataKind.Passport);
            if ((context.Seen & PersonalDataLabel.Bic) != 0) best.Take(PersonalDataIdentifiers.Bic(text, at), PersonalDataKind.Bic);
        }
        return best.Result(out kind);
    }

    /// <summary>Passports have a digit among their first three signs, and SWIFT codes begin with two capitals.</summary>
    private static bool IsNoPlainWord(PersonalDataText text, int at) =>
        (char.IsAsciiLetterUpper(text[at]) && char.IsAsciiLetterUpper(text[at + 1])) || IsDigitOrOpen(text[at + 1]) || (char.IsAsciiLetter(text[at + 1]) && IsDigitOrOpen(text[at + 2]));

    private static bool IsDigitOrOpen(char c) => c == PersonalDataText.Unknown || PersonalDataText.Digit(c) >= 0;

    /// <summary>The longest; of equal ones the first kind.</summary>
    private struct Best
    {
        private int _length;
        private bool _isOpen;
        private PersonalDataKind _kind;

        public void Take(int length, PersonalDataKind kind)
        {
            _isOpen |= length == Undecided;
            if (length > _length) (_length, _kind) = (length, kind);
        }

        public readonly int Result(out PersonalDataKind kind)
        {
            kind = _kind;
            return _isOpen ? Undecided : _length;
        }
    }
}
