namespace R1Grains.Ledger.Format;

/// <summary>An administrative record as bytes.</summary>
internal static class AdministrativePayload
{
    /// <summary>Counted apart from the conversations' entries.</summary>
    public const byte Format = 1;

    /// <summary>All but the documents, which are known only when it is written.</summary>
    public static byte[] Encode(AdministrativeRecord record) => new ByteWriter()
        .String(record.Actor)
        .String(record.Action)
        .String(record.Resource)
        .String(record.Purpose)
        .List(record.Details, (writer, detail) => writer.String(detail.Name).String(detail.Value))
        .ToArray();

    public static byte[] Encode(byte[] record, IReadOnlyList<DocumentMark> documents) => new ByteWriter()
        .Bytes(record)
        .List(documents, (writer, mark) => writer.String(mark.Kind).String(mark.Id).Int64(mark.Version).Optional(mark.Hash, (bytes, hash) => bytes.Digest(hash)))
        .ToArray();

    /// <exception cref="InvalidDataException"/>
    public static AdministrativeRecord Decode(ReadOnlySpan<byte> payload, string tenant, long time)
    {
        var reader = new ByteReader(payload);
        var record = new AdministrativeRecord
        {
            Tenant = tenant,
            Time = Microseconds.ToTime(time),
            Actor = reader.String(),
            Action = reader.String(),
            Resource = reader.String(),
            Purpose = reader.String(),
            Details = reader.List((ref ByteReader detail) => new Label(detail.String(), detail.String())),
            Documents = reader.List((ref ByteReader mark) => new DocumentMark(mark.String(), mark.String(), mark.Int64(), mark.Present() ? mark.Digest() : null)),
        };
        reader.End();
        return record;
    }

    /// <summary>A link of the tenant's administrative chain, which is one of a conversation without a name.</summary>
    public static Entry Entry(long index, long time, byte[] payload) => new(index, EntryKind.Administrative, 0, 0, time, new(payload, Sealed: null), null) { Format = Format };

    public static ConversationKey Chain(string tenant) => new(tenant, "");
}
