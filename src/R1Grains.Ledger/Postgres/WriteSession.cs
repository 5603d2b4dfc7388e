using Npgsql;
using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Postgres;

/// <summary>
/// A writing connection that owns a row of <c>record_writer</c>. Every transaction raises the row's batch number, first of
/// all: after a connection broke at COMMIT, the row tells the next session whether the batch is there, and taking it waits
/// until the broken one's transaction has ended, one way or the other.
/// </summary>
internal sealed class WriteSession : IAsyncDisposable
{
    /// <remarks>
    /// A writer's lookups are all by key, and their plans must not depend on when the tables were analysed last. A process
    /// that stands still within a transaction holds up everybody who waits for the same heads.
    /// </remarks>
    private const string Settings = """
        SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false),
            set_config('idle_in_transaction_session_timeout', '2s', false), set_config('jit', 'off', false),
            set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false), set_config('enable_mergejoin', 'off', false),
            set_config('plan_cache_mode', 'force_generic_plan', false)
        """;

    /// <summary>Durable on a synchronous standby as well when it returns, and with it every commit before: also one that nobody was told of.</summary>
    private const string ClaimOwn = """
        UPDATE record_writer SET session = $2 + 1, ended = false, touched = now() WHERE writer = $1 AND session <= $2 RETURNING writer, session, batch
        """;

    /// <summary>The row of a writer that ended, or of which nothing was heard for long; its old owner, should it live, is told by the session.</summary>
    private const string ClaimEnded = """
        UPDATE record_writer SET session = session + 1, ended = false, touched = now()
        WHERE writer = (
            SELECT writer FROM record_writer WHERE writer = ANY ($1) AND (ended OR touched < now() - interval '1 day')
            ORDER BY writer LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING writer, session, batch
        """;

    private const string ClaimNew = "INSERT INTO record_writer (writer, session, batch, ended, touched) VALUES ($1, 1, 0, false, now()) RETURNING writer, session, batch";

    private const string Begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

    private const string Raise = "UPDATE record_writer SET batch = batch + 1, touched = now() WHERE writer = $1 AND session = $2 AND batch = $3 RETURNING batch";

    private const string End = "UPDATE record_writer SET ended = true, touched = now() WHERE writer = $1 AND session = $2";

    private readonly NpgsqlConnection _connection;
    private readonly Months _months;
    private readonly LogIdentity? _identity;

    /// <summary>Set by a commit that the server itself is not sure of, e.g. one whose wait for a standby was cut short.</summary>
    private volatile bool _warned;

    private WriteSession(NpgsqlConnection connection, LogIdentity? identity, Identity owner, long batch)
    {
        (_connection, _months, _identity, Owner, Batch) = (connection, new Months(connection), identity, owner, batch);
        connection.Notice += (_, notice) => _warned |= notice.Notice.InvariantSeverity is "WARNING";
    }

    /// <summary>Who owns the row, to claim it again.</summary>
    public Identity Owner { get; }

    /// <summary>The last one that is committed.</summary>
    public long Batch { get; private set; }

    /// <param name="identity">Who signs receipts, if anybody does.</param>
    /// <param name="own">Of the session before; null at first, and when its row was lost.</param>
    /// <exception cref="WriterLostException">The row of <paramref name="own"/> was taken by another process.</exception>
    /// <exception cref="RecordRewoundException"/>
    /// <exception cref="RecordServerException"/>
    /// <exception cref="NpgsqlException"/>
    public static async Task<WriteSession> OpenAsync(Database database, AcknowledgedBatches acknowledged, LogIdentity? identity, Identity? own)
    {
        var connection = await database.OpenAsync(RecordRole.Writer);
        try
        {
            await acknowledged.RequireAsync(connection);
            await using (var settings = new NpgsqlCommand(Settings, connection))
                await settings.ExecuteNonQueryAsync();
            var (owner, batch) = own is { } before
                ? await ClaimAsync(connection, ClaimOwn, before.Writer, before.Session) ?? throw new WriterLostException()
                : await ClaimAsync(connection, ClaimEnded, acknowledged.Writers) ?? await ClaimAsync(connection, ClaimNew, Guid.NewGuid())
                    ?? throw new InvalidDataException("a new writer's row was not written");
            return new WriteSession(connection, identity, owner, batch);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Returns when all of the writes that the rules accept are durable. After an exception, the next session tells what was written.</summary>
    /// <exception cref="NpgsqlException"/>
    /// <exception cref="WriterLostException">Nothing was written.</exception>
    public async Task CommitAsync(IReadOnlyList<Write> writes)
    {
        // Before the transaction: to wait within one for somebody who makes the same month could last for ever.
        await _months.RequireAsync(writes.Select(write => write.RowTime).OfType<DateTimeOffset>().Select(Month.Of));
        var rows = await BatchLoad.LoadAsync(_connection, writes, [new NpgsqlBatchCommand(Begin), Values.Command(Raise, Values.Of(Owner.Writer), Values.Of(Owner.Session), Values.Of(Batch))]);
        var rules = new WriteRules(rows, _identity);
        foreach (var write in writes)
            write.Apply(rules);
        _warned = false;
        await BatchCommit.SendAsync(_connection, rows, Owner.Writer, Batch + 1);
        if (_warned)
            throw new IOException("the server warned of the commit");
        Batch++;
    }

    /// <summary>Leaves the row to whoever comes next.</summary>
    public async Task EndAsync()
    {
        await using var end = new NpgsqlCommand(End, _connection);
        end.Parameters.Add(Values.Of(Owner.Writer));
        end.Parameters.Add(Values.Of(Owner.Session));
        await end.ExecuteNonQueryAsync();
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private static async Task<(Identity, long)?> ClaimAsync<T>(NpgsqlConnection connection, string sql, T first, long? second = null)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.Add(Values.Of(first));
        if (second is { } value)
            command.Parameters.Add(Values.Of(value));
        await using var row = await command.ExecuteReaderAsync();
        return await row.ReadAsync() ? (new Identity(row.GetGuid(0), row.GetInt64(1)), row.GetInt64(2)) : null;
    }

    /// <param name="Session">Counts the claims of the row: an earlier owner's transactions do nothing.</param>
    internal sealed record Identity(Guid Writer, long Session);
}
