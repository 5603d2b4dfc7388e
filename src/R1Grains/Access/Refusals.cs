using System.Text;
using R1Grains.Conversations;

namespace R1Grains.Access;

/// <summary>Builds the refusals of requests that never reach a conversation.</summary>
internal static class Refusals
{
    private const int QuotedCharacters = 100;

    public static RefusedException OfField(Reason reason, string field, string detail) =>
        new(new Refusal(reason, detail).With(Refusal.FieldKey, field));

    /// <summary>A caller's value as it may stand in a message: bounded, and one line of printable ASCII.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder("'");
        foreach (var c in text.AsSpan(0, Math.Min(text.Length, QuotedCharacters)))
            quoted.Append(c is >= ' ' and <= '~' ? c : '?');
        return quoted.Append(text.Length > QuotedCharacters ? $"…' ({text.Length} characters)" : "'").ToString();
    }
}
