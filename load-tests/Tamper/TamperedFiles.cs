using System.Globalization;
using Microsoft.Data.Sqlite;
using R1Grains.Ledger;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Tree;

namespace R1Grains.LoadTests.Tamper;

/// <summary>The embedded record.</summary>
internal sealed class TamperedFiles : TamperedStore
{
    public override string Name => "SQLite";

    public override async Task<StoredRecord> OpenAsync(NoteSigner signer, KeyRing keys, bool witnessed) => await SqliteRecord.OpenAsync(Folder, Identity(signer, witnessed), keys);

    public override Task<VerificationReport> VerifyAsync(IReadOnlyList<NoteKey> keys, KeyRing dataKeys) => RecordVerifier.VerifyAsync(Folder, keys, dataKeys);

    public override Task<PublishedTrees> OpenTreesAsync() => Task.FromResult(PublishedTrees.OpenFile(Folder));

    public override async Task ExecuteAsync(string sql)
    {
        await using var connection = await ConnectAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    public override async Task<string> ReadAsync(string sql)
    {
        await using var connection = await ConnectAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToString(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture)!;
    }

    public override string Flipped(string column) => $"CAST(CASE WHEN substr({column}, 1, 1) = x'aa' THEN x'55' ELSE x'aa' END || substr({column}, 2) AS BLOB)";

    public override string Bytes(string expression) => $"CAST({expression} AS BLOB)";

    public override string Blob(byte[] bytes) => $"x'{Convert.ToHexStringLower(bytes)}'";

    private async Task<SqliteConnection> ConnectAsync()
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(Folder, SqliteRecord.FileName), Pooling = false }.ToString());
        await connection.OpenAsync();
        return connection;
    }
}
