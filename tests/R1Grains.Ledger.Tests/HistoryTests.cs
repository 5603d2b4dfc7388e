namespace R1Grains.Ledger.Tests;

/// <summary>Random lives of many conversations at once: take-overs in mid-turn, retries, refused appends, odd texts. All of them verify.</summary>
public abstract class HistoryTests(IRecordStore store) : StoreTests(store)
{
    private static readonly string[] Texts = ["", "。", "a", "利率 1.35%，", "🏦👨‍👩‍👧", "e\u0301", "line\nbreak\0nul", new string('长', 3_000)];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Any_honest_history_verifies_and_reads_back(int seed)
    {
        var answers = new Dictionary<ConversationKey, List<string>>();
        await using (var record = await Store.OpenAsync())
        {
            foreach (var (key, said) in await Task.WhenAll(Enumerable.Range(0, 40).Select(number => Live(record, Samples.Key($"c{number}"), new Random(1_000 * seed + number)))))
                answers[key] = said;
        }
        var report = await Store.VerifyAsync();
        Assert.True(report.Valid, report.FirstBad?.ToString());
        Assert.Equal(answers.Values.Sum(said => said.Count), report.Turns);

        await using var reopened = await Store.OpenAsync();
        foreach (var (key, said) in answers)
            Assert.Equal(said, (await reopened.TakeOverAsync(key))!.Turns.Select(turn => string.Concat(turn.Pieces.Select(piece => piece.Text))));
    }

    private static async Task<(ConversationKey, List<string>)> Live(IRecord record, ConversationKey key, Random random)
    {
        var said = new List<string>();
        var epoch = await record.Begin(key);
        for (var turn = 1; turn <= random.Next(1, 8); turn++)
        {
            var opened = Samples.Turn(key, turn, epoch) with { Input = Texts[random.Next(Texts.Length)] };
            await Twice(() => record.AppendAsync(opened, Samples.Prompt));
            var (answer, pieces) = ("", random.Next(7));
            for (var number = 1; number <= pieces; number++)
            {
                if (random.Next(5) == 0)
                    epoch = (await record.TakeOverAsync(key))!.Epoch;
                var piece = Samples.Piece(key, turn, number, epoch, Texts[random.Next(Texts.Length)]);
                await Twice(() => record.AppendAsync(piece));
                await Refused(() => record.AppendAsync(piece with { Text = piece.Text + "!" }));
                await Refused(() => record.AppendAsync(piece with { Number = number + 2 }));
                await Refused(() => record.AppendAsync(piece with { Number = number + 1, Epoch = epoch - 1 }));
                answer += piece.Text;
            }
            said.Add(answer);
            var closed = Samples.Closed(key, turn, epoch, pieces, answer) with { Outcome = (Outcome)random.Next(1, 6), FirstTokenTime = null };
            if (turn == 7)
                return (key, said);
            await Twice(() => record.AppendAsync(closed));
        }
        if (random.Next(2) == 0)
            await Twice(() => record.AppendAsync(Samples.Completed(key, epoch, said.Count)));
        return (key, said);

        async Task Twice(Func<Task> append)
        {
            await append();
            if (random.Next(3) == 0)
                await append();
        }

        async Task Refused(Func<Task> append)
        {
            if (random.Next(4) == 0)
                Assert.True(await Record.ExceptionAsync(append) is StaleEpochException or RecordConflictException);
        }
    }
}
