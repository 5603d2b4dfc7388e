using System.Text.RegularExpressions;

namespace R1Grains.Ledger.Tests.Postgres;

[Collection(PostgresCollection.Name)]
public sealed partial class PostgresTamperTests(PostgresFixture fixture) : StoreTests(new PostgresStore(fixture.Server))
{
    private static readonly string[] Tables = ["conversation_head", "entry", "piece", "turn_request"];

    private static readonly string Restore = string.Join("; ", Tables.Select(table => $"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM sound_{table}"));

    /// <summary>In what only these tables have.</summary>
    private static TheoryData<string, string, string> Cases => new()
    {
        { "entry: tenant", "UPDATE entry SET tenant = 'other' WHERE conversation_id = 1 AND idx = 3", "c1/2/3/ 'other'" },
        { "piece: tenant", "UPDATE piece SET tenant = 'other' WHERE conversation_id = 1 AND turn = 2 AND number = 3", "c1/2//3 'other'" },
        { "head: first time raised", "UPDATE conversation_head SET first_time = last_time WHERE id = 1", "c1//0/ not between those that the head names" },
        { "head: last time lowered", "UPDATE conversation_head SET last_time = first_time WHERE id = 1", "c1/1/1/ not between those that the head names" },
        { "request: removed", "DELETE FROM turn_request WHERE conversation_id = 1 AND turn = 2", "c1/2/3/ leads to no turn" },
        { "request: of another turn", "UPDATE turn_request SET turn = 1 WHERE conversation_id = 1 AND turn = 2", "c1/2/3/ leads to turn 1" },
        { "request: added", "INSERT INTO turn_request VALUES (1, 'turn-9', 2, 'demo')", "c1/// opened by 2 requests, and 3 are kept" },
        { "request: of another tenant", "UPDATE turn_request SET tenant = 'other' WHERE conversation_id = 1 AND turn = 2", "c1/// requests" },
        { "request: stray", "INSERT INTO turn_request VALUES (50, 'turn-1', 1, 'demo')", "/// table turn_request has rows of conversation number 50" },
    };

    [Fact]
    public async Task Tampering_is_found_and_its_place_named()
    {
        await using (var record = await Store.OpenAsync())
            await TamperTests.WriteSoundAsync(record);
        foreach (var table in Tables)
            await Store.ExecuteAsync($"CREATE TABLE sound_{table} AS TABLE {table}");
        await Store.ExecuteAsync("ALTER TABLE sound_conversation_head DROP COLUMN idle_at");

        using var key = Store.Key;
        foreach (var (what, sql, expected) in TamperTests.Cases.Concat(Cases).Select(row => ((string)row[0], (string)row[1], (string)row[2])))
        {
            // Its columns are as wide as their values, and a month's table takes no other's rows.
            if (what is "entry: turn beyond 32 bits" or "entry: dated beyond time")
                continue;
            await Store.ExecuteAsync($"{Restore}; {Translate(sql)}");
            var bad = (await Store.VerifyAsync([key])).FirstBad;
            Assert.True(bad is not null, $"{what}: not found");
            var (place, reason) = expected.Split(' ', 2) is [var first, var rest] ? (first, rest) : (expected, "");
            Assert.Equal($"{what}: {place}", $"{what}: {bad.Conversation}/{bad.Turn}/{bad.Index}/{bad.Piece}");
            Assert.Contains(reason, bad.Reason, StringComparison.Ordinal);
        }
        await Store.ExecuteAsync(Restore);
        Assert.Null((await Store.VerifyAsync()).FirstBad);
    }

    [Fact]
    public async Task Verifying_beside_a_writing_server_raises_no_false_alarm()
    {
        await using var record = await Store.OpenAsync();
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 6).Select(async writer =>
        {
            var key = Samples.Key($"c{writer}");
            var epoch = await record.Begin(key);
            for (var turn = 1; !stop.IsCancellationRequested; turn++)
                await record.AppendTurn(key, turn, epoch, 4);
        }).ToArray();
        for (var round = 0; round < 20; round++)
        {
            var report = await Store.VerifyAsync();
            Assert.True(report.Valid, report.FirstBad?.ToString());
        }
        await stop.CancelAsync();
        await Task.WhenAll(writers);
    }

    private static string Translate(string sqlite)
    {
        var sql = Flipped().Replace(sqlite, "set_byte($1, 0, get_byte($1, 0) # 255)");
        sql = Text().Replace(sql, "convert_to('$1', 'UTF8')");
        sql = Cast().Replace(sql, "($1)");
        sql = Bytes().Replace(sql, "'\\x$1'::bytea");
        sql = PieceAdded().Replace(sql, "INSERT INTO piece (conversation_id, turn, number, epoch, time, skeleton, sealed, hash, tenant) SELECT $1, tenant FROM piece");
        sql = EntryAdded().Replace(sql, "prompt, tenant, writer, batch) SELECT $1, tenant, writer, batch FROM entry");
        sql = sql.Replace("completed FROM conversation_head", "completed, first_time, last_time FROM conversation_head", StringComparison.Ordinal);
        return sql.Replace("completed = 0", "completed = false", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"CAST\(CASE WHEN substr\((\w+), 1, 1\) = x'aa' THEN x'55' ELSE x'aa' END \|\| substr\(\w+, 2\) AS BLOB\)")]
    private static partial Regex Flipped();

    [GeneratedRegex("CAST\\('([^']*)' AS BLOB\\)")]
    private static partial Regex Text();

    [GeneratedRegex(@"CAST\((substr.*?) AS BLOB\)")]
    private static partial Regex Cast();

    [GeneratedRegex("INSERT INTO piece SELECT (.*?) FROM piece")]
    private static partial Regex PieceAdded();

    [GeneratedRegex(@"prompt\) SELECT (.*?) FROM entry")]
    private static partial Regex EntryAdded();

    [GeneratedRegex("x'([0-9a-f]*)'")]
    private static partial Regex Bytes();
}
