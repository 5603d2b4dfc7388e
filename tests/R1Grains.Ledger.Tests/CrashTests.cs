namespace R1Grains.Ledger.Tests;

public abstract class CrashTests(IRecordStore store) : StoreTests(store)
{
    private const int Rounds = 20;

    [Fact]
    public async Task Every_acknowledged_append_is_there_after_kill_nine()
    {
        using var time = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        await (await Store.OpenAsync()).DisposeAsync();
        var acknowledged = new List<string[]>();
        for (var round = 1; round <= Rounds; round++)
        {
            using var process = AppendingProcess.Start(Store.Arguments);
            var lives = 40 + 12 * round;
            var before = acknowledged.Count;
            while (await process.StandardOutput.ReadLineAsync(time.Token) is { } line)
            {
                // A line without its end mark was cut by the kill: what it says may or may not have happened.
                if (line.Split(' ') is [.. var words, "."])
                    acknowledged.Add(words);
                if (--lives == 0)
                    process.Kill();
            }
            await process.WaitForExitAsync(time.Token);
            Assert.True(lives <= 0, await process.StandardError.ReadToEndAsync(time.Token));
            Assert.True(acknowledged.Count - before >= 40, "the kill came before anything was acknowledged");

            var report = await Store.VerifyAsync(cancellation: time.Token);
            Assert.True(report.Valid, report.FirstBad?.ToString());
        }

        // Whoever leads next takes what the killed ones left.
        await (await Store.OpenAsync()).DisposeAsync();
        using var key = Store.Key;
        var all = await Store.VerifyAsync([key], cancellation: time.Token);
        Assert.True(all.Valid, all.FirstBad?.ToString());
        Assert.Equal(all.Entries, all.Leaves);

        await using var record = await Store.OpenAsync();
        var pieces = new HashSet<(string, int, int)>();
        var receipts = new HashSet<(string, long, string)>();
        for (var number = 0; number < 8; number++)
        {
            for (long? after = 0; after is not null;)
            {
                var page = await record.ListTurnsAsync(Samples.Key($"c{number}"), 100, after);
                foreach (var turn in page.Items)
                {
                    pieces.UnionWith(turn.Pieces.Select(piece => (piece.Key.Conversation, piece.Turn, piece.Number)));
                    foreach (var receipt in new[] { turn.OpenedReceipt, turn.ClosedReceipt }.OfType<Receipt>())
                        receipts.Add((receipt.Key.Conversation, receipt.Index, receipt.LeafHash.ToString()));
                }
                after = page.Next;
            }
        }
        Assert.All(acknowledged, words => Assert.True(words switch
        {
            ["ready"] => true,
            ["piece", var conversation, var turn, var number] => pieces.Contains((conversation, int.Parse(turn), int.Parse(number))),
            [_, var conversation, var index, var leaf] => receipts.Contains((conversation, long.Parse(index), leaf)),
            _ => false,
        }, $"acknowledged and lost: {string.Join(' ', words)}"));
    }
}
