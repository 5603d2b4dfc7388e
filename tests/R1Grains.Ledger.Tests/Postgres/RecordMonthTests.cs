using Microsoft.Extensions.Time.Testing;
using R1Grains.Ledger.Retention;
using R1Grains.Ledger.Tests.Tree;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Tests.Postgres;

/// <summary>Months that are taken out whole, and what can still be proved of them and of everything else.</summary>
[Collection(PostgresCollection.Name)]
public sealed class RecordMonthTests(PostgresFixture fixture) : IAsyncLifetime
{
    private static readonly DateOnly January = new(2026, 1, 1);
    private static readonly DateTimeOffset LastMoment = new(2026, 1, 31, 23, 59, 59, TimeSpan.Zero);
    private static readonly DateTimeOffset Later = new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly ConversationKey Early = Samples.Key("early"), Both = Samples.Key("both"), Late = Samples.Key("late"), Elsewhere = Samples.Key("early", "north");

    private readonly PostgresStore _store = new(fixture.Server);
    private readonly FakeTimeProvider _time = new(Later);
    private readonly List<Receipt> _receipts = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Fact]
    public async Task A_month_that_was_taken_out_leaves_proofs_and_everything_that_came_after()
    {
        await using var record = await _store.OpenAsync();
        await WriteAsync(record);
        await EraseAsync();
        var before = await _store.VerifyAsync();
        var retention = await MonthsAsync(record);
        Assert.Equal([January, January.AddMonths(1)], (await retention.ListAsync()).Where(month => month.FirstDay < new DateOnly(2026, 6, 1)).Select(month => month.FirstDay));
        await retention.RetireAsync(January.AddDays(11), "anna", "kept for five years");

        using var key = _store.Key;
        var report = await _store.VerifyAsync([key]);
        // The tree takes up what says so within a second.
        for (var again = 0; again < 100 && report.Leaves < report.Entries + report.RetiredEntries + report.AdministrativeRecords; again++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
            report = await _store.VerifyAsync([key]);
        }
        Assert.True(report.Valid, report.FirstBad?.ToString());
        // Two whole conversations of five entries, and of the third all up to the opening of its second turn.
        Assert.Equal(2 * 5 + 4, report.RetiredEntries);
        Assert.Equal(before.Entries, report.Entries + report.RetiredEntries);
        Assert.Equal(report.Entries + report.RetiredEntries + report.AdministrativeRecords, report.Leaves);
        // So it is for a tenant who sees what is its own alone.
        using (var verification = (await record.TakeVerificationAsync("demo"))!)
        {
            var own = await verification.RunAsync([key]);
            Assert.True(own.Valid, own.FirstBad?.ToString());
            Assert.Equal(5 + 4, own.RetiredEntries);
        }

        // Each receipt is still kept.
        foreach (var receipt in _receipts)
        {
            var proof = await StoredTreeTests.Proof(record, receipt);
            var checkpoint = Checkpoint.Parse(proof.Checkpoint.Text);
            Assert.True(TreeProof.Includes(checkpoint.Root, checkpoint.Size, proof.Leaf, receipt.LeafHash, proof.Hashes));
        }
        Assert.Null(await record.FindConversationAsync(Early));
        Assert.Null(await record.TakeOverAsync(Early));
        Assert.Equal([Late], (await record.ListConversationsAsync("demo", 10)).Items.Select(conversation => conversation.Key));
        Assert.Equal(3, (await record.ListTurnsAsync(Both, 10)).Items.Single().Opened.Turn);
        await Assert.ThrowsAsync<RecordConflictException>(() => record.CreateConversationAsync(Samples.Opened(Early)));

        // It lies beside the record until somebody drops it, and is not taken out twice.
        Assert.Equal(before.Entries - report.Entries, await _store.ScalarAsync<long>("SELECT count(*) FROM retired_entry_2026_01"));
        await _store.ExecuteAsync("DROP TABLE retired_entry_2026_01, retired_piece_2026_01");
        await retention.RetireAsync(January, "anna", "once more");
        Assert.DoesNotContain(await retention.ListAsync(), month => month.FirstDay == January);
        var told = Assert.Single((await record.Registry.ListEntriesAsync(IRegistry.Cluster, 10)).Items).Record;
        Assert.Equal(("anna", "month.retire", "months/2026-01", "kept for five years"), (told.Actor, told.Action, told.Resource, told.Purpose));

        // And the conversation goes on, even with what is dated back: its month's tables are made anew.
        var next = (await record.TakeOverAsync(Late))!;
        await record.AppendTurn(Late, next.NextTurn, next.Epoch, 2);
        Assert.Equal(2, await _store.ScalarAsync<long>("SELECT count(*) FROM entry_2026_01"));
        var after = await _store.VerifyAsync();
        Assert.True(after.Valid, after.FirstBad?.ToString());
    }

    [Fact]
    public async Task Pieces_are_taken_out_by_themselves_and_turns_keep_their_answers()
    {
        await using var record = await _store.OpenAsync();
        await WriteAsync(record);
        var before = await _store.VerifyAsync();
        await (await MonthsAsync(record)).RetirePiecesAsync(January, "anna", "ninety days");
        var report = await _store.VerifyAsync();
        Assert.True(report.Valid, report.FirstBad?.ToString());
        Assert.Equal((before.Entries, 0), (report.Entries, report.RetiredEntries));
        Assert.True(report.Pieces < before.Pieces);
        var turn = (await record.FindTurnAsync(Early, 1))!;
        Assert.Empty(turn.Pieces);
        Assert.Equal(Samples.Closed(Early, 1, 1, 4).Answer, turn.Closed!.Answer);

        await _store.ExecuteAsync("DELETE FROM piece WHERE number = 2 AND time > (SELECT max(time) FROM entry WHERE turn = 2)");
        Assert.Contains("the piece is missing", (await _store.VerifyAsync()).FirstBad!.Reason, StringComparison.Ordinal);
    }

    public static TheoryData<string, string, string> Cases => new()
    {
        { "a month dropped without a word", "DROP TABLE entry_2026_02", "the entry is missing" },
        { "a month detached without a word", "ALTER TABLE entry DETACH PARTITION entry_2026_02", "the entry is missing" },
        { "an entry after the month", "DELETE FROM entry WHERE idx = 6", "tenants/demo/conversations/both (entry 6): the entry is missing" },
        { "the first entry after the month", "DELETE FROM entry WHERE conversation_id = (SELECT id FROM conversation_head WHERE name = 'both') AND idx = 4", "tenants/demo/conversations/both (entry 4): the entry is missing" },
        { "what says that it was taken out", "DELETE FROM document WHERE kind = 'retired-month'", "the entry is missing" },
        { "what says which leaves", "UPDATE document SET content = substr(content, 1, length(content) - 8) || '\\x0000000000000063' WHERE kind = 'retired-month'", "tenants/*/administration: the retired-month '2026-01' is" },
        { "a leaf of it", "DELETE FROM leaf WHERE number = 2 AND tree = 1", "the entry is missing" },
        { "a hash of it", "UPDATE tile SET hashes = set_byte(hashes, 70, get_byte(hashes, 70) # 255) WHERE tree = 1", "tenants/demo" },
        { "a month that is none", "UPDATE document SET id = 'all' WHERE kind = 'retired-month'", "is no month" },
    };

    [Fact]
    public async Task What_is_missing_beyond_the_month_is_found()
    {
        await using (var record = await _store.OpenAsync())
        {
            await WriteAsync(record);
            await EraseAsync();
            await (await MonthsAsync(record)).RetireAsync(January, "anna", "");
        }
        Assert.True((await _store.VerifyAsync()).Valid);
        foreach (var (what, sql, expected) in Cases.Select(row => ((string)row[0], (string)row[1], (string)row[2])))
        {
            // Each on a copy of the same.
            var copy = await CopyAsync();
            await fixture.Server.ExecuteAsync($"SET search_path = r1grains; SET session_replication_role = replica; {sql}", copy);
            var found = (await RecordVerifier.VerifyPostgresAsync(fixture.Server.ConnectionString(copy))).FirstBad;
            Assert.True(found?.ToString().Contains(expected, StringComparison.Ordinal), $"{what}: {found?.ToString() ?? "not found"}");
            await fixture.Server.ExecuteAsync($"DROP DATABASE {copy} WITH (FORCE)");
        }
    }

    [Fact]
    public async Task A_month_is_kept_while_it_lasts_and_while_a_turn_of_it_is_open()
    {
        await using var record = await _store.OpenAsync();
        await WriteAsync(record);
        var time = new FakeTimeProvider(LastMoment);
        var retention = await MonthsAsync(record, time);
        Assert.Contains("2026-01 is not over", (await Assert.ThrowsAsync<MonthKeptException>(() => retention.RetireAsync(January, "anna", ""))).Message, StringComparison.Ordinal);
        time.Advance(TimeSpan.FromDays(1));
        var key = Samples.Key("open");
        await record.AppendAsync(Samples.Turn(key, 1, await record.Begin(key)), Samples.Prompt);
        Assert.Contains("conversations/open is open", (await Assert.ThrowsAsync<MonthKeptException>(() => retention.RetireAsync(January, "anna", ""))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_month_is_kept_while_words_of_it_can_be_read_or_a_hold_keeps_any()
    {
        await using var record = await _store.OpenAsync();
        await WriteAsync(record);
        var months = await MonthsAsync(record);
        await _store.DestroyKeysAsync("demo", "customers/42");
        Assert.Contains("the words of tenants/north/conversations/early are not erased", await Kept(() => months.RetireAsync(January, "anna", "")), StringComparison.Ordinal);
        await _store.DestroyKeysAsync("north", "customers/42");
        var holds = new LegalHolds(record.Registry, _time);
        var hold = await holds.PlaceAsync("demo", "h1", Extent.OfConversation("both"), "frank", "case 7");
        foreach (var retire in new Func<Task>[] { () => months.RetireAsync(January, "anna", ""), () => months.RetirePiecesAsync(January, "anna", "") })
            Assert.Contains($"{hold.Name} keeps some of 2026-01", await Kept(retire), StringComparison.Ordinal);
        Assert.Contains(await months.ListAsync(), month => month is { EntryBytes: not null, PieceBytes: not null } && month.FirstDay == January);
        await holds.ReleaseAsync("demo", "h1", "frank", "closed");
        await months.RetireAsync(January, "anna", "past its time");
        var told = (await record.Registry.ListEntriesAsync("north", 10)).Items.Select(entry => entry.Record).Last();
        Assert.Equal(("anna", "month.retire", "past its time", "2026-01"), (told.Actor, told.Action, told.Purpose, told.Details[0].Value));
    }

    [Fact]
    public async Task A_customer_who_was_held_under_an_earlier_index_key_keeps_pieces_that_were_written_under_a_later_one()
    {
        await using var record = await _store.OpenAsync();
        var held = (await (await _store.Keys).SubjectsAsync("demo", "customers/42")).Select(subject => subject.Hash);
        var hold = await new LegalHolds(record.Registry, _time).PlaceAsync("demo", "h1", Extent.OfCustomer(held), "frank", "case 7");
        await _store.RotateIndexAsync("demo", 2);
        await WriteAsync(record);
        Assert.DoesNotContain((await record.FindConversationAsync(Early))!.Subject, hold.Extent.Subjects);
        var months = await MonthsAsync(record);
        Assert.Contains($"{hold.Name} keeps some of 2026-01", await Kept(() => months.RetirePiecesAsync(January, "anna", "ninety days")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Months_and_pieces_go_by_themselves_when_all_of_them_is_past_its_time()
    {
        await using var record = await _store.OpenAsync();
        await WriteAsync(record);
        var rules = new RetentionRules { Maximum = Term.Years(2), Pieces = new(3, 0), Tenants = new Dictionary<string, RetentionRules> { ["north"] = new() { Maximum = Term.Years(3) } } };
        var months = await MonthsAsync(record);
        string[] tenants = ["demo", "north"];
        // June is four months after January, and three after February.
        Assert.Equal(2, await months.SweepAsync(rules, tenants));
        Assert.Equal(0, await months.SweepAsync(rules, tenants));
        Assert.Equal((0, 2), await Left());
        _time.Advance(Later.AddYears(3) - _time.GetUtcNow());
        // What can still be read stays, however old, and so does what a tenant keeps for ever.
        await months.SweepAsync(rules, tenants);
        Assert.Equal((0, 2), await Left());
        await EraseAsync();
        await months.SweepAsync(rules with { Maximum = Term.None }, tenants);
        Assert.Equal((0, 2), await Left());
        await months.SweepAsync(rules, tenants);
        Assert.Equal((0, 1), await Left());
        Assert.True((await _store.VerifyAsync()).Valid);

        async Task<(int Pieces, int Entries)> Left()
        {
            var left = (await months.ListAsync()).Where(month => month.FirstDay < January.AddMonths(2)).ToList();
            return (left.Count(month => month.PieceBytes is not null), left.Count(month => month.EntryBytes is not null));
        }
    }

    private static async Task<string> Kept(Func<Task> retire) => (await Assert.ThrowsAsync<MonthKeptException>(retire)).Message;

    [Fact]
    public async Task Verifying_while_months_are_taken_out_raises_no_false_alarm()
    {
        await using var record = await _store.OpenAsync();
        for (var number = 0; number < 20; number++)
        {
            var key = Samples.Key($"c{number}");
            await record.AppendTurn(key, 1, await record.Begin(key), 2);
        }
        await StoredTreeTests.Proof(record, (await record.FindTurnAsync(Samples.Key("c19"), 1))!.ClosedReceipt!);
        await _store.DestroyKeysAsync("demo", "customers/42");
        var verifying = Task.Run(async () =>
        {
            while (true)
            {
                var report = await _store.VerifyAsync();
                Assert.True(report.Valid, report.FirstBad?.ToString());
                if (report.RetiredEntries > 0 && report.Entries == 0)
                    return;
            }
        });
        await (await MonthsAsync(record)).RetireAsync(January, "anna", "");
        await verifying;
    }

    private async Task WriteAsync(PostgresRecord record)
    {
        foreach (var key in new[] { Early, Elsewhere })
        {
            var epoch = await record.Begin(key);
            await record.AppendTurn(key, 1, epoch, 4);
            _receipts.Add(await record.AppendTurn(key, 2, epoch, 0));
        }
        // Its second turn is opened in the one month and closed in the next.
        var both = await record.Begin(Both);
        await record.AppendTurn(Both, 1, both, 2);
        _receipts.Add(await record.AppendAsync(Samples.Turn(Both, 2, both) with { Time = LastMoment }, Samples.Prompt));
        await record.AppendAsync(Samples.Piece(Both, 2, 1, both) with { Time = LastMoment });
        await record.AppendAsync(Samples.Piece(Both, 2, 2, both) with { Time = LastMoment.AddSeconds(2) });
        await record.AppendAsync(Samples.Closed(Both, 2, both, 2) with { Time = LastMoment.AddSeconds(3) });
        await LateTurnAsync(Both, 3, both);
        var late = await record.CreateConversationAsync(Samples.Opened(Late) with { Time = LastMoment.AddDays(3) });
        await LateTurnAsync(Late, 1, (await record.TakeOverAsync(late.Conversation.Key))!.Epoch);
        foreach (var receipt in _receipts)
            await StoredTreeTests.Proof(record, receipt);

        async Task LateTurnAsync(ConversationKey key, int turn, long epoch)
        {
            var time = LastMoment.AddDays(5);
            await record.AppendAsync(Samples.Turn(key, turn, epoch) with { Time = time }, Samples.Prompt);
            for (var piece = 1; piece <= 3; piece++)
                await record.AppendAsync(Samples.Piece(key, turn, piece, epoch) with { Time = time.AddSeconds(piece) });
            _receipts.Add(await record.AppendAsync(Samples.Closed(key, turn, epoch, 3) with { Time = time.AddSeconds(9) }));
        }
    }

    private async Task<RecordMonths> MonthsAsync(PostgresRecord record, TimeProvider? time = null) => new(await _store.CreateAsync(), record, record.Registry, await _store.Keys, new(record.Registry, time ?? _time), time ?? _time);

    /// <summary>All keys of the month.</summary>
    private async Task EraseAsync()
    {
        foreach (var tenant in new[] { "demo", "north" })
            await _store.DestroyKeysAsync(tenant, "customers/42");
    }

    private async Task<string> CopyAsync()
    {
        var copy = $"{_store.Name}_copy";
        await fixture.Server.ExecuteAsync($"CREATE DATABASE {copy} OWNER bank TEMPLATE {_store.Name}");
        // Its roles bear another name.
        await fixture.Server.ExecuteAsync($"DO $$ DECLARE r text; BEGIN FOREACH r IN ARRAY ARRAY['owner', 'writer', 'reader', 'verifier', 'indexer'] LOOP BEGIN EXECUTE format('CREATE ROLE {copy}_%s IN ROLE {_store.Name}_%s ROLE bank', r, r); EXCEPTION WHEN duplicate_object THEN NULL; END; END LOOP; END $$", copy);
        return copy;
    }
}
