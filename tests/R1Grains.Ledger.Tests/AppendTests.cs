namespace R1Grains.Ledger.Tests;

/// <summary>What every form of the record promises its writers.</summary>
public abstract class AppendTests(IRecordStore store) : StoreTests(store)
{
    private static readonly ConversationKey Key = Samples.Key();

    [Fact]
    public async Task A_conversation_reads_back_as_it_was_written_and_verifies()
    {
        await using var record = await Store.OpenAsync();
        var epoch = await record.Begin(Key);
        var closing = await record.AppendTurn(Key, 1, epoch, pieces: 3);
        await record.AppendTurn(Key, 2, epoch, pieces: 0);
        var last = await record.AppendAsync(Samples.Completed(Key, epoch, 2));

        var turn = (await record.FindTurnAsync(Key, 1))!;
        Assert.Equal(Samples.Turn(Key, 1, epoch).Input, turn.Opened.Input);
        Assert.Equal(Samples.Turn(Key, 1, epoch).Time, turn.Opened.Time);
        Assert.Equal(["第1句，", "第2句，", "第3句，"], turn.Pieces.Select(piece => piece.Text));
        Assert.Equal([1002, 7, 8], turn.Pieces[1].TokenIds);
        Assert.Equal("第1句，第2句，第3句，", turn.Closed!.Answer);
        Assert.Equal(closing, turn.ClosedReceipt);
        Assert.Equal(Samples.Prompt, await record.ReadPromptAsync(Key, 1));
        Assert.Equal((2, 5), (closing.Index, last.Index));

        var conversation = (await record.FindConversationAsync(Key))!;
        Assert.Equal("浦东", conversation.Opened.Labels[0].Value);
        Assert.Equal(TimeSpan.FromMinutes(30), conversation.Opened.IdleTimeout);
        Assert.Equal((2, false, "caller"), (conversation.TurnCount, conversation.TurnIsOpen, conversation.Completed!.Reason));

        var report = await Store.VerifyAsync();
        Assert.Equal(new VerificationReport(1, 2, 0, 6, 3, 0, null), report.WithoutTrees());
    }

    [Fact]
    public async Task Unknown_things_are_null()
    {
        await using var record = await Store.OpenAsync();
        await record.Begin(Key);
        Assert.Null(await record.FindConversationAsync(Samples.Key("other")));
        Assert.Null(await record.FindConversationAsync(Samples.Key(tenant: "other")));
        Assert.Null(await record.TakeOverAsync(Samples.Key("other")));
        Assert.Null(await record.FindTurnAsync(Key, 1));
        Assert.Null(await record.FindTurnByRequestAsync(Key, "turn-1"));
        Assert.Null(await record.ReadPromptAsync(Key, 1));
    }

    [Fact]
    public async Task A_stale_epoch_is_refused_and_leaves_nothing()
    {
        await using var record = await Store.OpenAsync();
        var stale = await record.Begin(Key);
        await record.AppendAsync(Samples.Turn(Key, 1, stale), Samples.Prompt);
        var current = (await record.TakeOverAsync(Key))!;
        Assert.Equal(stale + 1, current.Epoch);
        Assert.Null(current.Turns.Single().Closed);

        var failure = await Assert.ThrowsAsync<StaleEpochException>(() => record.AppendAsync(Samples.Piece(Key, 1, 1, stale)));
        Assert.Equal((stale, current.Epoch), (failure.Epoch, failure.Current));
        await Assert.ThrowsAsync<StaleEpochException>(() => record.AppendAsync(Samples.Closed(Key, 1, stale, 0)));
        await Assert.ThrowsAsync<StaleEpochException>(() => record.AppendAsync(Samples.Turn(Key, 2, stale), Samples.Prompt));
        await Assert.ThrowsAsync<StaleEpochException>(() => record.AppendAsync(Samples.Completed(Key, stale, 1)));

        await record.AppendAsync(Samples.Piece(Key, 1, 1, current.Epoch));
        await record.AppendAsync(Samples.Closed(Key, 1, current.Epoch, 1));
        Assert.Equal(new VerificationReport(1, 1, 0, 3, 1, 0, null), (await Store.VerifyAsync()).WithoutTrees());
    }

    [Fact]
    public async Task An_epoch_from_the_future_is_a_conflict()
    {
        await using var record = await Store.OpenAsync();
        var epoch = await record.Begin(Key);
        await Assert.ThrowsAsync<RecordConflictException>(() => record.AppendAsync(Samples.Turn(Key, 1, epoch + 1), Samples.Prompt));
    }

