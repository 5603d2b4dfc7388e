using R1Grains.Ledger.Keys;
using R1Grains.Tests.Servers;

namespace R1Grains.Ledger.Tests.Postgres;

/// <summary>A standby takes over, or a backup is put back: what was acknowledged is there, or nothing goes on.</summary>
public sealed class FailoverTests : IAsyncLifetime
{
    private const string DatabaseName = "bank_record";

    private PostgresServer _primary = null!;
    private PostgresServer? _standby;
    private readonly string _marks = Directory.CreateTempSubdirectory("marks-").FullName;
    private readonly string _keysFolder = Directory.CreateTempSubdirectory("keys-").FullName;
    private string _connectionString = null!;
    private KeyRing _keys = null!;

    public async Task InitializeAsync()
    {
        _primary = await PostgresServer.StartAsync();
        _connectionString = await _primary.CreateDatabaseAsync(DatabaseName);
        _keys = await KeyRing.OpenBesideAsync(_keysFolder);
    }

    public async Task DisposeAsync()
    {
        if (_standby is not null)
            await _standby.DisposeAsync();
        await _primary.DisposeAsync();
        await _keys.DisposeAsync();
        Directory.Delete(_marks, recursive: true);
        Directory.Delete(_keysFolder, recursive: true);
    }

    [Fact]
    public async Task A_synchronous_standby_that_takes_over_has_everything()
    {
        _standby = await _primary.CreateStandbyAsync();
        await _primary.SetAsync("synchronous_standby_names", "*");
        var both = BothHosts();
        await using var record = await PostgresRecord.OpenAsync(both, Marks(), keys: _keys);
        await using var traffic = new Traffic(record);
        await traffic.FlowAsync();

        await _primary.KillAsync();
        await _standby.PromoteAsync();
        await _standby.SetAsync("synchronous_standby_names", "");
        await traffic.FlowAsync();
        await traffic.StopAsync();

        var report = await RecordVerifier.VerifyPostgresAsync(_standby.ConnectionString(DatabaseName));
        Assert.Null(report.FirstBad);
        Assert.True(report.Pieces > 0);
    }

    [Fact]
    public async Task A_standby_that_lags_is_refused_when_it_takes_over_until_the_right_one_is_there()
    {
        _standby = await _primary.CreateStandbyAsync();
        await using var record = await PostgresRecord.OpenAsync(BothHosts(), Marks(), keys: _keys);
        var epoch = await record.Begin(Samples.Key());
        await record.AppendTurn(Samples.Key(), 1, epoch, 2);
        await WaitForStandbyAsync();
        await _standby.StopAsync();
        var last = await record.AppendTurn(Samples.Key(), 2, epoch, 2);

        await _primary.KillAsync();
        await _standby.StartAsync();
        await _standby.PromoteAsync();
        var write = await Assert.ThrowsAsync<RecordRewoundException>(() => record.AppendAsync(Samples.Turn(Samples.Key(), 3, epoch), Samples.Prompt));
        var read = await Assert.ThrowsAsync<RecordRewoundException>(() => record.FindTurnAsync(Samples.Key(), 2));
        Assert.True(write.Found < write.Seen);
        Assert.Contains("Promote the standby that has it", write.Message, StringComparison.Ordinal);
        Assert.Contains(_marks, read.Message, StringComparison.Ordinal);

        await _standby.StopAsync();
        await _primary.StartAsync();
        Assert.Equal(last, (await record.FindTurnAsync(Samples.Key(), 2))!.ClosedReceipt);
        await record.AppendAsync(Samples.Turn(Samples.Key(), 3, epoch), Samples.Prompt);
    }

    [Fact]
    public async Task An_old_backup_is_refused_by_those_who_run_and_by_those_who_start()
    {
        string backup;
        await using (var before = await PostgresRecord.OpenAsync(_connectionString, Marks(), keys: _keys))
        {
            await before.AppendTurn(Samples.Key(), 1, await before.Begin(Samples.Key()), 2);
            backup = await _primary.BackUpAsync();
        }
        await using var record = await PostgresRecord.OpenAsync(_connectionString, Marks(), keys: _keys);
        var epoch = (await record.TakeOverAsync(Samples.Key()))!.Epoch;
        await record.AppendTurn(Samples.Key(), 2, epoch, 2);

        // Another process's marks are read when it starts; they are at most a second behind.
        var (writer, batch) = (await Marks().ReadAsync()).Single();
        await Assert.ThrowsAsync<RecordConflictException>(() => record.AppendAsync(Samples.Turn(Samples.Key(), 9, epoch), Samples.Prompt));
        while ((await Marks().ReadAsync())[writer] <= batch + 1)
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        await _primary.RestoreAsync(backup);

        await Assert.ThrowsAsync<RecordRewoundException>(() => record.TakeOverAsync(Samples.Key()));
        await Assert.ThrowsAsync<RecordRewoundException>(() => record.FindTurnAsync(Samples.Key(), 1));
        await Assert.ThrowsAsync<RecordRewoundException>(() => PostgresRecord.OpenAsync(_connectionString, Marks(), keys: _keys));

        // Who starts without marks cannot know; whoever deletes them has accepted the loss.
        Directory.Delete(Marks().Place, recursive: true);
        await using var accepted = await PostgresRecord.OpenAsync(_connectionString, Marks(), keys: _keys);
        Assert.Null(await accepted.FindTurnAsync(Samples.Key(), 2));
        await accepted.AppendTurn(Samples.Key(), 2, (await accepted.TakeOverAsync(Samples.Key()))!.Epoch, 1);
    }

    [Fact]
    public async Task A_standby_takes_no_writes()
    {
        await (await PostgresRecord.OpenAsync(_connectionString, Marks(), keys: _keys)).DisposeAsync();
        _standby = await _primary.CreateStandbyAsync();
        var refused = await Assert.ThrowsAsync<RecordServerException>(() => PostgresRecord.OpenAsync(_standby.ConnectionString(DatabaseName), Marks()));
        Assert.Contains("it is a standby", refused.Message, StringComparison.Ordinal);
        Assert.True((await RecordVerifier.VerifyPostgresAsync(_standby.ConnectionString(DatabaseName))).Valid);
    }

    private FileRecordMarks Marks() => new(_marks);

    private string BothHosts() => _connectionString
        .Replace("Host=127.0.0.1", $"Host=127.0.0.1:{_standby!.Port},127.0.0.1:{_primary.Port}", StringComparison.Ordinal)
        .Replace($"Port={_primary.Port};", "Target Session Attributes=primary;", StringComparison.Ordinal);

    private async Task WaitForStandbyAsync()
    {
        var written = await _primary.ScalarAsync<string>("SELECT pg_current_wal_lsn()::text");
        while (!await _standby!.ScalarAsync<bool>($"SELECT pg_last_wal_replay_lsn() >= '{written}'"))
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
    }
}
