namespace R1Grains.Ledger.Tests;

public sealed class DiskFullTests : IDisposable
{
    private static readonly ConversationKey Key = Samples.Key();
    private static readonly int[] LargePrompt = new int[50_000];

    private readonly RecordFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_full_file_fails_the_append_and_leaves_the_record_whole()
    {
        await using var record = await SqliteRecord.OpenAsync(_folder.Path, pageCountMax: 60);
        var epoch = await record.Begin(Key);
        var failure = await Assert.ThrowsAsync<RecordUnavailableException>(() => record.AppendAsync(Samples.Turn(Key, 1, epoch), LargePrompt));
        Assert.Contains("The disk is full: free space, then retry.", failure.Message, StringComparison.Ordinal);
        await record.AppendTurn(Key, 1, epoch, 2);
        Assert.Equal(new VerificationReport(1, 1, 0, 3, 2, 0, null), (await RecordVerifier.VerifyAsync(_folder.Path)).WithoutTrees());
    }

    /// <summary>Where the user may mount a small volume, this fills it; elsewhere the bound of the file stands in for it.</summary>
    [Fact]
    public async Task Appends_go_on_when_space_returns()
    {
        using var volume = await SmallVolume.TryMount(_folder.Path);
        await using var record = await SqliteRecord.OpenAsync(_folder.Path, pageCountMax: volume is null ? 100 : null);
        var epoch = await record.Begin(Key);
        var ballast = Path.Combine(_folder.Path, "ballast");
        if (volume is not null)
            Fill(ballast);

        // Many at once: the transaction that meets the full disk fails whole, whatever else is in it.
        var others = Enumerable.Range(0, 30).Select(other => Samples.Key($"other{other}")).ToArray();
        var appends = others.Select(key => record.CreateConversationAsync(Samples.Opened(key) with { Customer = new string('x', 40_000) })).ToArray();
        var outcomes = await Task.WhenAll(appends.Select(async append => await Record.ExceptionAsync(() => append)));
        Assert.Contains(outcomes, outcome => outcome is RecordUnavailableException);
        Assert.All(outcomes, outcome => Assert.True(outcome is null or RecordUnavailableException, outcome?.ToString()));
        await Assert.ThrowsAsync<RecordUnavailableException>(() => record.AppendAsync(Samples.Turn(Key, 1, epoch), new int[500_000]));

        for (var other = 0; other < others.Length; other++)
            Assert.Equal(outcomes[other] is null, await record.FindConversationAsync(others[other]) is not null);
        var report = await RecordVerifier.VerifyAsync(_folder.Path);
        Assert.Equal((true, 1 + outcomes.Count(outcome => outcome is null)), (report.Valid, (int)report.Conversations));

        if (volume is not null)
            File.Delete(ballast);
        await record.AppendTurn(Key, 1, epoch, 2);
        Assert.True((await RecordVerifier.VerifyAsync(_folder.Path)).Valid);
    }

    private static void Fill(string path)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true)
                file.Write(new byte[4096]);
        }
        catch (IOException)
        {
            // Full, which is what was asked for.
        }
    }
}