    [Fact]
    public async Task A_retry_of_the_same_bytes_succeeds_with_the_same_receipt_and_writes_nothing()
    {
        await using var record = await Store.OpenAsync();
        var epoch = await record.Begin(Key);
        var opened = await record.AppendAsync(Samples.Turn(Key, 1, epoch), Samples.Prompt);
        Assert.Equal(opened, await record.AppendAsync(Samples.Turn(Key, 1, epoch), Samples.Prompt));
        await record.AppendAsync(Samples.Piece(Key, 1, 1, epoch));
        await record.AppendAsync(Samples.Piece(Key, 1, 1, epoch));
        await record.AppendAsync(Samples.Piece(Key, 1, 2, epoch));
        await record.AppendAsync(Samples.Piece(Key, 1, 1, epoch));
        var closed = await record.AppendAsync(Samples.Closed(Key, 1, epoch, 2));
        Assert.Equal(closed, await record.AppendAsync(Samples.Closed(Key, 1, epoch, 2)));
        await record.AppendAsync(Samples.Piece(Key, 1, 2, epoch));
        await record.AppendTurn(Key, 2, epoch, 1);
        Assert.Equal(closed, await record.AppendAsync(Samples.Closed(Key, 1, epoch, 2)));
        Assert.Equal(opened, await record.AppendAsync(Samples.Turn(Key, 1, epoch), Samples.Prompt));
        var completed = await record.AppendAsync(Samples.Completed(Key, epoch, 2));
        Assert.Equal(completed, await record.AppendAsync(Samples.Completed(Key, epoch, 2)));
        Assert.Equal(new VerificationReport(1, 2, 0, 6, 3, 0, null), (await Store.VerifyAsync()).WithoutTrees());
    }

    [Fact]
    public async Task Other_bytes_under_the_same_key_are_a_conflict()
    {
        await using var record = await Store.OpenAsync();
        var epoch = await record.Begin(Key);
        await record.AppendAsync(Samples.Turn(Key, 1, epoch), Samples.Prompt);
        await Conflict(() => record.AppendAsync(Samples.Turn(Key, 1, epoch) with { Input = "other" }, Samples.Prompt));
        await Conflict(() => record.AppendAsync(Samples.Turn(Key, 1, epoch), new[] { 1, 2 }));
        await record.AppendAsync(Samples.Piece(Key, 1, 1, epoch));
        await Conflict(() => record.AppendAsync(Samples.Piece(Key, 1, 1, epoch, text: "other")));
        await Conflict(() => record.AppendAsync(Samples.Piece(Key, 1, 1, epoch) with { TokenIds = [9] }));
        await Conflict(() => record.AppendAsync(Samples.Piece(Key, 1, 1, epoch) with { Time = Samples.Start }));
        await record.AppendAsync(Samples.Closed(Key, 1, epoch, 1));
        await Conflict(() => record.AppendAsync(Samples.Closed(Key, 1, epoch, 1) with { Outcome = Outcome.Cancelled }));
        await Conflict(() => record.AppendAsync(Samples.Closed(Key, 1, epoch, 2)));
        await record.AppendAsync(Samples.Completed(Key, epoch, 1));
        await Conflict(() => record.AppendAsync(Samples.Completed(Key, epoch, 1) with { Reason = "idle" }));
        Assert.True((await Store.VerifyAsync()).Valid);
    }

    [Fact]
    public async Task Records_come_in_order_or_not_at_all()
    {
        await using var record = await Store.OpenAsync();
        await Conflict(() => record.AppendAsync(Samples.Turn(Key, 1, 0), Samples.Prompt));
        var epoch = await record.Begin(Key);
        await Conflict(() => record.AppendAsync(Samples.Turn(Key, 2, epoch), Samples.Prompt));
        await Conflict(() => record.AppendAsync(Samples.Piece(Key, 1, 1, epoch)));
        await Conflict(() => record.AppendAsync(Samples.Closed(Key, 1, epoch, 0)));
        await record.AppendAsync(Samples.Turn(Key, 1, epoch), Samples.Prompt);
        await Conflict(() => record.AppendAsync(Samples.Turn(Key, 2, epoch), Samples.Prompt));
        await Conflict(() => record.AppendAsync(Samples.Piece(Key, 1, 2, epoch)));
        await Conflict(() => record.AppendAsync(Samples.Piece(Key, 2, 1, epoch)));
        await Conflict(() => record.AppendAsync(Samples.Completed(Key, epoch, 1)));
        await record.AppendAsync(Samples.Piece(Key, 1, 1, epoch) with { ResumePoints = [Samples.Resumed] });
        await Conflict(() => record.AppendAsync(Samples.Closed(Key, 2, epoch, 1)));
        await Conflict(() => record.AppendAsync(Samples.Closed(Key, 1, epoch, 2)));
        await Conflict(() => record.AppendAsync(Samples.Closed(Key, 1, epoch, 0)));
        await Conflict(() => record.AppendAsync(Samples.Closed(Key, 1, epoch, 1, answer: "第1句，and more")));
        await Conflict(() => record.AppendAsync(Samples.Closed(Key, 1, epoch, 1, answer: "第1")));
        await Conflict(() => record.AppendAsync(Samples.Closed(Key, 1, epoch, 1) with { ResumePoints = [] }));
        await record.AppendAsync(Samples.Closed(Key, 1, epoch, 1));
        await Conflict(() => record.AppendAsync(Samples.Piece(Key, 1, 2, epoch)));
        await record.AppendAsync(Samples.Completed(Key, epoch, 1));
        await Conflict(() => record.AppendAsync(Samples.Turn(Key, 2, epoch), Samples.Prompt));
        Assert.Equal(new VerificationReport(1, 1, 0, 4, 1, 0, null), (await Store.VerifyAsync()).WithoutTrees());
    }

