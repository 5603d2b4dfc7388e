using R1Grains.Ledger.Format;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Storage;

/// <summary>Receipts with their signature, of which the record keeps the line alone: the text follows from the entry.</summary>
internal static class Receipts
{
    /// <exception cref="InvalidDataException">The line is none.</exception>
    public static Receipt Of(ConversationKey key, long index, Digest leaf, long time, string? signature)
    {
        var receipt = new Receipt(key, index, leaf);
        return signature is null ? receipt : receipt with { Note = Note(receipt, time, signature).ToString() };
    }

    /// <param name="time">Microseconds.</param>
    /// <exception cref="InvalidDataException">The line is none.</exception>
    public static SignedNote Note(Receipt receipt, long time, string signature)
    {
        try
        {
            var line = NoteSignature.Parse(signature);
            return new SignedNote(Promise(receipt, time, line.Name).Text, [line]);
        }
        catch (FormatException malformed)
        {
            throw new InvalidDataException($"its receipt: {malformed.Message}", malformed);
        }
    }

    public static Promise Promise(Receipt receipt, long time, string origin) =>
        new(origin, receipt.Key.Conversation, receipt.Index, receipt.LeafHash, Microseconds.ToTime(time));
}
