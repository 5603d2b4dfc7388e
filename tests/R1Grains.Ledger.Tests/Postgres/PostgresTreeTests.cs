using System.Diagnostics;
using Npgsql;
using R1Grains.Ledger.Postgres;
using R1Grains.Ledger.Tests.Tree;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Tests.Postgres;

[Collection(PostgresCollection.Name)]
public sealed class PostgresTreeTests : StoredTreeTests
{
    private readonly PostgresStore _store;

    public PostgresTreeTests(PostgresFixture fixture) : this(new PostgresStore(fixture.Server))
    {
    }

    private PostgresTreeTests(PostgresStore store) : base(store) => _store = store;

    [Fact]
    public async Task Whoever_leads_next_goes_on_where_the_last_one_was_and_leaves_out_nothing()
    {
        var receipts = new List<Receipt>();
        var records = new Queue<PostgresRecord>();
        for (var number = 1; number <= 3; number++)
            records.Enqueue(await _store.OpenAsync());
        for (var number = 1; number <= 8; number++)
        {
            // Two write, one of them leads, or a third does; then the one that has been there longest leaves.
            var writers = records.Take(2).ToArray();
            for (var writer = 0; writer < writers.Length; writer++)
            {
                var key = Samples.Key($"c{number}-{writer}");
                var epoch = await writers[writer].Begin(key);
                for (var turn = 1; turn <= 10; turn++)
                    receipts.Add(await writers[writer].AppendTurn(key, turn, epoch, 1));
            }
            records.Enqueue(await _store.OpenAsync());
            await records.Dequeue().DisposeAsync();
        }
        foreach (var receipt in receipts)
            await Proof(records.Peek(), receipt);
        foreach (var record in records)
            await record.DisposeAsync();
        using var signed = _store.Key;
        var report = await _store.VerifyAsync([signed]);
        Assert.True(report.Valid, report.FirstBad?.ToString());
        Assert.Equal(report.Entries, report.Leaves);
    }

    [Fact]
    public async Task Two_cannot_go_on_from_the_same_leaf()
    {
        await using var record = await PostgresRecord.OpenAsync(await _store.CreateAsync(), new FileRecordMarks(_store.Marks), keys: await _store.Keys);
        await using var database = Database.ToWrite(await _store.CreateAsync());
        await using var first = (await LeadAsync(database))!;
        Assert.Null(await LeadAsync(database));
        var epoch = await record.Begin(Samples.Key());
        await record.AppendTurn(Samples.Key(), 1, epoch, 0);
        await first.RoundAsync(publish: true);
        var before = await record.FindCheckpointAsync("demo");

        await record.AppendTurn(Samples.Key(), 2, epoch, 0);
        // As another one would that took the lock while this one stood still.
        await _store.ExecuteAsync("INSERT INTO leaf SELECT id, size, 1, 1, 3 FROM tree");
        var refused = await Assert.ThrowsAsync<PostgresException>(() => first.RoundAsync(publish: true));
        Assert.Equal(PostgresErrorCodes.UniqueViolation, refused.SqlState);
        Assert.Equal(before!.ToString(), (await record.FindCheckpointAsync("demo"))!.ToString());
        Assert.Equal(3, await _store.ScalarAsync<long>("SELECT size FROM tree"));
    }

    [Fact]
    public async Task Nothing_is_lost_or_doubled_when_leaders_and_writers_are_killed_at_any_point()
    {
        using var time = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        await (await _store.OpenAsync()).DisposeAsync();
        var published = new List<Checkpoint>();
        var old = Start(0);
        for (var round = 1; round <= 12; round++)
        {
            var young = Start(round);
            await LinesAsync(young, 30, time.Token);
            await LinesAsync(old, 20 * round % 70, time.Token);
            old.Kill();
            await old.WaitForExitAsync(time.Token);
            old.Dispose();
            old = young;
            await using var reader = await PostgresRecord.OpenAsync(await _store.CreateAsync(), new FileRecordMarks(_store.Marks), cancellation: time.Token);
            if (await reader.FindCheckpointAsync("demo", time.Token) is { } note)
                published.Add(Checkpoint.Parse(note.Text));
        }
        old.Kill();
        await old.WaitForExitAsync(time.Token);
        old.Dispose();

        await (await _store.OpenAsync()).DisposeAsync();
        using var signed = _store.Key;
        var report = await _store.VerifyAsync([signed], cancellation: time.Token);
        Assert.True(report.Valid, report.FirstBad?.ToString());
        Assert.Equal(report.Entries, report.Leaves);
        Assert.True(published.Count > 5, "hardly anything was published");
        await using var record = await _store.OpenAsync();
        foreach (var earlier in published)
        {
            var proof = (await record.ProveConsistencyAsync("demo", earlier.Size, time.Token))!;
            var later = Checkpoint.Parse(proof.Checkpoint.Text);
            Assert.True(TreeProof.IsConsistent(earlier.Size, earlier.Root, later.Size, later.Root, proof.Hashes));
        }
    }

    [Fact]
    public async Task Trees_of_another_name_are_not_gone_on_with()
    {
        await using (var record = await _store.OpenAsync())
            await record.Begin(Samples.Key());
        await using var database = Database.ToWrite(await _store.CreateAsync());
        using var signer = NoteSigner.Generate();
        var refused = await Assert.ThrowsAsync<RecordServerException>(() => LeadAsync(database, new("bank", signer)));
        Assert.Contains("signed as 'r1grains/demo', and this server signs as 'bank/demo'", refused.Message, StringComparison.Ordinal);
    }

    protected override string Blob(byte[] bytes) => $"'\\x{Convert.ToHexStringLower(bytes)}'::bytea";

    protected override string Joined(string expression) => $"({expression})";

    private async Task<SequencerSession?> LeadAsync(Database database, LogIdentity? identity = null)
    {
        var session = await SequencerSession.OpenAsync(database, new AcknowledgedBatches(new FileRecordMarks(_store.Marks), database.Address), identity ?? PostgresStore.Identity(_store.Marks), TimeProvider.System);
        var leads = false;
        try
        {
            return (leads = await session.LeadAsync()) ? session : null;
        }
        finally
        {
            if (!leads)
                await session.DisposeAsync();
        }
    }

    private Process Start(int number) => AppendingProcess.Start([.. _store.Arguments, $"p{number}-"]);

    private static async Task LinesAsync(Process process, int count, CancellationToken cancellation)
    {
        for (; count > 0; count--)
        {
            if (await process.StandardOutput.ReadLineAsync(cancellation) is null)
                Assert.Fail(await process.StandardError.ReadToEndAsync(cancellation));
        }
    }
}
