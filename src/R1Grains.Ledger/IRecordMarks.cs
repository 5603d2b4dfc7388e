namespace R1Grains.Ledger;

/// <summary>
/// How far each writer of a database got, kept outside that database: what shows that a database has gone back. A mark
/// may be behind; it must never be ahead of what was acknowledged.
/// </summary>
public interface IRecordMarks
{
    /// <summary>Where they are kept, for people, e.g. a folder or a key.</summary>
    string Place { get; }

    /// <summary>The last batch kept for each writer.</summary>
    Task<IReadOnlyDictionary<Guid, long>> ReadAsync(CancellationToken cancellation = default);

    /// <summary>Called about once a second for a writer that goes on. A number smaller than the kept one changes nothing.</summary>
    Task KeepAsync(Guid writer, long batch, CancellationToken cancellation = default);
}
