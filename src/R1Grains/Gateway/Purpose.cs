using R1Grains.Conversations;

namespace R1Grains.Gateway;

/// <summary>Why somebody changes something, for the record.</summary>
internal static class Purpose
{
    private const int LengthMax = 1_000;

    public static string Parse(string text) => text.Length <= LengthMax
        ? text
        : throw Refuse.Field(Reason.InvalidArgument, "purpose", $"purpose has {text.Length} characters: write at most {LengthMax}");
}
