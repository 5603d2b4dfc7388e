namespace R1Grains.Ledger.Format;

/// <summary>Hits of a lexicon as bytes: their count, then the fields of each.</summary>
internal static class LexiconHits
{
    public static byte[] Encode(IReadOnlyList<LexiconHit> hits) => new ByteWriter().List(hits, (w, hit) => w
        .Byte((byte)hit.Place)
        .Int32(hit.Start)
        .Int32(hit.End)
        .Int64((long)hit.Entry)
        .String(hit.Category)
        .Byte((byte)hit.Level)
        .Byte((byte)hit.Action)).ToArray();

    public static LexiconHit[] Read(ref ByteReader reader) => reader.List((ref ByteReader r) => new LexiconHit(
        Known((HitPlace)r.Byte()), r.Int32(), r.Int32(), (ulong)r.Int64(), r.String(), r.Byte(), Known((HitAction)r.Byte())));

    private static T Known<T>(T value) where T : struct, Enum =>
        Enum.IsDefined(value) ? value : throw new InvalidDataException($"a {typeof(T).Name} is {value:D}");
}
