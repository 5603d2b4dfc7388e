using System.Globalization;
using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Tree;

/// <summary>
/// What is signed when a turn has been closed: that its entry is durable, and will stand in the tenant's tree. It reads
/// otherwise than any <see cref="Checkpoint"/>, which the same key signs.
/// </summary>
/// <param name="Origin">Of the tree.</param>
/// <param name="Index">Of the entry in the conversation's chain, from 0.</param>
/// <param name="Time">Of the entry.</param>
public sealed record Promise(string Origin, string Conversation, long Index, Digest LeafHash, DateTimeOffset Time)
{
    private const string Kind = "receipt";

    /// <summary>What is signed: a line for each field, times in microseconds since 1970.</summary>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"{Origin}\n{Kind}\n{Uri.EscapeDataString(Conversation)}\n{Index}\n{Convert.ToBase64String(LeafHash.ToArray())}\n{Microseconds.Of(Time)}\n");

    /// <param name="text">Of the signed note.</param>
    /// <exception cref="FormatException"/>
    public static Promise Parse(string text)
    {
        if (text.Split('\n') is not [{ Length: > 0 } origin, Kind, var conversation, var number, var hash, var microseconds, ""])
            throw new FormatException("a receipt is six lines");
        if (!TryNumber(number, out var index) || !TryNumber(microseconds, out var time))
            throw new FormatException("a number of the receipt is none");
        if (!NoteSignature.TryBytes(hash, out var leaf) || leaf.Length != Digest.Length)
            throw new FormatException("the receipt's hash is not base64 of 32 bytes");
        try
        {
            var promise = new Promise(origin, Uri.UnescapeDataString(conversation), index, new Digest(leaf), Microseconds.ToTime(time));
            return promise.Text == text ? promise : throw new FormatException("the receipt is written otherwise than it must be");
        }
        catch (InvalidDataException beyond)
        {
            throw new FormatException($"the receipt's time: {beyond.Message}", beyond);
        }
    }

    private static bool TryNumber(string text, out long number) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
}
