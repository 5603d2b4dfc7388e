using R1Grains.Conversations;

namespace R1Grains.Gateway;

/// <summary>Why somebody changes or reads something, for the record.</summary>
internal static class Purpose
{
    private const int LengthMax = 1_000;

    public static string Parse(string text) =>
        text.Length > LengthMax ? throw Refuse.Field(Reason.InvalidArgument, "purpose", $"purpose has {text.Length} characters: write at most {LengthMax}")
        : text.Any(char.IsControl) ? throw Refuse.Field(Reason.InvalidArgument, "purpose", "purpose has a line break or another control character in it: write one line")
        : text;

    /// <summary>Of who reads what others said: without one they do not.</summary>
    public static string Require(string text) => string.IsNullOrWhiteSpace(text)
        ? throw Refuse.Field(Reason.MissingPurpose, "purpose", "purpose is missing: say why this is read, for the record, e.g. the number of the complaint")
        : Parse(text);
}
