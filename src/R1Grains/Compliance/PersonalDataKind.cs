using System.Collections.Frozen;
using System.Text.Json;

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

public static class PersonalDataKinds
{
    private static readonly FrozenDictionary<string, PersonalDataKind> ByName = Enum.GetValues<PersonalDataKind>().ToFrozenDictionary(Name);

    /// <summary>In snake case, as record and wire write it.</summary>
    public static string Name(this PersonalDataKind kind) => JsonNamingPolicy.SnakeCaseLower.ConvertName(kind.ToString());

    /// <summary>Null for a name that this version does not know.</summary>
    public static PersonalDataKind? Find(string name) => ByName.TryGetValue(name, out var kind) ? kind : null;

    /// <summary>Lets whoever has it in, or pay: nobody may keep it, and nobody needs it for an answer.</summary>
    public static bool IsSecret(this PersonalDataKind kind) => kind is PersonalDataKind.OneTimePassword or PersonalDataKind.CardVerificationValue or PersonalDataKind.Pin;

    /// <summary>Names an organisation, as public registers do, and nobody in it: an answer may need it, and nobody is harmed.</summary>
    public static bool NamesOrganisation(this PersonalDataKind kind) => kind is PersonalDataKind.SocialCreditCode or PersonalDataKind.Bic;
}
