namespace R1Grains.Ledger.Format;

/// <summary>Resume points as bytes: their count, then tokens and fingerprint of each.</summary>
internal static class ResumePoints
{
    public static ByteWriter Points(this ByteWriter writer, IReadOnlyList<ResumePoint> points) =>
        writer.List(points, (w, point) => w.Int32(point.Tokens).Digest(point.Numerics));

    public static ResumePoint[] Read(ref ByteReader reader) => reader.List((ref ByteReader r) => new ResumePoint(r.Int32(), r.Digest()));
}
