namespace R1Grains.Ledger.Tests;

public abstract class ReadTests(IRecordStore store) : StoreTests(store)
{
    private static readonly ConversationKey Key = Samples.Key();

    [Fact]
    public async Task Pages_of_conversations_hold_each_once_while_more_are_created()
    {
        await using var record = await Store.OpenAsync();
        for (var i = 0; i < 7; i++)
        {
            await record.CreateConversationAsync(Samples.Opened(Samples.Key($"c{i}")));
            await record.CreateConversationAsync(Samples.Opened(Samples.Key($"c{i}", tenant: "other")));
        }

        var first = await record.ListConversationsAsync("demo", 3);
        await record.CreateConversationAsync(Samples.Opened(Samples.Key("a-name-that-sorts-first")));
        var second = await record.ListConversationsAsync("demo", 3, first.Next);
        var third = await record.ListConversationsAsync("demo", 3, second.Next);

        Assert.Equal(
            ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "a-name-that-sorts-first"],
            first.Items.Concat(second.Items).Concat(third.Items).Select(conversation => conversation.Key.Conversation));
        Assert.Null(third.Next);
        Assert.Empty((await record.ListConversationsAsync("nobody", 3)).Items);
    }

    [Fact]
    public async Task A_full_last_page_has_no_next()
    {
        await using var record = await Store.OpenAsync();
        for (var i = 0; i < 4; i++)
            await record.CreateConversationAsync(Samples.Opened(Samples.Key($"c{i}")));
        var first = await record.ListConversationsAsync("demo", 2);
        var second = await record.ListConversationsAsync("demo", 2, first.Next);
        Assert.NotNull(first.Next);
        Assert.Equal((2, null), (second.Items.Count, second.Next));
    }

    [Fact]
    public async Task Pages_of_turns_hold_each_once_while_more_are_opened()
    {
        await using var record = await Store.OpenAsync();
        var epoch = await record.Begin(Key);
        for (var turn = 1; turn <= 5; turn++)
            await record.AppendTurn(Key, turn, epoch, 2);
        var first = await record.ListTurnsAsync(Key, 4);
        await record.AppendTurn(Key, 6, epoch, 2);
        var second = await record.ListTurnsAsync(Key, 4, first.Next);
        Assert.Equal([1, 2, 3, 4, 5, 6], first.Items.Concat(second.Items).Select(turn => turn.Opened.Turn));
        Assert.All(first.Items, turn => Assert.Equal(2, turn.Pieces.Count));
        Assert.Null(second.Next);
        Assert.Empty((await record.ListTurnsAsync(Samples.Key("other"), 4)).Items);
        Assert.Empty((await record.ListTurnsAsync(Key, 4, long.MaxValue)).Items);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => record.ListTurnsAsync(Key, IRecord.PageSizeMax + 1));
    }

    [Fact]
    public async Task Taking_over_gives_what_a_new_activation_needs()
    {
        await using var record = await Store.OpenAsync();
        var epoch = await record.Begin(Key);
        for (var turn = 1; turn <= 4; turn++)
            await record.AppendTurn(Key, turn, epoch, 1);
        await record.AppendAsync(Samples.Turn(Key, 5, epoch), Samples.Prompt);
        await record.AppendAsync(Samples.Piece(Key, 5, 1, epoch));

        var taken = (await record.TakeOverAsync(Key, recentTurns: 3))!;
        Assert.Equal((epoch + 1, 6), (taken.Epoch, taken.NextTurn));
        Assert.Equal([3, 4, 5], taken.Turns.Select(turn => turn.Opened.Turn));
        Assert.True(taken.Conversation.TurnIsOpen);
        Assert.Equal((null, 1), (taken.Turns[^1].Closed, taken.Turns[^1].Pieces.Count));
        Assert.Equal([1, 2, 3, 4, 5], (await record.TakeOverAsync(Key))!.Turns.Select(turn => turn.Opened.Turn));
    }

    [Fact]
    public async Task Open_turns_are_found_soonest_deadline_first_until_they_are_closed()
    {
        await using var record = await Store.OpenAsync();
        foreach (var (name, minutes) in new[] { ("late", 9), ("soon", 1), ("closed", 2) })
        {
            var key = Samples.Key(name);
            var epoch = await record.Begin(key);
            await record.AppendAsync(Samples.Turn(key, 1, epoch) with { Deadline = Samples.Start.AddMinutes(minutes) }, Samples.Prompt);
        }
        await record.AppendAsync(Samples.Piece(Samples.Key("soon"), 1, 1, 1));
        await record.AppendAsync(Samples.Closed(Samples.Key("closed"), 1, 1, 0));

        Assert.Equal(
            [
                new OpenTurn(Samples.Key("soon"), 1, Samples.Start.AddMinutes(1)),
                new OpenTurn(Samples.Key("late"), 1, Samples.Start.AddMinutes(9)),
            ],
            await record.FindOpenTurnsAsync());
    }

    [Fact]
    public async Task Open_turns_are_read_page_by_page_also_where_deadlines_are_the_same()
    {
        await using var record = await Store.OpenAsync();
        List<OpenTurn> expected = [.. new[] { ("b", 1), ("a", 2), ("c", 2), ("d", 2), ("aa", 3) }.Select(turn => new OpenTurn(Samples.Key(turn.Item1), 1, Samples.Start.AddMinutes(turn.Item2)))];
        foreach (var (key, _, deadline) in expected.AsEnumerable().Reverse())
            await record.AppendAsync(Samples.Turn(key, 1, await record.Begin(key)) with { Deadline = deadline }, Samples.Prompt);

        var read = new List<OpenTurn>();
        while (await record.FindOpenTurnsAsync(limit: 2, read.LastOrDefault()) is { Count: > 0 } page) read.AddRange(page);
        Assert.Equal(expected, read);
    }

    [Fact]
    public async Task Idle_conversations_are_those_whose_time_is_up_and_that_nobody_answers()
    {
        await using var record = await Store.OpenAsync();
        foreach (var name in new[] { "short", "long", "answering", "done" })
        {
            await record.CreateConversationAsync(Samples.Opened(Samples.Key(name)) with { IdleTimeout = TimeSpan.FromMinutes(name == "long" ? 90 : 30) });
            await record.TakeOverAsync(Samples.Key(name));
        }
        await record.AppendAsync(Samples.Turn(Samples.Key("answering"), 1, 1), Samples.Prompt);
        await record.AppendAsync(Samples.Completed(Samples.Key("done"), 1, 0));

        Assert.Empty(await record.FindIdleConversationsAsync(Samples.Start.AddMinutes(30).AddMicroseconds(-1)));
        Assert.Equal([new(Samples.Key("short"), Samples.Start.AddMinutes(30))], await record.FindIdleConversationsAsync(Samples.Start.AddMinutes(30)));
        await record.AppendAsync(Samples.Closed(Samples.Key("answering"), 1, 1, 0));
        var idle = await record.FindIdleConversationsAsync(Samples.Start.AddHours(2));
        Assert.Equal([Samples.Key("short"), Samples.Key("answering"), Samples.Key("long")], idle.Select(conversation => conversation.Key));
        Assert.Equal(idle.Take(1), await record.FindIdleConversationsAsync(Samples.Start.AddHours(2), limit: 1));
        Assert.Equal(idle.Skip(1), await record.FindIdleConversationsAsync(Samples.Start.AddHours(2), limit: 2, idle[0]));
    }
}
