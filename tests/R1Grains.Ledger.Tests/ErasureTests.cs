using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Tests;

/// <summary>What is left of a conversation whose key is destroyed.</summary>
public abstract class ErasureTests(IRecordStore store) : StoreTests(store)
{
    private static readonly ConversationKey Key = Samples.Key();

    [Fact]
    public async Task Of_an_erased_customer_what_is_clear_is_left_and_the_record_still_verifies()
    {
        await using var record = await Store.OpenAsync();
        var epoch = await record.Begin(Key);
        await record.AppendTurn(Key, 1, epoch, 2);
        var other = Samples.Key("c2");
        await record.CreateConversationAsync(Samples.Opened(other) with { Customer = "customers/43" });
        await record.AppendTurn(other, 1, (await record.TakeOverAsync(other))!.Epoch, 2);
        var before = (await record.FindTurnAsync(Key, 1))!;
        Assert.False(before.IsErased);

        await Store.DestroyKeysAsync(Key.Tenant, "customers/42");

        var turn = (await record.FindTurnAsync(Key, 1))!;
        Assert.True(turn.IsErased);
        Assert.Equal(("", "", "", "", default), (turn.Opened.Input, turn.Closed!.Answer, turn.Closed.Reasoning, turn.Closed.Held, turn.PromptHash));
        Assert.Equal((0ul, 1), (turn.Opened.Hits.Single().Entry, turn.Closed.Hits.Count(hit => hit.Category == "测试")));
        Assert.All(turn.Pieces, piece => Assert.Equal((0, ""), (piece.TokenIds.Count, piece.Text)));
        Assert.Equal([new Passage("deposits.md", "r7", "")], turn.Opened.Passages);
        Assert.Equal((before.Opened.RequestId, before.Opened.Release, before.Closed!.Usage, before.ClosedReceipt), (turn.Opened.RequestId, turn.Opened.Release, turn.Closed.Usage, turn.ClosedReceipt));
        Assert.Null(await record.ReadPromptAsync(Key, 1));

        var conversation = (await record.FindConversationAsync(Key))!;
        Assert.Equal((true, "", "assistant", 1), (conversation.IsErased, conversation.Opened.Customer, conversation.Opened.Agent, conversation.TurnCount));
        Assert.Equal([true, false], (await record.ListConversationsAsync("demo", 10)).Items.Select(one => one.IsErased));
        Assert.Equal("第1句，第2句，", (await record.FindTurnAsync(other, 1))!.Closed!.Answer);

        var report = await Store.VerifyAsync();
        Assert.Equal((null, 1, 2), (report.FirstBad, report.Erased, report.Conversations));
    }

    [Fact]
    public async Task Nothing_more_is_said_in_an_erased_conversation_but_its_customer_can_begin_another()
    {
        await using var record = await Store.OpenAsync();
        var epoch = await record.Begin(Key);
        await record.AppendAsync(Samples.Turn(Key, 1, epoch), Samples.Prompt);
        await record.AppendAsync(Samples.Piece(Key, 1, 1, epoch));
        await Store.DestroyKeysAsync(Key.Tenant, "customers/42");
        foreach (var append in new Func<Task>[]
        {
            () => record.AppendAsync(Samples.Piece(Key, 1, 1, epoch)),
            () => record.AppendAsync(Samples.Piece(Key, 1, 2, epoch)),
            () => record.AppendAsync(Samples.Closed(Key, 1, epoch, 1)),
            () => record.AppendAsync(Samples.Turn(Key, 2, epoch), Samples.Prompt),
        })
            Assert.Equal(Key, (await Assert.ThrowsAsync<ConversationErasedException>(append)).Key);
        Assert.True((await record.TakeOverAsync(Key))!.Conversation.IsErased);

        var again = Samples.Key("c2");
        await record.AppendTurn(again, 1, await record.Begin(again), 1);
        Assert.Equal("第1句，", (await record.FindTurnAsync(again, 1))!.Closed!.Answer);
        Assert.Equal(1, (await Store.VerifyAsync()).Erased);
    }

    [Fact]
    public async Task Without_the_keys_a_record_verifies_and_nothing_can_be_read_of_it()
    {
        await using (var record = await Store.OpenAsync())
            await record.AppendTurn(Key, 1, await record.Begin(Key), 2);
        await Store.LoseKeysAsync();
        await using var without = await Store.OpenAsync();
        Assert.Contains("is missing", (await Assert.ThrowsAsync<RecordUnavailableException>(() => without.FindTurnAsync(Key, 1))).Message, StringComparison.Ordinal);
        Assert.Equal((null, 3), ((await Store.VerifyWithoutKeysAsync()).FirstBad, (await Store.VerifyWithoutKeysAsync()).Entries));
    }
}
