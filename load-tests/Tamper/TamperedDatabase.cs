using R1Grains.Ledger;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Tree;
using R1Grains.Tests.Servers;

namespace R1Grains.LoadTests.Tamper;

/// <summary>A record in PostgreSQL. How it stands is kept as a database of its own, of which the next one is made.</summary>
internal sealed class TamperedDatabase(PostgresServer server) : TamperedStore
{
    private static int _count;

    private readonly string _original = $"tamper_{Interlocked.Increment(ref _count)}";
    private string _current = "";
    private int _begun;

    public override string Name => "PostgreSQL";

    private string Connection => server.ConnectionString(_current);

    public override async Task BeginAsync()
    {
        await base.BeginAsync();
        _current = $"{_original}_{++_begun}";
        await server.CreateDatabaseAsync(_current);
    }

    public override async Task<StoredRecord> OpenAsync(NoteSigner signer, KeyRing keys, bool witnessed) =>
        await PostgresRecord.OpenAsync(Connection, new FileRecordMarks(Folder), Identity(signer, witnessed), keys);

    public override Task<VerificationReport> VerifyAsync(IReadOnlyList<NoteKey> keys, KeyRing dataKeys) => RecordVerifier.VerifyPostgresAsync(Connection, keys, dataKeys);

    public override Task<PublishedTrees> OpenTreesAsync() => PublishedTrees.OpenPostgresAsync(Connection);

    public override Task ExecuteAsync(string sql) => server.ExecuteAsync($"SET search_path = r1grains; SET session_replication_role = replica; {sql}", _current);

    public override Task<string> ReadAsync(string sql) => server.ScalarAsync<string>($"SET search_path = r1grains; {sql}", _current);

    public override string Flipped(string column) => $"set_byte({column}, 0, get_byte({column}, 0) # 255)";

    public override string Bytes(string expression) => $"({expression})";

    public override string Blob(byte[] bytes) => $"'\\x{Convert.ToHexStringLower(bytes)}'::bytea";

    public override async Task KeepAsync(string name)
    {
        await base.KeepAsync(name);
        await server.ExecuteAsync($"CREATE DATABASE {_current}_{name} OWNER bank TEMPLATE {_current}");
    }

    public override async Task ResetAsync(string name, bool rowsAlone = false)
    {
        if (!rowsAlone)
            await base.ResetAsync(name);
        await server.ExecuteAsync($"DROP DATABASE {_current} WITH (FORCE)");
        // Its roles bear the name of the first.
        await server.ExecuteAsync($"CREATE DATABASE {_current} OWNER bank TEMPLATE {_current}_{name}");
    }
}
