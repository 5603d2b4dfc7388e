using Microsoft.Data.Sqlite;
using R1Grains.Ledger.Sqlite;

namespace R1Grains.Ledger.Tests;

/// <summary>A folder for one test, removed after it.</summary>
internal sealed class RecordFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("record-").FullName;

    public string File => RecordFile.In(Path);

    public Task<SqliteRecord> OpenAsync() => SqliteRecord.OpenAsync(Path);

    /// <summary>Changes the file behind the record's back, as somebody with access to the disk would.</summary>
    public void Execute(string sql)
    {
        using var connection = Connect();
        RecordFile.Execute(connection, sql);
    }

    public SqliteConnection Connect()
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = File, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
