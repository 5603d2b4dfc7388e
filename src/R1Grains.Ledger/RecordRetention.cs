using Npgsql;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Postgres;

namespace R1Grains.Ledger;

/// <summary>
/// Takes whole months out of a record in PostgreSQL when they need not be kept any longer. The trees keep the hash of each
/// entry, so that everything else can still be proved, and the cluster's administrative chain says who took what out and why:
/// what else is missing is still found missing. What was taken out lies in tables beside the record, to be archived and dropped.
/// </summary>
/// <param name="logins">The owner's is needed beside the writer's.</param>
/// <param name="registry">Of the same record.</param>
public sealed class RecordRetention(PostgresLogins logins, IRegistry registry, TimeProvider time)
{
    /// <summary>Readers are held up for no longer, however often it is tried.</summary>
    private static readonly TimeSpan LockTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private const int Attempts = 20;

    private const int ReadSeconds = 600;

    private const string SelectMonths = """
        SELECT m.month, max(m.bytes) FILTER (WHERE m.parent = 'entry'), max(m.bytes) FILTER (WHERE m.parent = 'piece')
        FROM (SELECT to_date(right(c.relname, 7), 'YYYY_MM') AS month, i.inhparent::regclass::text AS parent, pg_total_relation_size(c.oid) AS bytes
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent IN ('entry'::regclass, 'piece'::regclass)) m
        GROUP BY m.month ORDER BY m.month
        """;

    private const string SelectOpen = "SELECT tenant, name FROM conversation_head WHERE deadline IS NOT NULL AND first_time < $1 LIMIT 1";

    private const string SelectLeaves = """
        SELECT e.tenant, l.number
        FROM entry e
        LEFT JOIN tree t ON t.tenant = e.tenant
        LEFT JOIN leaf l ON l.tree = t.id AND l.kind = 1 AND l.owner = e.conversation_id AND l.idx = e.idx
        WHERE e.time >= $1 AND e.time < $2 ORDER BY e.tenant, l.number
        """;

    /// <summary>Those that have tables, the first one first.</summary>
    /// <exception cref="RecordUnavailableException"/>
    public Task<IReadOnlyList<KeptMonth>> ListAsync(CancellationToken cancellation = default) => WithConnection<IReadOnlyList<KeptMonth>>(logins.Writer, RecordRole.Writer, async connection =>
    {
        await using var command = new NpgsqlCommand(SelectMonths, connection);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var months = new List<KeptMonth>();
        while (await row.ReadAsync(cancellation))
            months.Add(new(row.GetFieldValue<DateOnly>(0), row.IsDBNull(1) ? null : row.GetInt64(1), row.IsDBNull(2) ? null : row.GetInt64(2)));
        return months;
    }, cancellation);

    /// <summary>Takes a month's entries out, and its pieces with them. To be asked again where it was interrupted.</summary>
    /// <param name="month">Any day of it, in UTC.</param>
    /// <exception cref="RetentionRefusedException">It is not over, a turn of it is open, or an entry of it is not in a tree yet.</exception>
    /// <exception cref="RecordUnavailableException"/>
    public Task RetireAsync(DateOnly month, string actor, string purpose, CancellationToken cancellation = default) =>
        RetireAsync(Past(month), RetiredMonth.Kind, async connection => await ReadAsync(connection, Past(month), cancellation), actor, purpose, cancellation);

    /// <summary>Takes a month's pieces out, and leaves its entries: what a turn answered stands in its close as well.</summary>
    /// <inheritdoc cref="RetireAsync(DateOnly, string, string, CancellationToken)"/>
    public Task RetirePiecesAsync(DateOnly month, string actor, string purpose, CancellationToken cancellation = default) =>
        RetireAsync(Past(month), RetiredMonth.PiecesKind, _ => Task.FromResult(new RetiredMonth(0, [])), actor, purpose, cancellation);

