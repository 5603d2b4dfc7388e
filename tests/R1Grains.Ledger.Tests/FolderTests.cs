using R1Grains.Ledger.Sqlite;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Tests;

public sealed class FolderTests : IDisposable
{
    private readonly RecordFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_folder_has_one_writer_and_the_second_is_told_who_it_is()
    {
        await using (await _folder.OpenAsync())
        {
            var failure = await Assert.ThrowsAsync<RecordFolderException>(_folder.OpenAsync);
            Assert.Contains(_folder.Path, failure.Message, StringComparison.Ordinal);
            Assert.Contains($"process {Environment.ProcessId} on {Environment.MachineName}", failure.Message, StringComparison.Ordinal);
            Assert.Contains("record.lock", failure.Message, StringComparison.Ordinal);
        }
        await (await _folder.OpenAsync()).DisposeAsync();
    }

    [Fact]
    public async Task A_killed_process_leaves_the_folder_to_the_next()
    {
        using var process = AppendingProcess.Start("sqlite", _folder.Path);
        Assert.Equal("ready .", await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30)));
        var failure = await Assert.ThrowsAsync<RecordFolderException>(_folder.OpenAsync);
        Assert.Contains($"process {process.Id} ", failure.Message, StringComparison.Ordinal);
        process.Kill();
        await process.WaitForExitAsync();
        await (await _folder.OpenAsync()).DisposeAsync();
    }

    [Theory]
    [InlineData(6)]
    [InlineData(8)]
    public async Task A_record_of_another_version_is_refused_and_left_as_it_is(int version)
    {
        await (await _folder.OpenAsync()).DisposeAsync();
        _folder.Execute($"PRAGMA user_version = {version}");
        foreach (var call in new Func<Task>[] { _folder.OpenAsync, () => RecordVerifier.VerifyAsync(_folder.Path) })
            Assert.Contains($"has version {version}, this program knows version {RecordFile.SchemaVersion}", (await Assert.ThrowsAsync<RecordFolderException>(call)).Message, StringComparison.Ordinal);
        _folder.Execute($"PRAGMA user_version = {RecordFile.SchemaVersion}");
        await (await _folder.OpenAsync()).DisposeAsync();
    }

    [Fact]
    public async Task A_record_whose_trees_bear_another_name_is_refused()
    {
        using var signer = NoteSigner.Generate();
        await using (var record = await SqliteRecord.OpenAsync(_folder.Path, new LogIdentity("bank", signer)))
            await record.Begin(Samples.Key());
        Assert.Contains("signed as 'bank/demo'", (await Assert.ThrowsAsync<RecordFolderException>(_folder.OpenAsync)).Message, StringComparison.Ordinal);
        await (await SqliteRecord.OpenAsync(_folder.Path, new LogIdentity("bank", signer))).DisposeAsync();
    }

    [Fact]
    public async Task Somebody_elses_file_is_refused()
    {
        await File.WriteAllTextAsync(_folder.File, new string('x', 5000));
        Assert.Contains("is not a record", (await Assert.ThrowsAsync<RecordFolderException>(_folder.OpenAsync)).Message, StringComparison.Ordinal);
        File.Delete(_folder.File);
        _folder.Execute("CREATE TABLE mine (x)");
        Assert.Contains("is not a record", (await Assert.ThrowsAsync<RecordFolderException>(_folder.OpenAsync)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_record_is_called_damaged()
    {
        await using (var record = await _folder.OpenAsync())
            await record.AppendTurn(Samples.Key(), 1, await record.Begin(Samples.Key()), 50);
        using (var file = File.OpenWrite(_folder.File))
            file.SetLength(file.Length / 3);
        Assert.Contains("damaged", (await Assert.ThrowsAsync<RecordFolderException>(_folder.OpenAsync)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_made_is_named_with_what_to_do()
    {
        var file = Path.Combine(_folder.Path, "a-file");
        await File.WriteAllTextAsync(file, "");
        var folder = Path.Combine(file, "data");
        var failure = await Assert.ThrowsAsync<RecordFolderException>(() => SqliteRecord.OpenAsync(folder));
        Assert.Equal(folder, failure.Folder);
        Assert.Contains("Give the server write access", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_record_is_its_owners_alone()
    {
        if (OperatingSystem.IsWindows())
            return;
        var folder = Path.Combine(_folder.Path, "data");
        await using var record = await SqliteRecord.OpenAsync(folder);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
        foreach (var file in Directory.GetFiles(folder, "record.db*"))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    /// <summary>Where no volume can be mounted, a folder without write permission stands in for the medium.</summary>
    [Fact]
    public async Task A_copy_on_a_read_only_medium_verifies()
    {
        await using (var record = await _folder.OpenAsync())
            await record.AppendTurn(Samples.Key(), 1, await record.Begin(Samples.Key()), 2);
        using var medium = new RecordFolder();
        using var volume = await SmallVolume.TryMount(medium.Path);
        File.Copy(_folder.File, medium.File);
        if (volume is not null)
            await volume.MakeReadOnly();
        else if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(medium.Path, UnixFileMode.UserRead | UnixFileMode.UserExecute);

        Assert.Equal(new VerificationReport(1, 1, 0, 3, 2, 0, null), (await RecordVerifier.VerifyAsync(medium.Path)).WithoutTrees());

        if (volume is null && !OperatingSystem.IsWindows())
            File.SetUnixFileMode(medium.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    [Fact]
    public async Task There_must_be_a_record_to_verify()
    {
        var failure = await Assert.ThrowsAsync<RecordFolderException>(() => RecordVerifier.VerifyAsync(_folder.Path));
        Assert.Contains("there is no 'record.db'", failure.Message, StringComparison.Ordinal);
    }
}
