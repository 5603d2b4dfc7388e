using Microsoft.Data.Sqlite;

namespace R1Grains.Ledger.Tests.Sqlite;

public sealed class SqliteIndexTests : TranscriptIndexTests
{
    private readonly SqliteStore _store;

    public SqliteIndexTests() : this(new SqliteStore())
    {
    }

    private SqliteIndexTests(SqliteStore store) : base(store) => _store = store;

    private string Index => Path.Combine(_store.Folder.Path, "search.db");

    protected override async Task<IReadOnlyList<int>> Levels()
    {
        var levels = new List<int>();
        await using var connection = new SqliteConnection($"Data Source={Index};Pooling=False");
        await connection.OpenAsync();
        await using var command = new SqliteCommand("SELECT DISTINCT level FROM search_segment ORDER BY level", connection);
        await using var row = await command.ExecuteReaderAsync();
        while (await row.ReadAsync())
            levels.Add(row.GetInt32(0));
        return levels;
    }

    [Fact]
    public async Task An_index_of_another_copy_of_the_record_is_known_and_built_anew()
    {
        await Append("first", 20);
        var older = Path.Combine(_store.Folder.Path, "older");
        File.Copy(_store.Folder.File, older);
        await Append("lost", 20);
        await using (var record = await Open())
            await CatchUp(record);

        foreach (var suffix in (string[])["-wal", "-shm"])
            File.Delete(_store.Folder.File + suffix);
        File.Move(older, _store.Folder.File, overwrite: true);
        await Append("other", 30);
        await using var restored = await Open();
        await CatchUp(restored);
        Assert.Equal((await All(restored, "demo")).Select(turn => turn.Leaf).Reverse(), (await restored.Index.FindAsync("demo", new([]), null, 1_000)).Leaves);
    }

    [Theory]
    [InlineData("no database at all, but long enough to be taken for one ....................................................")]
    [InlineData("")]
    public async Task A_file_that_is_no_index_is_made_anew(string content)
    {
        await Append("first", 3);
        await File.WriteAllTextAsync(Index, content);
        await using var record = await Open();
        await CatchUp(record);
        Assert.Equal(3, (await record.Index.FindAsync("demo", new([]), null, 1_000)).Leaves.Count);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Index) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead | UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }
}
