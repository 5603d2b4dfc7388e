using R1Grains.Ledger.Format;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger.Exports;

/// <summary>Writes the lines of one conversation, as far as a view shows it.</summary>
/// <param name="places">Of the conversation's entries in the tree, by their index.</param>
/// <param name="key">Null where nothing is to be opened.</param>
internal sealed class ConversationLines(LineWriter lines, ConversationKey conversation, IReadOnlyDictionary<long, (long Leaf, Digest Hash)> places, DataKey? key, ExportView view)
{
    /// <summary>Of the entry that is written.</summary>
    private long _index;

    public long Records { get; private set; }

    /// <exception cref="InvalidDataException">The record contradicts itself.</exception>
    public void WriteOpened(ConversationRow row, bool isErased)
    {
        var fields = Open(row.Opened);
        var masksClear = false;
        if (!view.IsWhole)
        {
            // They stand in the clear in what is proved, and may tell more than an id: then all of it is withheld.
            var opened = Payload.DecodeConversationOpened(row.Opened.Payload.Skeleton, FieldReader.Withheld, conversation, default).Opened;
            masksClear = view.Mask(opened.Agent) != opened.Agent || view.Mask(opened.Channel) != opened.Channel;
        }
        Begin(row.Opened, index: 0);
        Skeleton(row.Opened, fields, ShowOpened, isWithheld: masksClear);
        lines.Flag("erased"u8, isErased);
        lines.Finish();
    }

    public void WriteTurn(TurnRow row)
    {
        var (fields, closed) = (Open(row.Opened), row.Closed!);
        var opened = Payload.DecodeTurnOpened(row.Opened.Payload.Skeleton, Reader(fields), conversation, row.Turn, 0, default).Opened;
        Begin(row.Opened, row.Opened.Index);
        Skeleton(row.Opened, fields, (name, field, out masked) => ShowTurnOpened(name, field, opened, out masked));
        lines.Finish();

        var (running, shown) = (places[row.Opened.Index].Hash, new System.Text.StringBuilder());
        // Where a month's pieces are gone, what is left of a turn's says nothing.
        var isKept = row.Pieces.Count == closed.Pieces!.Value.Count;
        foreach (var piece in isKept ? row.Pieces : [])
        {
            running = piece.Hash(running);
            var opening = key is null ? null : piece.Open(key, conversation, row.Turn);
            lines.Start(RecordForm.Names[0]);
            lines.Text("conversation"u8, conversation.Conversation);
            lines.Number("turn"u8, row.Turn);
            lines.Number("number"u8, piece.Number);
            lines.Number("epoch"u8, piece.Epoch);
            lines.Time("time"u8, piece.Time);
            lines.Transcribe(0, piece.Skeleton, opening, ShowText);
            lines.Hash("hash"u8, running);
            lines.Finish();
            shown.Append(opening is null ? "" : ByteWriter.StrictUtf8.GetString(opening[1].Bytes));
            Records++;
        }

        var ending = Open(closed);
        if (!isKept)
            shown.Append(Payload.DecodeTurnClosed(closed.Payload.Skeleton, Reader(ending), conversation, row.Turn, 0, default, closed.Pieces.Value.Count).Closed.Answer);
        Begin(closed, closed.Index);
        lines.Number("pieces"u8, closed.Pieces.Value.Count);
        lines.Hash("pieces_hash"u8, closed.Pieces.Value.Hash);
        Skeleton(closed, ending, ShowClosed);
        lines.Flag("ai_generated"u8, view.IsGenerated(opened, shown.ToString()));
        lines.Flag("pieces_kept"u8, isKept);
        lines.Finish();
    }

    public void WriteCompleted(Entry completed, long index)
    {
        Begin(completed, index);
        Skeleton(completed, null, ShowText);
        lines.Finish();
    }

    private void Begin(Entry entry, long index)
    {
        var (leaf, _) = places[index];
        lines.Start(RecordForm.Names[(int)entry.Kind]);
        lines.Text("conversation"u8, conversation.Conversation);
        if (entry.Kind is EntryKind.TurnOpened or EntryKind.TurnClosed)
            lines.Number("turn"u8, entry.Turn);
        lines.Number("index"u8, index);
        lines.Number("leaf"u8, leaf);
        lines.Number("epoch"u8, entry.Epoch);
        lines.Time("time"u8, entry.Time);
        lines.Hash("previous"u8, index == 0 ? default : places[index - 1].Hash);
        (_index, Records) = (index, Records + 1);
    }

    private void Skeleton(Entry entry, ConfidentialField[]? fields, LineWriter.Show show, bool isWithheld = false)
    {
        if (isWithheld)
            lines.Hash("skeleton"u8, Digest.Of(entry.Payload.Skeleton));
        else
            lines.Transcribe(entry.Kind, entry.Payload.Skeleton, fields, show);
        lines.Hash("hash"u8, places[_index].Hash);
    }

    private ConfidentialField[]? Open(Entry entry) =>
        key is null ? null : ConfidentialField.Open(key, entry.Payload.Sealed!, SealedPlace.Of(conversation, entry.Kind, entry.Turn, key.Id));

    private static FieldReader Reader(ConfidentialField[]? fields) => fields is null ? FieldReader.Withheld : FieldReader.Of(fields);

    private bool ShowOpened(ReadOnlySpan<byte> name, ConfidentialField field, out byte[]? masked)
    {
        masked = null;
        if (view.IsWhole)
            return true;
        masked = name.SequenceEqual("customer"u8) ? Masked(field.Bytes, view.Mask(ByteWriter.StrictUtf8.GetString(field.Bytes))) : MaskedLabels(field.Bytes);
        return masked is null;
    }

    private bool ShowTurnOpened(ReadOnlySpan<byte> name, ConfidentialField field, TurnOpened opened, out byte[]? masked)
    {
        masked = null;
        if (view.IsWhole || name.SequenceEqual("hit_entries"u8))
            return true;
        if (!name.SequenceEqual("input"u8))
            return false;
        masked = Masked(field.Bytes, view.MaskInput(opened));
        return masked is null;
    }

    private bool ShowClosed(ReadOnlySpan<byte> name, ConfidentialField field, out byte[]? masked)
    {
        masked = null;
        return name switch
        {
            _ when name.SequenceEqual("reasoning"u8) => view.WithReasoning,
            _ when name.SequenceEqual("answer"u8) || name.SequenceEqual("hit_entries"u8) => true,
            _ => view.IsWhole,
        };
    }

    /// <summary>What was released was for everybody.</summary>
    private static bool ShowText(ReadOnlySpan<byte> name, ConfidentialField field, out byte[]? masked)
    {
        masked = null;
        return true;
    }

    /// <summary>Null where nothing is covered: the field itself can be shown then, with its proof.</summary>
    private static byte[]? Masked(byte[] field, string shown) => ByteWriter.StrictUtf8.GetBytes(shown) is var bytes && bytes.AsSpan().SequenceEqual(field) ? null : bytes;

    private byte[]? MaskedLabels(byte[] field)
    {
        var reader = new ByteReader(field);
        var labels = reader.List((ref ByteReader label) => new Label(label.String(), label.String()));
        var bytes = new ByteWriter().List(labels, (writer, label) => writer.String(label.Name).String(view.Mask(label.Value))).ToArray();
        return bytes.AsSpan().SequenceEqual(field) ? null : bytes;
    }
}