    private async Task RetireAsync(Month month, string kind, Func<NpgsqlConnection, Task<RetiredMonth>> read, string actor, string purpose, CancellationToken cancellation)
    {
        var id = $"{month.FirstDay:yyyy-MM}";
        if (await registry.FindAsync(new(IRegistry.Cluster, kind, id), cancellation) is null)
        {
            var retired = await WithConnection(logins.Writer, RecordRole.Writer, async connection =>
            {
                await RequireNoneOpenAsync(connection, month, cancellation);
                return await read(connection);
            }, cancellation);
            // First of all: what is missing before it is said to be taken out was removed by somebody else.
            await registry.ChangeAsync(new AdministrativeRecord
            {
                Tenant = IRegistry.Cluster,
                Time = time.GetUtcNow(),
                Actor = actor,
                Action = kind == RetiredMonth.Kind ? "month.retire" : "month.retire-pieces",
                Resource = $"months/{id}",
                Purpose = purpose,
                Details = [new("entries", $"{retired.Entries}")],
            }, [new(kind, id, 0, retired.Encode())], cancellation);
        }
        // Pieces first: none may be left whose turn is not there.
        string[] tables = kind == RetiredMonth.Kind ? [month.PieceTable, month.EntryTable] : [month.PieceTable];
        await WithConnection(logins.Owner, RecordRole.Owner, async connection =>
        {
            await DetachAsync(connection, tables, cancellation);
            return true;
        }, cancellation);
    }

    private static async Task RequireNoneOpenAsync(NpgsqlConnection connection, Month month, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(SelectOpen, connection) { Parameters = { Values.Of(month.Next.Begin) } };
        await using var row = await command.ExecuteReaderAsync(cancellation);
        if (await row.ReadAsync(cancellation))
            throw new RetentionRefusedException($"a turn of tenants/{row.GetString(0)}/conversations/{row.GetString(1)} is open, whose opening may be of {month.FirstDay:yyyy-MM} or before");
    }

    private static async Task<RetiredMonth> ReadAsync(NpgsqlConnection connection, Month month, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(SelectLeaves, connection) { CommandTimeout = ReadSeconds, Parameters = { Values.Of(month.Begin), Values.Of(month.Next.Begin) } };
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var (entries, tenants) = (0L, new List<(string Tenant, List<LeafRun> Runs)>());
        for (; await row.ReadAsync(cancellation); entries++)
        {
            if (row.IsDBNull(1))
                throw new RetentionRefusedException($"an entry of tenant '{row.GetString(0)}' of {month.FirstDay:yyyy-MM} stands in no tree: it would be gone without a trace");
            if (tenants.Count == 0 || tenants[^1].Tenant != row.GetString(0))
                tenants.Add((row.GetString(0), []));
            var (runs, number) = (tenants[^1].Runs, row.GetInt64(1));
            if (runs.Count > 0 && runs[^1].First + runs[^1].Count == number)
                runs[^1] = runs[^1] with { Count = runs[^1].Count + 1 };
            else
                runs.Add(new(number, 1));
        }
        return new(entries, [.. tenants.Select(tenant => (tenant.Tenant, (IReadOnlyList<LeafRun>)tenant.Runs))]);
    }

    private static async Task DetachAsync(NpgsqlConnection connection, string[] tables, CancellationToken cancellation)
    {
        foreach (var table in tables)
        {
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    await using var detach = new NpgsqlCommand("SELECT detach_month($1, $2)", connection) { Parameters = { Values.Of(table), Values.Of($"{LockTimeout.TotalMilliseconds}ms") } };
                    await detach.ExecuteNonQueryAsync(cancellation);
                    break;
                }
                catch (PostgresException busy) when (busy.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected && attempt < Attempts)
                {
                    await Task.Delay(Pause, TimeProvider.System, cancellation);
                }
            }
        }
    }

    private static async Task<T> WithConnection<T>(string login, RecordRole role, Func<NpgsqlConnection, Task<T>> use, CancellationToken cancellation)
    {
        await using var database = Database.ToWrite(login);
        try
        {
            await using var connection = await database.OpenAsync(role, cancellation);
            return await use(connection);
        }
        catch (NpgsqlException failure)
        {
            throw Outage.Translate(failure, database.Address);
        }
    }

    private Month Past(DateOnly day)
    {
        var month = new Month(new DateOnly(day.Year, day.Month, 1));
        return month.Next.Begin <= Microseconds.Of(time.GetUtcNow())
            ? month
            : throw new RetentionRefusedException($"{month.FirstDay:yyyy-MM} is not over");
    }
}

/// <param name="FirstDay">Its first.</param>
/// <param name="EntryBytes">What its entries take, indexes included; null where they are not there.</param>
/// <param name="PieceBytes">The same of its pieces.</param>
public sealed record KeptMonth(DateOnly FirstDay, long? EntryBytes, long? PieceBytes);

/// <summary>A month cannot be taken out. Nothing was changed.</summary>
public sealed class RetentionRefusedException(string reason) : Exception($"The month is kept: {reason}.");
