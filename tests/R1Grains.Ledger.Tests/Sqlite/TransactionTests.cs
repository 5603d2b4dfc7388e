using System.Buffers.Binary;
using R1Grains.Ledger.Sqlite;

namespace R1Grains.Ledger.Tests.Sqlite;

public sealed class TransactionTests : IDisposable
{
    private readonly RecordFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Whatever_waits_goes_into_one_transaction_and_a_refused_append_fails_alone()
    {
        await using var record = await _folder.OpenAsync();
        // So few that the log does not begin anew meanwhile, which it does after a thousand pages.
        var keys = Enumerable.Range(0, 30).Select(writer => Samples.Key($"c{writer}")).ToArray();
        foreach (var key in keys)
            await record.Begin(key);
        var commits = CountCommits();

        using var elsewhere = _folder.Connect();
        RecordFile.Execute(elsewhere, "BEGIN IMMEDIATE");
        var appends = keys.Select(key => record.AppendAsync(Samples.Turn(key, 1, epoch: 1), Samples.Prompt)).ToArray();
        var stale = record.AppendAsync(Samples.Turn(keys[3], 1, epoch: 0), Samples.Prompt);
        var conflict = record.AppendAsync(Samples.Turn(keys[5], 4, epoch: 1), Samples.Prompt);
        RecordFile.Execute(elsewhere, "COMMIT");

        await Task.WhenAll(appends);
        await Assert.ThrowsAsync<StaleEpochException>(() => stale);
        await Assert.ThrowsAsync<RecordConflictException>(() => conflict);
        Assert.InRange(CountCommits() - commits, 1, 2);
        Assert.Equal(new VerificationReport(30, 30, 30, 60, 0, 0, null), (await RecordVerifier.VerifyAsync(_folder.Path)).WithoutTrees());
    }

    [Fact]
    public async Task A_write_that_the_file_itself_rejects_leaves_its_neighbours_alone()
    {
        await using var record = await _folder.OpenAsync();
        var keys = Enumerable.Range(0, 20).Select(writer => Samples.Key($"c{writer}")).ToArray();
        foreach (var key in keys)
            await record.Begin(key);
        _folder.Execute("INSERT INTO entry (conversation_id, idx, format, kind, turn, epoch, time, hash, skeleton) VALUES (8, 1, 4, 2, 1, 1, 0, x'00', x'00')");

        using var elsewhere = _folder.Connect();
        RecordFile.Execute(elsewhere, "BEGIN IMMEDIATE");
        var appends = keys.Select(key => record.AppendAsync(Samples.Turn(key, 1, epoch: 1), Samples.Prompt)).ToArray();
        RecordFile.Execute(elsewhere, "COMMIT");

        await Assert.ThrowsAsync<RecordUnavailableException>(() => appends[7]);
        await Task.WhenAll(appends.Where((_, writer) => writer != 7));
    }

    [Fact]
    public async Task Reads_do_not_wait_for_the_writer()
    {
        await using var record = await _folder.OpenAsync();
        var epoch = await record.Begin(Samples.Key());
        await record.AppendTurn(Samples.Key(), 1, epoch, 2);
        using var elsewhere = _folder.Connect();
        RecordFile.Execute(elsewhere, "BEGIN IMMEDIATE");
        var append = record.AppendAsync(Samples.Turn(Samples.Key(), 2, epoch), Samples.Prompt);
        var reads = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => record.FindTurnAsync(Samples.Key(), 1)));
        Assert.All(reads, turn => Assert.NotNull(turn!.Closed));
        Assert.False(append.IsCompleted);
        RecordFile.Execute(elsewhere, "COMMIT");
        await append;
    }

    /// <summary>A frame of the write-ahead log that ends a transaction carries the size of the database; the others carry 0.</summary>
    private int CountCommits()
    {
        const int header = 32, frameHeader = 24, page = 4096;
        using var file = new FileStream(_folder.File + "-wal", FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var log = new byte[file.Length];
        file.ReadExactly(log);
        var commits = 0;
        for (var frame = header; frame + frameHeader <= log.Length; frame += frameHeader + page)
            commits += BinaryPrimitives.ReadUInt32BigEndian(log.AsSpan(frame + 4)) != 0 ? 1 : 0;
        return commits;
    }
}
