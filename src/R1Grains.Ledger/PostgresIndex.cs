using R1Grains.Ledger.Postgres;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger;

/// <summary>In the record's database, in tables of its own.</summary>
internal sealed class PostgresIndex(StoredRecord record, Database database) : TranscriptIndex(record)
{
    private readonly StoredRecord _record = record;

    internal override Task<T> Read<T>(string tenant, Func<RecordReads, Task<T>> read, CancellationToken cancellation) => _record.Read(tenant, read, cancellation);

    private protected override Exception Translate(Exception failure) => Outage.Translate(failure, database.Address);

    private protected override async Task<Search.IndexConnection> OpenAsync(CancellationToken cancellation) => await IndexConnection.OpenAsync(database, cancellation);
}
