namespace R1Grains.Compliance;

/// <summary>What a piece of text tells about a person, in the order in which kinds of equal length are preferred.</summary>
public enum PersonalDataKind
{
    /// <summary>公民身份号码 (GB 11643), of 18 characters or, after a label, of the old 15 digits; residence permits of the same build.</summary>
    IdentityCard,

    /// <summary>统一社会信用代码 (GB 32100).</summary>
    SocialCreditCode,

    /// <summary>The number of a payment card (ISO/IEC 7812).</summary>
    BankCard,

    /// <summary>ISO 13616.</summary>
    Iban,
    Email,
    IpAddress,

    /// <summary>A mobile number of mainland China, or any number in international form.</summary>
    MobileNumber,
    LandlineNumber,
    Passport,

    /// <summary>A SWIFT code (ISO 9362).</summary>
    Bic,
    OneTimePassword,
    CardVerificationValue,
    Pin,
}
