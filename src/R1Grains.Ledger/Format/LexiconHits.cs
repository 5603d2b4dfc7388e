namespace R1Grains.Ledger.Format;

/// <summary>
/// Hits of a lexicon as bytes: their count, the place and kind of each, and a commitment to the entries that were met, which
/// tell the words to whoever has the lexicon.
/// </summary>
internal static class LexiconHits
{
    public static ByteWriter Hits(this ByteWriter skeleton, IReadOnlyList<LexiconHit> hits, FieldWriter fields) => skeleton
        .List(hits, (w, hit) => w
            .Byte((byte)hit.Place)
            .Int32(hit.Start)
            .Int32(hit.End)
            .String(hit.Category)
            .Byte((byte)hit.Level)
            .Byte((byte)hit.Action))
        .Digest(fields.Commit(new ByteWriter(64).List(hits, (w, hit) => w.Int64((long)hit.Entry)).Written));

    public static LexiconHit[] Read(ref ByteReader reader, FieldReader fields)
    {
        var hits = reader.List((ref ByteReader r) => new LexiconHit(
            Known((HitPlace)r.Byte()), r.Int32(), r.Int32(), Entry: 0, r.String(), r.Byte(), Known((HitAction)r.Byte())));
        var entries = fields.List(reader.Digest(), (ref ByteReader r) => (ulong)r.Int64());
        if (entries.Length != hits.Length && entries.Length > 0)
            throw new InvalidDataException($"{hits.Length} hits are of {entries.Length} entries");
        return [.. hits.Select((hit, i) => entries.Length == 0 ? hit : hit with { Entry = entries[i] })];
    }

    private static T Known<T>(T value) where T : struct, Enum =>
        Enum.IsDefined(value) ? value : throw new InvalidDataException($"a {typeof(T).Name} is {value:D}");
}
