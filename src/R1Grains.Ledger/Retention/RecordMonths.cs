using System.Globalization;
using Npgsql;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Postgres;

namespace R1Grains.Ledger.Retention;

/// <summary>
/// Takes whole months out of a record in PostgreSQL when they need not be kept any longer. The trees keep the hash of each
/// entry, so that everything else can still be proved, and the cluster's administrative chain says who took what out and why:
/// what else is missing is still found missing. What was taken out lies in tables beside the record, to be archived and dropped.
/// A month goes only when the keys of all its words are destroyed: so no erasure can miss any of them, and whatever a rule or
/// a hold keeps keeps the month. It follows that the erasure of a customer finds whatever there is to be erased in the record.
/// </summary>
/// <param name="logins">The owner's is needed beside the writer's.</param>
/// <param name="record">What the logins lead to.</param>
/// <param name="registry">Of the same record.</param>
/// <param name="keys">Of the same record.</param>
public sealed class RecordMonths(PostgresLogins logins, IRecord record, IRegistry registry, KeyRing keys, LegalHolds holds, TimeProvider time)
{
    /// <summary>Readers are held up for no longer, however often it is tried.</summary>
    private static readonly TimeSpan LockTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private const int Attempts = 20;

    /// <summary>In administrative records: the rule itself, which nobody applies by hand.</summary>
    private const string Actor = "retention";

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

