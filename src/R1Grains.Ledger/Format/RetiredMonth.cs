namespace R1Grains.Ledger.Format;

/// <summary>Which leaves stand for entries that are no longer kept, because their month was taken out of the record whole.</summary>
/// <param name="Entries">How many there are.</param>
/// <param name="Leaves">By tenant; ascending, and no two touch.</param>
internal sealed record RetiredMonth(long Entries, IReadOnlyList<(string Tenant, IReadOnlyList<LeafRun> Runs)> Leaves)
{
    /// <summary>Kind of the documents, of the cluster itself, that hold these. Their ids are months, e.g. <c>2019-01</c>.</summary>
    public const string Kind = "retired-month";

    /// <summary>Kind of the documents that say that a month's pieces alone are no longer kept; without content of their own.</summary>
    public const string PiecesKind = "retired-pieces";

    private const byte Version = 1;

    public byte[] Encode() => new ByteWriter().Byte(Version).Int64(Entries)
        .List(Leaves, (list, tenant) => list.String(tenant.Tenant).List(tenant.Runs, (runs, run) => runs.Int64(run.First).Int64(run.Count)))
        .ToArray();

    /// <exception cref="InvalidDataException"/>
    public static RetiredMonth Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new ByteReader(bytes);
        if (reader.Byte() is var version and not Version)
            throw new InvalidDataException($"a retired month has version {version}, this program knows {Version}");
        var month = new RetiredMonth(
            reader.Int64(),
            reader.List((ref tenant) => (tenant.String(), (IReadOnlyList<LeafRun>)tenant.List((ref run) => new LeafRun(run.Int64(), run.Int64())))));
        reader.End();
        return month;
    }
}

/// <summary>Neighbouring leaves of a tree.</summary>
internal readonly record struct LeafRun(long First, long Count);
