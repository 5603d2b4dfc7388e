using R1Grains.Ledger.Postgres;
using R1Grains.Tests.Servers;

namespace R1Grains.Ledger.Tests.Postgres;

/// <summary>What a server must be, and how several processes share it.</summary>
[Collection(PostgresCollection.Name)]
public sealed class ServerTests(PostgresFixture fixture) : IAsyncLifetime
{
    private static readonly ConversationKey Key = Samples.Key();

    private readonly PostgresStore _store = new(fixture.Server);

    private PostgresServer Server => fixture.Server;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Fact]
    public async Task Of_two_processes_that_write_a_conversation_the_one_that_took_over_last_goes_on()
    {
        await using var one = await _store.OpenAsync();
        await using var other = await _store.OpenAsync();
        var stale = await one.Begin(Key);
        await one.AppendAsync(Samples.Turn(Key, 1, stale), Samples.Prompt);
        var taking = other.TakeOverAsync(Key);
        var appends = Enumerable.Range(1, 30).Select(number => Record.ExceptionAsync(() => one.AppendAsync(Samples.Piece(Key, 1, number, stale)))).ToArray();
        var taken = (await taking)!;
        var outcomes = await Task.WhenAll(appends);
        Assert.All(outcomes, outcome => Assert.True(outcome is null or StaleEpochException, outcome?.ToString()));
        await Assert.ThrowsAsync<StaleEpochException>(() => one.AppendAsync(Samples.Piece(Key, 1, 99, stale)));

        var written = outcomes.Count(outcome => outcome is null);
        Assert.Equal(written, taken.Turns.Single().Pieces.Count);
        await other.AppendAsync(Samples.Piece(Key, 1, written + 1, taken.Epoch));
        Assert.Null((await _store.VerifyAsync()).FirstBad);
    }

    [Fact]
    public async Task Many_processes_create_and_take_over_the_same_conversations_without_a_deadlock()
    {
        await _store.CreateAsync();
        var records = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => _store.OpenAsync()));
        var keys = Enumerable.Range(0, 40).Select(number => Samples.Key($"c{number}")).ToArray();
        var creations = await Task.WhenAll(records.SelectMany(record => keys.Select(key => record.CreateConversationAsync(Samples.Opened(key)))));
        Assert.Equal(keys.Length, creations.Count(creation => creation.Outcome is CreationOutcome.Created));
        var random = new Random(7);
        var epochs = await Task.WhenAll(records.SelectMany(record => keys.OrderBy(_ => random.Next()).Select(async key => (key, (await record.TakeOverAsync(key))!.Epoch))));
        Assert.All(epochs.GroupBy(pair => pair.key), epochsOfOne => Assert.Equal([1, 2, 3, 4], epochsOfOne.Select(pair => pair.Epoch).Order()));

        var listed = new List<ConversationKey>();
        for (long? after = 0; after is not null;)
        {
            var page = await records[0].ListConversationsAsync("demo", 7, after);
            listed.AddRange(page.Items.Select(conversation => conversation.Key));
            after = page.Next;
        }
        Assert.Equal(keys.Order(Comparer<ConversationKey>.Create((a, b) => string.CompareOrdinal(a.Conversation, b.Conversation))), listed.Order(Comparer<ConversationKey>.Create((a, b) => string.CompareOrdinal(a.Conversation, b.Conversation))));
        Assert.Equal(40, (await _store.VerifyAsync()).Conversations);
        foreach (var record in records)
            await record.DisposeAsync();
    }

    [Fact]
    public async Task A_page_never_misses_a_conversation_that_another_process_creates_meanwhile()
    {
        await using var one = await _store.OpenAsync();
        await using var other = await _store.OpenAsync();
        var creating = Task.WhenAll(new[] { one, other }.SelectMany((record, writer) => Enumerable.Range(0, 60).Select(number => record.CreateConversationAsync(Samples.Opened(Samples.Key($"c{writer}-{number}"))))));
        var seen = new List<string>();
        long after = 0;
        while (!creating.IsCompleted || seen.Count < 120)
        {
            var page = await one.ListConversationsAsync("demo", 5, after);
            seen.AddRange(page.Items.Select(conversation => conversation.Key.Conversation));
            after = page.Next ?? (page.Items.Count > 0 ? await _store.ScalarAsync<long>($"SELECT id FROM conversation_head WHERE name = '{seen[^1]}'") : after);
            Assert.False(creating.IsCompleted && page.Items.Count == 0 && seen.Count < 120, $"{seen.Count} of 120 were seen");
        }
        await creating;
        Assert.Equal(120, seen.Distinct().Count());
    }

    [Fact]
    public async Task A_transaction_that_stands_still_holds_up_the_others_for_seconds_only()
    {
        await using var record = await _store.OpenAsync();
        var epoch = await record.Begin(Key);
        await using var connection = new Npgsql.NpgsqlConnection(await _store.CreateAsync() + ";Pooling=false");
        await connection.OpenAsync();
        await using (var hold = new Npgsql.NpgsqlCommand("SET idle_in_transaction_session_timeout = '2s'; BEGIN; SELECT 1 FROM r1grains.conversation_head FOR UPDATE", connection))
            await hold.ExecuteNonQueryAsync();
        await record.AppendAsync(Samples.Turn(Key, 1, epoch), Samples.Prompt).WaitAsync(TimeSpan.FromSeconds(8));
    }

    [Fact]
    public async Task Writers_that_ended_leave_their_rows_to_the_next()
    {
        for (var round = 0; round < 3; round++)
        {
            await using var record = await _store.OpenAsync();
            await record.CreateConversationAsync(Samples.Opened(Samples.Key($"c{round}")));
        }
        Assert.Equal(1, await _store.ScalarAsync<long>("SELECT count(*) FROM record_writer WHERE session > 0"));
        Assert.Equal(3, await _store.ScalarAsync<long>("SELECT batch FROM record_writer WHERE session > 0"));
    }

    [Fact]
    public async Task A_writer_whose_row_was_taken_goes_on_with_another()
    {
        await using var record = await _store.OpenAsync();
        var epoch = await record.Begin(Key);
        await _store.ExecuteAsync("UPDATE record_writer SET session = session + 1 WHERE session > 0");
        await record.AppendTurn(Key, 1, epoch, 2);
        Assert.Equal(2, await _store.ScalarAsync<long>("SELECT count(*) FROM record_writer WHERE session > 0"));
        Assert.True((await _store.VerifyAsync()).Valid);
    }

    [Fact]
    public async Task A_write_that_the_database_itself_rejects_leaves_its_neighbours_alone()
    {
        await using var record = await _store.OpenAsync();
        var keys = Enumerable.Range(0, 20).Select(number => Samples.Key($"c{number}")).ToArray();
        foreach (var key in keys)
            await record.Begin(key);
        await _store.ExecuteAsync("INSERT INTO entry (conversation_id, idx, epoch, time, batch, writer, turn, format, kind, tenant, hash, skeleton) SELECT conversation_id, 1, epoch, time, batch, writer, 1, format, 2, tenant, hash, skeleton FROM entry WHERE conversation_id = 8");
        var appends = keys.Select(key => record.AppendAsync(Samples.Turn(key, 1, epoch: 1), Samples.Prompt)).ToArray();
        await Assert.ThrowsAsync<RecordUnavailableException>(() => appends[7]);
        await Task.WhenAll(appends.Where((_, number) => number != 7));
    }

    [Fact]
    public async Task Whatever_waits_goes_into_one_transaction()
    {
        await using var record = await _store.OpenAsync();
        var keys = Enumerable.Range(0, 60).Select(number => Samples.Key($"c{number}")).ToArray();
        await Task.WhenAll(keys.Select(key => record.Begin(key)));
        var before = await _store.ScalarAsync<long>("SELECT sum(batch)::bigint FROM record_writer");
        await Task.WhenAll(keys.Select(key => record.AppendAsync(Samples.Turn(key, 1, epoch: 1), Samples.Prompt)));
        Assert.InRange(await _store.ScalarAsync<long>("SELECT sum(batch)::bigint FROM record_writer") - before, 1, 6);
    }

    [Fact]
    public async Task Two_processes_that_start_at_once_make_the_tables_once()
    {
        await _store.CreateAsync();
        foreach (var record in await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => _store.OpenAsync())))
            await record.DisposeAsync();
        Assert.Equal(Migrations.Known - Migrations.First + 1, await _store.ScalarAsync<long>("SELECT count(*) FROM schema_version"));
    }

    [Fact]
    public async Task Newer_tables_are_refused_and_left_as_they_are()
    {
        await (await _store.OpenAsync()).DisposeAsync();
        await _store.ExecuteAsync("INSERT INTO schema_version (version) VALUES (77)");
        foreach (var call in new Func<Task>[] { async () => await _store.OpenAsync(), () => _store.VerifyAsync() })
            Assert.Contains($"has version 77, this program knows version {Migrations.Known}", (await Assert.ThrowsAsync<RecordServerException>(call)).Message, StringComparison.Ordinal);
        await _store.ExecuteAsync("DELETE FROM schema_version WHERE version = 77");
        await (await _store.OpenAsync()).DisposeAsync();
    }

    [Fact]
    public async Task Newer_tables_that_are_for_this_program_too_are_used()
    {
        await (await _store.OpenAsync()).DisposeAsync();
        await _store.ExecuteAsync("INSERT INTO schema_version (version, oldest) VALUES (77, 1)");
        await (await _store.OpenAsync()).DisposeAsync();
        await _store.VerifyAsync();
        Assert.Equal(77, await _store.ScalarAsync<int>("SELECT max(version) FROM schema_version"));
    }

    [Fact]
    public async Task Tables_of_a_program_before_the_first_release_are_refused_in_one_line()
    {
        await _store.CreateAsync();
        await _store.ExecuteAsync("CREATE SCHEMA r1grains; CREATE TABLE r1grains.schema_version (version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now(), oldest integer); INSERT INTO r1grains.schema_version VALUES (5, now(), 5); GRANT USAGE ON SCHEMA r1grains TO PUBLIC; GRANT SELECT ON r1grains.schema_version TO PUBLIC");
        foreach (var call in new Func<Task>[] { async () => await _store.OpenAsync(), () => _store.VerifyAsync() })
            Assert.EndsWith($"the record has version 5, and this program knows versions {Migrations.First} to {Migrations.Known}: it is of a program before the first release. Name an empty database.", (await Assert.ThrowsAsync<RecordServerException>(call)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_without_a_record_is_nothing_to_verify()
    {
        await _store.CreateAsync();
        Assert.Contains("holds no record", (await Assert.ThrowsAsync<RecordServerException>(() => _store.VerifyAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_encoding_is_refused()
    {
        var latin = await Server.CreateDatabaseAsync("latin", "LATIN1", "C");
        var refused = await Assert.ThrowsAsync<RecordServerException>(() => PostgresRecord.OpenAsync(latin, new FileRecordMarks(_store.Marks)));
        Assert.Contains("encoding is LATIN1. Create it with: CREATE DATABASE", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_locale_in_which_Chinese_has_no_letters_is_refused()
    {
        var bare = await Server.CreateDatabaseAsync("bare_locale", locale: "C");
        var refused = await Assert.ThrowsAsync<RecordServerException>(() => PostgresRecord.OpenAsync(bare, new FileRecordMarks(_store.Marks)));
        Assert.Contains("locale C Chinese characters are no letters, so that words in them would not be found. Create it with: CREATE DATABASE … ENCODING 'UTF8' LOCALE 'C.UTF-8'", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fsync")]
    [InlineData("full_page_writes")]
    public async Task A_server_that_may_lose_what_it_acknowledged_is_refused(string setting)
    {
        await _store.CreateAsync();
        await Server.SetAsync(setting, "off");
        try
        {
            var refused = await Assert.ThrowsAsync<RecordServerException>(() => _store.OpenAsync());
            Assert.Contains($"Set {setting} = on in postgresql.conf", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            await Server.SetAsync(setting, "on");
        }
    }

    [Theory]
    [InlineData("off", "on")]
    [InlineData("local", "on")]
    [InlineData("remote_apply", "remote_apply")]
    public async Task A_commit_waits_for_the_disk_whatever_the_database_says(string set, string used)
    {
        await _store.CreateAsync();
        await Server.ExecuteAsync($"ALTER ROLE bank SET synchronous_commit = '{set}'");
        try
        {
            await using var record = await _store.OpenAsync();
            await record.Begin(Key);
            await _store.ExecuteAsync("""
                CREATE TABLE seen (value text);
                CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN INSERT INTO r1grains.seen VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$;
                CREATE TRIGGER see AFTER INSERT ON entry FOR EACH ROW EXECUTE FUNCTION see()
                """);
            await record.AppendTurn(Key, 1, 1, 1);
            Assert.Equal(used, await _store.ScalarAsync<string>("SELECT min(value) FROM seen"));
        }
        finally
        {
            await Server.ExecuteAsync("ALTER ROLE bank RESET synchronous_commit");
        }
    }

    [Fact]
    public async Task A_wrong_password_is_told_without_it()
    {
        var connectionString = (await _store.CreateAsync()).Replace("battery", "battery2", StringComparison.Ordinal);
        var refused = await Assert.ThrowsAsync<RecordUnavailableException>(() => PostgresRecord.OpenAsync(connectionString, new FileRecordMarks(_store.Marks)));
        Assert.Contains("password", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("battery", refused.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("secret", (await Assert.ThrowsAsync<RecordServerException>(() => PostgresRecord.OpenAsync("Host=a;secret=b", new FileRecordMarks(_store.Marks)))).ToString(), StringComparison.Ordinal);
    }
}
