namespace R1Grains.Ledger.Exports;

/// <param name="FirstBad">Null where everything agrees.</param>
public sealed record ExportReport(ExportManifest Manifest, ExportCounts Counts, ExportFault? FirstBad)
{
    public bool Valid => FirstBad is null;

    /// <summary>Leaves of the tree against which it is proved.</summary>
    public long TreeSize { get; init; }

    /// <summary>Id of the key that signed it; 0 where none did that counts.</summary>
    public uint Signer { get; init; }
}

/// <param name="Line">From 1; null where the file as a whole is meant.</param>
/// <param name="Place">Which record; null where none is.</param>
public sealed record ExportFault(string File, long? Line, string? Place, string Reason)
{
    public override string ToString() => $"{File}{(Line is { } line ? $" line {line}" : "")}{(Place is { } place ? $" ({place})" : "")}: {Reason}";
}

/// <summary>There is no export to verify.</summary>
public sealed class ExportException(string message, Exception? cause = null) : Exception(message, cause);

/// <param name="Bytes">Of the records' file, read so far.</param>
public sealed record ExportProgress(long Bytes, long Total);