    [Fact]
    public async Task One_request_opens_one_turn()
    {
        await using var record = await Store.OpenAsync();
        var epoch = await record.Begin(Key);
        await record.AppendTurn(Key, 1, epoch, 1);
        await Conflict(() => record.AppendAsync(Samples.Turn(Key, 2, epoch, requestId: "turn-1"), Samples.Prompt));
        await record.AppendTurn(Key, 2, epoch, 1);
        Assert.Equal(1, (await record.FindTurnByRequestAsync(Key, "turn-1"))!.Opened.Turn);
        Assert.Equal(2, (await record.FindTurnByRequestAsync(Key, "turn-2"))!.Opened.Turn);

        var other = Samples.Key("c2");
        var otherEpoch = await record.Begin(other);
        await record.AppendAsync(Samples.Turn(other, 1, otherEpoch, requestId: "turn-1"), Samples.Prompt);
    }

    [Fact]
    public async Task Creating_twice_tells_a_retry_from_a_reused_id_from_another_request()
    {
        await using var record = await Store.OpenAsync();
        Assert.Equal(CreationOutcome.Created, (await record.CreateConversationAsync(Samples.Opened(Key))).Outcome);
        Assert.Equal(CreationOutcome.Replayed, (await record.CreateConversationAsync(Samples.Opened(Key) with { Time = Samples.Start.AddHours(1) })).Outcome);
        Assert.Equal(CreationOutcome.RequestIdReused, (await record.CreateConversationAsync(Samples.Opened(Key) with { PayloadHash = default })).Outcome);
        var other = await record.CreateConversationAsync(Samples.Opened(Key, "create-2") with { Channel = "voice" });
        Assert.Equal((CreationOutcome.AlreadyExists, "chat"), (other.Outcome, other.Conversation.Opened.Channel));
        Assert.Equal(CreationOutcome.Created, (await record.CreateConversationAsync(Samples.Opened(Samples.Key(tenant: "other")))).Outcome);
    }

    [Fact]
    public async Task A_request_id_creates_one_conversation_however_many_are_asked_for_with_it_at_once()
    {
        await using var record = await Store.OpenAsync();
        var creations = await Task.WhenAll(Enumerable.Range(0, 64).Select(i => record.CreateConversationAsync(Samples.Opened(Samples.Key($"c{i}"), "one") with { PayloadHash = Digest.Of([(byte)i]) })));
        var created = Assert.Single(creations, creation => creation.Outcome is CreationOutcome.Created).Conversation;
        Assert.All(creations, creation => Assert.Equal(created.Key, creation.Conversation.Key));
        Assert.Equal(63, creations.Count(creation => creation.Outcome is CreationOutcome.RequestIdReused));
        Assert.Equal(created.Key, Assert.Single((await record.ListConversationsAsync("demo", 10)).Items).Key);

        // The id belongs to its tenant and its caller.
        Assert.Equal(CreationOutcome.Replayed, (await record.CreateConversationAsync(created.Opened)).Outcome);
        Assert.Equal(CreationOutcome.AlreadyExists, (await record.CreateConversationAsync(created.Opened with { Caller = "ben" })).Outcome);
        Assert.Equal(CreationOutcome.Created, (await record.CreateConversationAsync(created.Opened with { Caller = "ben", Key = Samples.Key("bens") })).Outcome);
        Assert.Equal(CreationOutcome.Created, (await record.CreateConversationAsync(created.Opened with { Key = Samples.Key("theirs", tenant: "other") })).Outcome);
    }

    [Fact]
    public async Task Sixty_four_writers_at_once_lose_nothing()
    {
        await using var record = await Store.OpenAsync();
        var receipts = await Task.WhenAll(Enumerable.Range(0, 64).Select(async writer =>
        {
            var key = Samples.Key($"c{writer}");
            var epoch = await record.Begin(key);
            var last = await record.AppendTurn(key, 1, epoch, 4);
            for (var turn = 2; turn <= 5; turn++)
                last = await record.AppendTurn(key, turn, epoch, 4);
            return last;
        }));
        foreach (var receipt in receipts)
            Assert.Equal(receipt, (await record.FindTurnAsync(receipt.Key, 5))!.ClosedReceipt);
        Assert.Equal(new VerificationReport(64, 320, 0, 704, 1280, 0, null), (await Store.VerifyAsync()).WithoutTrees());
    }

    [Fact]
    public async Task What_waits_when_the_record_is_disposed_of_is_written()
    {
        var record = await Store.OpenAsync();
        var epoch = await record.Begin(Key);
        var append = record.AppendAsync(Samples.Turn(Key, 1, epoch), Samples.Prompt);
        await record.DisposeAsync();
        await append;
        await Assert.ThrowsAsync<ObjectDisposedException>(() => record.AppendAsync(Samples.Piece(Key, 1, 1, epoch)));
        Assert.Equal(1, (await Store.VerifyAsync()).OpenTurns);
    }

    private static Task Conflict(Func<Task> append) => Assert.ThrowsAsync<RecordConflictException>(append);
}
