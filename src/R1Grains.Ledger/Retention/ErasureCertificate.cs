using System.Globalization;
using System.Text;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Retention;

/// <summary>
/// What is signed when words have been erased: which keys are destroyed, of which conversations, at whose wish, and which
/// exports held any of it. Lists are in it by number and hash, so that it is short however many there are; they stand in the
/// erasure's document, which is compared with it. It reads otherwise than any <see cref="Checkpoint"/> or <see cref="Promise"/>, which the same key signs.
/// </summary>
/// <param name="Origin">Of the tenant's tree.</param>
/// <param name="Erasure">That is done.</param>
public sealed record ErasureCertificate(string Origin, Erasure Erasure)
{
    /// <summary>Of the administrative record that holds one.</summary>
    public const string Action = "erasure.certify";

    /// <summary>Of the detail in which that record holds it.</summary>
    public const string Detail = "certificate";

    /// <summary>Of the detail that names what is certified.</summary>
    public const string Erased = "erasure";

    private const string Kind = "erasure";

    /// <summary>A line for each field, names percent-encoded, times in microseconds since 1970, and of each list its length and the SHA-256 over its lines.</summary>
    public string Text
    {
        get
        {
            var text = new StringBuilder();
            Line($"{Origin}");
            Line($"{Kind}");
            Line($"{Erasure.Name}");
            Line($"of {Erasure.Extent.Resource(Erasure.Tenant)}");
            Line($"{(Erasure.Origin is ErasureOrigin.Request ? "requested" : "due")} {Microseconds.Of(Erasure.Requested)} {Uri.EscapeDataString(Erasure.Requester)}");
            Line($"approved {Microseconds.Of(Erasure.Approved)} {Uri.EscapeDataString(Erasure.Approver)}");
            Line($"erased {Microseconds.Of(Erasure.Erased!.Value)}");
            Line($"keys {Listed(Erasure.Keys.Select(key => key.ToString()))}");
            Line($"conversations {Listed(Erasure.Parts.Select(part => Uri.EscapeDataString(part.Conversation)).Order(StringComparer.Ordinal))}");
            Line($"turns {Erasure.Turns}");
            Line($"exports {Listed(Erasure.Exports.Order(StringComparer.Ordinal))}");
            return text.ToString();

            void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
        }
    }

    /// <returns>How many there are, and what commits to them.</returns>
    public static string Listed(IEnumerable<string> lines)
    {
        var all = lines.ToList();
        return string.Create(CultureInfo.InvariantCulture, $"{all.Count} {Convert.ToBase64String(Digest.Of(Encoding.UTF8.GetBytes(string.Concat(all.Select(line => line + "\n")))).ToArray())}");
    }

    /// <summary>Why it does not certify what the document says; null when it does.</summary>
    /// <exception cref="InvalidDataException">No document of an erasure that is done.</exception>
    /// <exception cref="FormatException">No signed note.</exception>
    internal static string? Misfit(Document document)
    {
        var erasure = Erasure.Decode(document);
        if (erasure is not { State: ErasureState.Erased, Erased: not null, Certificate: { } note })
            return "it is not done, or has no certificate";
        var text = SignedNote.Parse(note).Text;
        return text == new ErasureCertificate(text.Split('\n')[0], erasure).Text ? null : "its certificate says something else";
    }

    /// <summary>Whether it is a certificate of that erasure, signed by who signs then.</summary>
    /// <param name="erasure">Its name.</param>
    /// <param name="time">When it was made.</param>
    /// <returns>What speaks against it; null where nothing does.</returns>
    /// <exception cref="FormatException">No signed note.</exception>
    public static string? Objection(string note, string erasure, DateTimeOffset time, SigningKeys keys)
    {
        var signed = SignedNote.Parse(note);
        return signed.Text.Split('\n') is [var origin, Kind, var name, ..] && name == erasure ? keys.Objection(signed, origin, time) : "is about something else";
    }
}
