using Npgsql;
using R1Grains.Ledger.Postgres;
using R1Grains.Ledger.Search;
using R1Grains.Tests.Servers;

namespace R1Grains.Ledger.Tests.Postgres;

/// <summary>What each of the database's roles may do, and what a tenant sees of another: nothing, in any table.</summary>
[Collection(PostgresCollection.Name)]
public sealed class RoleTests(PostgresFixture fixture) : IAsyncLifetime
{
    /// <summary>They hold nothing of any tenant.</summary>
    private static readonly string[] Counters = ["conversation_count", "record_writer", "registry_change", "schema_version", "sequenced"];

    private static readonly string[] Tenants = ["demo", "north"];

    private const int Turns = 3;

    /// <summary>Beside the owner, in whom nobody but the migrations acts.</summary>
    private static readonly string[] Roles = ["writer", "reader", "verifier", "indexer"];

    private readonly PostgresStore _store = new(fixture.Server);

    private PostgresServer Server => fixture.Server;

    public async Task InitializeAsync()
    {
        await using var record = await _store.OpenAsync();
        foreach (var tenant in Tenants)
        {
            var key = Samples.Key("c1", tenant);
            var epoch = await record.Begin(key);
            for (var turn = 1; turn <= Turns; turn++)
                await record.AppendTurn(key, turn, epoch, 2);
            await record.Registry.ChangeAsync(Samples.Administrative(tenant), [new("role", "anna", 0, [1])]);
        }
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        foreach (var tenant in Tenants)
        {
            while ((await record.Index.ReadStateAsync(tenant)).TreeLeaves < 2 + 2 * Turns)
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, patience.Token);
        }
        // Two turns become a segment of the index, and the third one waits for the next.
        await record.Index.CatchUpAsync(_ => Task.FromResult(new IndexTerms(Digest.Of("terms"u8), _ => [1])), Assert.Fail, segmentTurns: 2);
    }

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Fact]
    public async Task Every_table_shows_a_reader_the_rows_of_its_own_tenant_alone_and_none_without_one()
    {
        var tables = await TablesAsync();
        Assert.Superset(new HashSet<string> { "entry", "piece", "turn_request", "leaf", "tile", "checkpoint", "document" }, tables.ToHashSet());
        await using var connection = await ConnectAsync("reader");
        foreach (var table in tables)
        {
            foreach (var tenant in Tenants)
            {
                Assert.True(await CountAsync(connection, tenant, table) > 0, $"{table} shows {tenant} nothing");
                Assert.Equal(0, await CountAsync(connection, tenant, table, Of(table, Tenants.Single(other => other != tenant))));
                Assert.Equal(0, await CountAsync(connection, tenant, table, $"NOT ({Of(table, tenant)})"));
            }
            foreach (var nobody in new[] { null, "", "nobody", "*", "%" })
                Assert.Equal(0, await CountAsync(connection, nobody, table));
        }
    }

    [Fact]
    public async Task The_indexer_sees_and_writes_the_rows_of_one_tenant_alone()
    {
        var tables = await ListAsync("SELECT relname FROM pg_class WHERE relnamespace = 'r1grains'::regnamespace AND relname LIKE 'search%' AND relkind = 'r' ORDER BY relname");
        await using var connection = await ConnectAsync("indexer");
        foreach (var table in tables)
        {
            foreach (var tenant in Tenants)
            {
                var other = Tenants.Single(other => other != tenant);
                Assert.True(await CountAsync(connection, tenant, table, $"tenant = '{tenant}'") > 0, $"{table} shows {tenant} nothing");
                // How far each tenant's index is, it sees of all, and can change of one.
                if (table != "search_state")
                    Assert.Equal(0, await CountAsync(connection, tenant, table, $"tenant = '{other}'"));
                Assert.Equal(0, await ChangedAsync(connection, tenant, $"UPDATE {table} SET tenant = tenant WHERE tenant = '{other}'"));
                Assert.Equal(0, await ChangedAsync(connection, tenant, $"DELETE FROM {table} WHERE tenant = '{other}'"));
                Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusedAsync(connection, $"UPDATE {table} SET tenant = 'east'"));
            }
            Assert.Equal(0, await ChangedAsync(connection, null, $"DELETE FROM {table}"));
        }
    }

    [Fact]
    public async Task No_table_is_without_policies_but_those_that_hold_nothing_of_a_tenant()
    {
        await using var connection = await ConnectAsync("reader");
        var open = await ListAsync("SELECT relname FROM pg_class WHERE relnamespace = 'r1grains'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND NOT (relrowsecurity AND relforcerowsecurity) ORDER BY relname");
        Assert.Equal(Counters, open);
        // To the months' own tables a policy does not apply, so nobody reads them.
        var months = await ListAsync("SELECT relname FROM pg_class WHERE relnamespace = 'r1grains'::regnamespace AND relkind = 'r' AND relispartition");
        Assert.NotEmpty(months);
        foreach (var table in months)
        {
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusedAsync(connection, $"SELECT * FROM {table}"));
            Assert.Empty(await ListAsync($"SELECT grantee || ' ' || privilege_type FROM information_schema.role_table_grants WHERE table_name = '{table}' AND grantee NOT LIKE '%\\_owner' AND privilege_type <> 'INSERT'"));
        }
    }

    [Fact]
    public async Task Not_even_the_owner_of_the_tables_sees_a_tenant_s_rows()
    {
        await using var connection = await ConnectAsync("owner");
        foreach (var table in await TablesAsync())
            Assert.Equal(0, await CountAsync(connection, "demo", table));
    }

    [Fact]
    public async Task Nobody_changes_or_removes_what_is_recorded()
    {
        string[] recorded = ["entry", "piece", "turn_request", "administrative_record", "leaf"];
        foreach (var role in Roles)
        {
            await using var connection = await ConnectAsync(role);
            foreach (var table in recorded.Concat(await ListAsync("SELECT relname FROM pg_class WHERE relnamespace = 'r1grains'::regnamespace AND relkind = 'r' AND relispartition")))
            {
                foreach (var sql in (string[])[$"UPDATE {table} SET tenant = tenant", $"UPDATE {table} SET idx = idx", $"DELETE FROM {table}", $"TRUNCATE {table}", $"ALTER TABLE {table} DISABLE TRIGGER ALL", $"DROP TABLE {table}"])
                {
                    var refused = await RefusedAsync(connection, sql);
                    Assert.True(refused is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.UndefinedColumn, $"{role} may {sql}: {refused}");
                }
            }
        }
        // Nor a superuser, who has not taken away the rails first.
        foreach (var table in recorded)
        {
            foreach (var sql in (string[])[$"DELETE FROM {table}", $"TRUNCATE {table}"])
                Assert.Contains("never changed or removed", (await Assert.ThrowsAsync<PostgresException>(() => Server.ExecuteAsync($"SET search_path = r1grains; {sql}", _store.Name))).MessageText, StringComparison.Ordinal);
        }
        foreach (var sql in (string[])["UPDATE entry SET skeleton = '' WHERE conversation_id = 1", "UPDATE piece SET sealed = '' WHERE conversation_id = 1", "DELETE FROM conversation_head WHERE id = 1", "DELETE FROM tile WHERE tree = 1", "DELETE FROM document"])
            Assert.Contains("never changed or removed", (await Assert.ThrowsAsync<PostgresException>(() => Server.ExecuteAsync($"SET search_path = r1grains; {sql}", _store.Name))).MessageText, StringComparison.Ordinal);
        Assert.True((await _store.VerifyAsync()).Valid);
    }

    [Theory]
    [InlineData("reader")]
    [InlineData("verifier")]
    [InlineData("indexer")]
    public async Task Only_the_writer_adds(string role)
    {
        await using var connection = await ConnectAsync(role);
        foreach (var table in (await TablesAsync()).Concat(Counters))
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusedAsync(connection, $"INSERT INTO {table} DEFAULT VALUES"));
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusedAsync(connection, "SELECT make_month('2030-01-01')"));
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusedAsync(connection, "CREATE TABLE r1grains.own (x int)"));
    }

    [Theory]
    [InlineData("indexer", "schema_version search_block search_segment search_state search_tail")]
    [InlineData("reader", "administration administrative_record checkpoint conversation_head document entry leaf piece record_writer schema_version search_block search_segment search_state search_tail sequenced tile tree turn_request")]
    public async Task Each_sees_what_it_needs(string role, string tables) => Assert.Equal(
        tables.Split(' '),
        await ListAsync($"SELECT relname FROM pg_class WHERE relnamespace = 'r1grains'::regnamespace AND relkind IN ('r', 'p') AND has_table_privilege('{_store.Name}_{role}', oid, 'SELECT') ORDER BY relname"));

    [Fact]
    public async Task A_login_for_each_purpose_is_enough_for_it_and_for_nothing_else()
    {
        foreach (var role in new[] { "writer", "reader", "verifier", "indexer" })
            await LoginAsync(role, $"GRANT {_store.Name}_{role} TO {_store.Name}_login_{role}");
        var logins = new PostgresLogins(Login("writer")) { Reader = Login("reader"), Indexer = Login("indexer") };
        await using (var record = await PostgresRecord.OpenAsync(logins, new FileRecordMarks(_store.Marks), PostgresStore.Identity(_store.Marks), await _store.Keys))
        {
            var key = Samples.Key("c2");
            await record.AppendTurn(key, 1, await record.Begin(key), 1);
            Assert.Single((await record.FindTurnAsync(key, 1))!.Pieces);
            Assert.Equal(2, (await record.ListConversationsAsync("demo", 10)).Items.Count);
            Assert.Empty(await record.FindOpenTurnsAsync());
            using var signed = _store.Key;
            using var verification = (await record.TakeVerificationAsync("demo"))!;
            var report = await verification.RunAsync([signed]);
            Assert.Null(report.FirstBad);
            Assert.Equal((2, Turns + 1, 1), (report.Conversations, report.Turns, report.AdministrativeRecords));
        }
        Assert.Equal(3, (await RecordVerifier.VerifyPostgresAsync(Login("verifier"))).Conversations);

        // A login that sees less than all must not find that all is well.
        Assert.Contains($"Grant it: GRANT {_store.Name}_verifier", (await Assert.ThrowsAsync<RecordServerException>(() => RecordVerifier.VerifyPostgresAsync(Login("reader")))).Message, StringComparison.Ordinal);
        Assert.Contains($"Grant it: GRANT {_store.Name}_writer", (await Assert.ThrowsAsync<RecordServerException>(() => PostgresRecord.OpenAsync(Login("reader"), new FileRecordMarks(_store.Marks)))).Message, StringComparison.Ordinal);
        Assert.Contains($"Grant it: GRANT {_store.Name}_reader", (await Assert.ThrowsAsync<RecordServerException>(() => PostgresRecord.OpenAsync(Login("writer"), new FileRecordMarks(_store.Marks)))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_has_no_role_is_not_let_in()
    {
        await Server.CreateLoginAsync("stranger");
        var refused = await Assert.ThrowsAsync<RecordUnavailableException>(() => PostgresRecord.OpenAsync(Server.ConnectionString(_store.Name, "stranger"), new FileRecordMarks(_store.Marks)));
        Assert.Contains("42501", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_the_tables_are_missing_a_login_that_may_not_make_them_is_told_who_can()
    {
        await using var store = new PostgresStore(Server);
        await store.CreateAsync();
        await Server.CreateLoginAsync("newcomer");
        await Server.ExecuteAsync($"GRANT {store.Name}_writer, {store.Name}_reader, {store.Name}_indexer TO newcomer");
        var login = Server.ConnectionString(store.Name, "newcomer");
        Assert.Contains($"the tables of the record are missing, and user 'newcomer' is no member of {store.Name}_owner", (await Assert.ThrowsAsync<RecordServerException>(() => PostgresRecord.OpenAsync(login, new FileRecordMarks(store.Marks)))).Message, StringComparison.Ordinal);
        await using var record = await PostgresRecord.OpenAsync(new PostgresLogins(login) { Owner = await store.CreateAsync() }, new FileRecordMarks(store.Marks), keys: await store.Keys);
        await record.Begin(Samples.Key());
    }

    [Fact]
    public async Task Missing_roles_are_made_by_whoever_may_and_told_to_everybody_else()
    {
        var bare = await Server.CreateBareDatabaseAsync("bare");
        Assert.Contains("the roles of the record are missing, and user 'bank' may make none. Run deploy/kubernetes/components/stores/roles.sql", (await Assert.ThrowsAsync<RecordServerException>(() => PostgresRecord.OpenAsync(bare, new FileRecordMarks(_store.Marks)))).Message, StringComparison.Ordinal);
        var folder = Directory.CreateTempSubdirectory("marks-").FullName;
        await using (var record = await PostgresRecord.OpenAsync(Server.ConnectionString("bare", "postgres"), new FileRecordMarks(folder), keys: await _store.Keys))
            await record.Begin(Samples.Key());
        await (await PostgresRecord.OpenAsync(bare, new FileRecordMarks(folder))).DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    private Task<string[]> TablesAsync() => ListAsync("SELECT relname FROM pg_class WHERE relnamespace = 'r1grains'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relrowsecurity ORDER BY relname");

    private async Task<string[]> ListAsync(string sql) => await _store.ScalarAsync<string[]>($"SELECT coalesce(array_agg(x), '{{}}') FROM ({sql}) AS q (x)");

    private static string Of(string table, string tenant) => table is "leaf" or "tile" or "checkpoint" ? $"tree = {Array.IndexOf(Tenants, tenant) + 1}" : $"tenant = '{tenant}'";

    private static async Task<long> CountAsync(NpgsqlConnection connection, string? tenant, string table, string condition = "true")
    {
        await using var transaction = await connection.BeginTransactionAsync();
        if (tenant is not null)
        {
            await using var set = new NpgsqlCommand("SELECT set_config('r1grains.tenant', $1, true)", connection) { Parameters = { new() { Value = tenant } } };
            await set.ExecuteNonQueryAsync();
        }
        await using var count = new NpgsqlCommand($"SELECT count(*) FROM {table} WHERE {condition}", connection);
        return (long)(await count.ExecuteScalarAsync())!;
    }

    /// <returns>How many rows it would have changed.</returns>
    private static async Task<int> ChangedAsync(NpgsqlConnection connection, string? tenant, string sql)
    {
        await using var transaction = await connection.BeginTransactionAsync();
        await using var set = new NpgsqlCommand("SELECT set_config('r1grains.tenant', $1, true)", connection) { Parameters = { new() { Value = tenant ?? "" } } };
        await set.ExecuteNonQueryAsync();
        await using var change = new NpgsqlCommand(sql, connection);
        return await change.ExecuteNonQueryAsync();
    }

    /// <returns>The error's code, or "done".</returns>
    private static async Task<string> RefusedAsync(NpgsqlConnection connection, string sql)
    {
        try
        {
            await using var transaction = await connection.BeginTransactionAsync();
            await using var command = new NpgsqlCommand($"SELECT set_config('r1grains.tenant', 'demo', true); {sql}", connection);
            await command.ExecuteNonQueryAsync();
            return "done";
        }
        catch (PostgresException refused)
        {
            return refused.SqlState;
        }
    }

    private async Task<NpgsqlConnection> ConnectAsync(string role)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(await _store.CreateAsync()) { Pooling = false, SearchPath = Database.Schema }.ToString());
        await connection.OpenAsync();
        await using var take = new NpgsqlCommand($"SET ROLE {_store.Name}_{role}", connection);
        await take.ExecuteNonQueryAsync();
        return connection;
    }

    private string Login(string role) => Server.ConnectionString(_store.Name, $"{_store.Name}_login_{role}");

    private async Task LoginAsync(string role, string grant)
    {
        await Server.CreateLoginAsync($"{_store.Name}_login_{role}");
        await Server.ExecuteAsync(grant);
    }
}
