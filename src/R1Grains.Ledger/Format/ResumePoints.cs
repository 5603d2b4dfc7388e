namespace R1Grains.Ledger.Format;

/// <summary>Resume points as bytes: their count, then tokens and fingerprint of each.</summary>
internal static class ResumePoints
{
    public static byte[] Encode(IReadOnlyList<ResumePoint> points) =>
        new ByteWriter().List(points, (w, point) => w.Int32(point.Tokens).Digest(point.Numerics)).ToArray();

    public static ResumePoint[] Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new ByteReader(bytes);
        var points = Read(ref reader);
        reader.End();
        return points;
    }

    public static ResumePoint[] Read(ref ByteReader reader) => reader.List((ref ByteReader r) => new ResumePoint(r.Int32(), r.Digest()));
}