    private const string SelectConversations = """
        SELECT h.tenant, h.name, h.data_key FROM conversation_head h
        WHERE h.first_time < $2 AND h.last_time >= $1 AND EXISTS (SELECT FROM {0} r WHERE r.conversation_id = h.id AND r.time >= $1 AND r.time < $2)
        ORDER BY h.tenant, h.id
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

    /// <summary>
    /// Takes out what is past its time: a month when all that could be of it is, and its pieces after the time that is set for
    /// them. What cannot go yet stays for another day.
    /// </summary>
    /// <param name="tenants">Of the record.</param>
    /// <returns>How many months, or pieces of months, went.</returns>
    /// <exception cref="RecordUnavailableException"/>
    public async Task<int> SweepAsync(RetentionRules rules, IReadOnlyList<string> tenants, CancellationToken cancellation = default)
    {
        var (now, gone, longest) = (time.GetUtcNow(), 0, rules.LongestMaximum(tenants));
        foreach (var month in await ListAsync(cancellation))
        {
            try
            {
                if (month.EntryBytes is not null && IsPast(month, longest))
                    await RetireAsync(month.FirstDay, Actor, "", cancellation);
                else if (month.PieceBytes is not null && IsPast(month, rules.Pieces))
                    await RetirePiecesAsync(month.FirstDay, Actor, "", cancellation);
                else
                    continue;
                gone++;
            }
            catch (MonthKeptException)
            {
                // Something keeps it.
            }
        }
        return gone;

        bool IsPast(KeptMonth month, Term? term) => term?.After(new(month.FirstDay.AddMonths(1), TimeOnly.MinValue, TimeSpan.Zero)) <= now;
    }

    /// <summary>Takes a month's entries out, and its pieces with them. To be asked again where it was interrupted.</summary>
    /// <param name="month">Any day of it, in UTC.</param>
    /// <exception cref="MonthKeptException">It is not over, a turn of it is open, an entry of it is not in a tree yet, a hold keeps any of it, or a key of its words is not destroyed.</exception>
    /// <exception cref="RecordUnavailableException"/>
    public Task RetireAsync(DateOnly month, string actor, string purpose, CancellationToken cancellation = default) =>
        RetireAsync(Past(month), RetiredMonth.Kind, actor, purpose, cancellation);

    /// <summary>Takes a month's pieces out, and leaves its entries: what a turn answered stands in its close as well.</summary>
    /// <param name="month">Any day of it, in UTC.</param>
    /// <exception cref="MonthKeptException">It is not over, a turn of it is open, or a hold keeps any of it.</exception>
    /// <exception cref="RecordUnavailableException"/>
    public Task RetirePiecesAsync(DateOnly month, string actor, string purpose, CancellationToken cancellation = default) =>
        RetireAsync(Past(month), RetiredMonth.PiecesKind, actor, purpose, cancellation);

    private async Task RetireAsync(Month month, string kind, string actor, string purpose, CancellationToken cancellation)
    {
        var id = $"{month.FirstDay:yyyy-MM}";
        if (await registry.FindAsync(new(IRegistry.Cluster, kind, id), cancellation) is { } before)
        {
            // What came after it was said was said of nobody.
            if (kind == RetiredMonth.Kind && await WithConnection(logins.Writer, RecordRole.Writer, connection => ReadAsync(connection, month, cancellation), cancellation) is { Entries: > 0 } there
                && !there.Encode().AsSpan().SequenceEqual(before.Content))
                throw new MonthKeptException($"{id} was taken out before, and has other entries now");
        }
        else
        {
            var retired = await WithConnection(logins.Writer, RecordRole.Writer, async connection =>
            {
                await RequireNoneOpenAsync(connection, month, cancellation);
                var conversations = await ListAsync(connection, month, kind == RetiredMonth.Kind ? "entry" : "piece", cancellation);
                if (kind == RetiredMonth.Kind)
                    await RequireErasedAsync(conversations);
                var read = kind == RetiredMonth.Kind ? await ReadAsync(connection, month, cancellation) : new(0, []);
                foreach (var tenant in conversations.GroupBy(conversation => conversation.Tenant))
                    await TellAsync(month, kind, tenant.Key, [.. tenant], actor, purpose, cancellation);
                return read;
            }, cancellation);
            // First of all: what is missing before it is said to be taken out was removed by somebody else.
            await registry.ChangeAsync(new AdministrativeRecord
            {
                Tenant = IRegistry.Cluster,
                Time = time.GetUtcNow(),
                Actor = actor,
                Action = ActionOf(kind),
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

    private static async Task<IReadOnlyList<Stored>> ListAsync(NpgsqlConnection connection, Month month, string table, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(string.Format(CultureInfo.InvariantCulture, SelectConversations, table), connection)
        {
            CommandTimeout = ReadSeconds,
            Parameters = { Values.Of(month.Begin), Values.Of(month.Next.Begin) },
        };
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var conversations = new List<Stored>();
        while (await row.ReadAsync(cancellation))
            conversations.Add(new(row.GetString(0), row.GetString(1), DataKeyId.Of(row.GetFieldValue<byte[]>(2))));
        return conversations;
    }

    /// <summary>The tenant's own chain says it, in a change that no hold can come between.</summary>
    private async Task TellAsync(Month month, string kind, string tenant, IReadOnlyList<Stored> conversations, string actor, string purpose, CancellationToken cancellation)
    {
        while (true)
        {
            var (inForce, guard) = await holds.InForceAsync(tenant, cancellation);
            if (await FindHoldAsync(tenant, inForce, conversations, cancellation) is { } hold)
                throw new MonthKeptException($"{hold.Name} keeps some of {month.FirstDay:yyyy-MM}");
            try
            {
                await registry.ChangeAsync(new AdministrativeRecord
                {
                    Tenant = tenant,
                    Time = time.GetUtcNow(),
                    Actor = actor,
                    Action = ActionOf(kind),
                    Resource = $"tenants/{tenant}",
                    Purpose = purpose,
                    Details = [new("month", $"{month.FirstDay:yyyy-MM}"), new("conversations", string.Create(CultureInfo.InvariantCulture, $"{conversations.Count}"))],
                }, [guard], cancellation);
                return;
            }
            catch (DocumentConflictException)
            {
                // A hold was placed meanwhile, or an erasure begins.
            }
        }
    }

    private async Task<LegalHold?> FindHoldAsync(string tenant, IReadOnlyList<LegalHold> inForce, IReadOnlyList<Stored> conversations, CancellationToken cancellation)
    {
        if (inForce.FirstOrDefault(hold => conversations.Any(one => hold.Extent.Covers(one.Name, one.Key.Subject))) is { } named)
            return named;
        if (!inForce.Any(hold => hold.Extent.IsCustomer))
            return null;
        // A customer who was named under an earlier index key is known by what can still be read; one key is one customer's.
        foreach (var one in conversations.DistinctBy(conversation => conversation.Key))
        {
            if (await record.FindConversationAsync(new(tenant, one.Name), cancellation) is { } conversation && inForce.FirstOrDefault(hold => hold.Extent.Covers(conversation)) is { } hold)
                return hold;
        }
        return null;
    }

    private async Task RequireErasedAsync(IReadOnlyList<Stored> conversations)
    {
        foreach (var together in conversations.GroupBy(conversation => (conversation.Tenant, conversation.Key)))
        {
            if (await keys.FindAsync(together.Key.Tenant, together.Key.Key) is not null)
                throw new MonthKeptException($"the words of tenants/{together.Key.Tenant}/conversations/{together.First().Name} are not erased");
        }
    }

    private static string ActionOf(string kind) => kind == RetiredMonth.Kind ? "month.retire" : "month.retire-pieces";

    private static async Task RequireNoneOpenAsync(NpgsqlConnection connection, Month month, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(SelectOpen, connection) { Parameters = { Values.Of(month.Next.Begin) } };
        await using var row = await command.ExecuteReaderAsync(cancellation);
        if (await row.ReadAsync(cancellation))
            throw new MonthKeptException($"a turn of tenants/{row.GetString(0)}/conversations/{row.GetString(1)} is open, whose opening may be of {month.FirstDay:yyyy-MM} or before");
    }

    private static async Task<RetiredMonth> ReadAsync(NpgsqlConnection connection, Month month, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(SelectLeaves, connection) { CommandTimeout = ReadSeconds, Parameters = { Values.Of(month.Begin), Values.Of(month.Next.Begin) } };
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var (entries, tenants) = (0L, new List<(string Tenant, List<LeafRun> Runs)>());
        for (; await row.ReadAsync(cancellation); entries++)
        {
            if (row.IsDBNull(1))
                throw new MonthKeptException($"an entry of tenant '{row.GetString(0)}' of {month.FirstDay:yyyy-MM} stands in no tree: it would be gone without a trace");
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
            : throw new MonthKeptException($"{month.FirstDay:yyyy-MM} is not over");
    }

    /// <summary>A conversation of which the month has rows.</summary>
    private sealed record Stored(string Tenant, string Name, DataKeyId Key);
}

/// <param name="FirstDay">Its first.</param>
/// <param name="EntryBytes">What its entries take, indexes included; null where they are not there.</param>
/// <param name="PieceBytes">The same of its pieces.</param>
public sealed record KeptMonth(DateOnly FirstDay, long? EntryBytes, long? PieceBytes);

/// <summary>A month cannot be taken out. Nothing was changed.</summary>
public sealed class MonthKeptException(string reason) : Exception($"The month is kept: {reason}.");
