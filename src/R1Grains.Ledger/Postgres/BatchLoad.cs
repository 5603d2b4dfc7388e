using Npgsql;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger.Postgres;

/// <summary>Locks the heads of a batch and reads what its writes must be compared with.</summary>
internal static class BatchLoad
{
    /// <summary>In the order of their numbers, whoever locks: two writers never wait for each other.</summary>
    private const string Heads = $"""
        SELECT h.id, h.tenant, h.name, {HeadRow.Columns}
        FROM unnest($1, $2) AS k (wanted_tenant, wanted_name)
        JOIN conversation_head h ON h.tenant = k.wanted_tenant AND h.name = k.wanted_name
        ORDER BY h.id FOR NO KEY UPDATE OF h
        """;

    private const string Creations = """
        SELECT h.tenant, h.caller, h.request_id, h.name
        FROM unnest($1, $2, $3) AS k (tenant, caller, request_id)
        JOIN conversation_head h ON h.tenant = k.tenant AND h.caller = k.caller AND h.request_id = k.request_id
        """;

    private const string Turns = """
        SELECT h.tenant, h.name, r.request_id, r.turn
        FROM unnest($1, $2, $3) AS k (tenant, name, request_id)
        JOIN conversation_head h ON h.tenant = k.tenant AND h.name = k.name
        JOIN turn_request r ON r.conversation_id = h.id AND r.request_id = k.request_id
        """;

    /// <summary>One row a turn: a row a piece would repeat the names.</summary>
    private const string TurnPieces = """
        SELECT h.tenant, h.name, k.turn, p.numbers, p.epochs, p.times, p.skeletons, p.sealeds
        FROM unnest($1, $2, $3) AS k (tenant, name, turn)
        JOIN conversation_head h ON h.tenant = k.tenant AND h.name = k.name
        CROSS JOIN LATERAL (
            SELECT array_agg(number ORDER BY number) AS numbers, array_agg(epoch ORDER BY number) AS epochs, array_agg(time ORDER BY number) AS times,
                array_agg(skeleton ORDER BY number) AS skeletons, array_agg(sealed ORDER BY number) AS sealeds
            FROM piece WHERE conversation_id = h.id AND turn = k.turn AND time BETWEEN h.first_time AND h.last_time
        ) p
        WHERE p.numbers IS NOT NULL
        """;

    private const string Entries = """
        SELECT h.tenant, h.name, e.idx, e.kind, e.turn, e.epoch, e.time, e.skeleton, e.sealed, e.piece_count, e.pieces_hash, e.hash, e.receipt
        FROM unnest($1, $2, $3) AS k (id, kind, turn)
        JOIN conversation_head h ON h.id = k.id
        JOIN entry e ON e.conversation_id = k.id AND e.turn = k.turn AND e.kind = k.kind AND e.time BETWEEN h.first_time AND h.last_time
        """;

    private const string Pieces = """
        SELECT h.tenant, h.name, p.turn, p.number, p.epoch, p.time, p.skeleton, p.sealed
        FROM unnest($1, $2, $3) AS k (id, turn, number)
        JOIN conversation_head h ON h.id = k.id
        JOIN piece p ON p.conversation_id = k.id AND p.turn = k.turn AND p.number = k.number AND p.time BETWEEN h.first_time AND h.last_time
        """;

    /// <summary>One round trip, and another one if something does not follow on what is recorded: a retry, mostly.</summary>
    /// <param name="first">Commands of the caller before these; each gives one row.</param>
    /// <exception cref="WriterLostException">One of them gave none.</exception>
    public static async Task<BatchRows> LoadAsync(NpgsqlConnection connection, IReadOnlyList<Write> writes, IReadOnlyList<NpgsqlBatchCommand> first)
    {
        var rows = new BatchRows();
        var loads = new Loads(connection);
        foreach (var command in first)
            loads.Add(command, null);

        var keys = writes.Select(write => write.Key).Distinct().ToArray();
        loads.Add(Heads, row =>
        {
            var key = new ConversationKey(row.GetString(1), row.GetString(2));
            rows.Loaded(new StoredHead(row.GetInt64(0), HeadRow.Read(row, key, 3)));
        }, Tenants(keys), Names(keys));

        if (writes.OfType<ConversationCreation>().Select(write => write.Opened).ToArray() is { Length: > 0 } creations)
        {
            loads.Add(
                Creations,
                row => rows.Loaded(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3)),
                Values.Of(creations, opened => opened.Key.Tenant), Values.Of(creations, opened => opened.Caller), Values.Of(creations, opened => opened.RequestId));
        }
        if (writes.OfType<TurnOpening>().ToArray() is { Length: > 0 } openings)
        {
            keys = [.. openings.Select(write => write.Key)];
            loads.Add(Turns, row => rows.Loaded(Head(row), row.GetString(2), row.Int32(3)), Tenants(keys), Names(keys), Values.Of(openings, write => write.Opened.RequestId));
        }
        if (writes.OfType<TurnClosing>().ToArray() is { Length: > 0 } closings)
        {
            keys = [.. closings.Select(write => write.Key)];
            loads.Add(
                TurnPieces,
                row => rows.Loaded(Head(row), row.Int32(2), ReadPieces(row)),
                Tenants(keys), Names(keys), Values.Of(closings, write => write.Turn));
        }
        if (writes.OfType<RegistryChange>().ToArray() is { Length: > 0 } changes)
        {
            var tenants = changes.Select(write => write.Tenant).Distinct().ToArray();
            loads.Add(RegistryRows.Administrations, row => rows.Registry.Loaded(row.GetString(0), new AdministrationHead(row.GetInt64(1), row.Digest(2))), Values.Of(tenants, tenant => tenant));
            if (changes.SelectMany(write => write.Changes.Select(write.DocumentKey)).Distinct().ToArray() is { Length: > 0 } documents)
            {
                loads.Add(
                    RegistryRows.Documents,
                    row => rows.Registry.Loaded(new DocumentKey(row.GetString(0), row.GetString(1), row.GetString(2)), new StoredDocument(row.GetInt64(3), row.GetBoolean(4))),
                    Values.Of(documents, key => key.Tenant), Values.Of(documents, key => key.Kind), Values.Of(documents, key => key.Id));
            }
        }
        await loads.RunAsync();

        // What follows on its head needs no comparison: there is nothing in its place yet, but for what this batch adds.
        var recordedEntries = Misfits<EntryAppend>((append, head) => head.Misfit(append.Kind, append.Turn) is not null);
        if (recordedEntries.Length > 0)
        {
            loads.Add(
                Entries,
                row => rows.Loaded(Head(row), new RecordedEntry(
                    new Entry(row.GetInt64(2), (EntryKind)row.Int32(3), row.Int32(4), row.GetInt64(5), row.GetInt64(6), new(row.Bytes(7), row.IsDBNull(8) ? null : row.Bytes(8)), row.IsDBNull(9) ? null : (row.Int32(9), row.Digest(10))),
                    row.Digest(11),
                    row.IsDBNull(12) ? null : row.GetString(12))),
                Values.Of(recordedEntries, misfit => misfit.Head.Id), Values.Of(recordedEntries, misfit => (short)misfit.Write.Kind), Values.Of(recordedEntries, misfit => misfit.Write.Turn));
        }
        var recordedPieces = Misfits<PieceAppend>((append, head) => head.Misfit(append.Turn, append.Number) is not null);
        if (recordedPieces.Length > 0)
        {
            loads.Add(
                Pieces,
                row => rows.Loaded(Head(row), row.Int32(2), new JournalPiece(row.Int32(3), row.GetInt64(4), row.GetInt64(5), row.Bytes(6), row.Bytes(7))),
                Values.Of(recordedPieces, misfit => misfit.Head.Id), Values.Of(recordedPieces, misfit => misfit.Write.Turn), Values.Of(recordedPieces, misfit => misfit.Write.Number));
        }
        await loads.RunAsync();
        return rows;

        StoredHead Head(NpgsqlDataReader row) => rows.FindHead(new ConversationKey(row.GetString(0), row.GetString(1)))!;

        (T Write, StoredHead Head)[] Misfits<T>(Func<T, ConversationHead, bool> isMisfit) where T : Write =>
        [
            .. writes.OfType<T>().Select(write => (Write: write, Head: rows.FindHead(write.Key)!)).Where(pair => pair.Head is not null && isMisfit(pair.Write, pair.Head.Head)),
        ];
    }

    private static JournalPiece[] ReadPieces(NpgsqlDataReader row)
    {
        var (numbers, epochs, times) = (row.GetFieldValue<int[]>(3), row.GetFieldValue<long[]>(4), row.GetFieldValue<long[]>(5));
        var (skeletons, sealeds) = (row.GetFieldValue<byte[][]>(6), row.GetFieldValue<byte[][]>(7));
        return [.. numbers.Select((number, i) => new JournalPiece(number, epochs[i], times[i], skeletons[i], sealeds[i]))];
    }

    private static NpgsqlParameter Tenants(ConversationKey[] keys) => Values.Of(keys, key => key.Tenant);

    private static NpgsqlParameter Names(ConversationKey[] keys) => Values.Of(keys, key => key.Conversation);

    /// <summary>Queries that go to the server together, and what is done with the rows of each.</summary>
    private sealed class Loads(NpgsqlConnection connection)
    {
        private readonly List<(NpgsqlBatchCommand Command, Action<NpgsqlDataReader>? Read)> _queries = [];

        public void Add(string sql, Action<NpgsqlDataReader> read, params ReadOnlySpan<NpgsqlParameter> values) => Add(Values.Command(sql, values), read);

        public void Add(NpgsqlBatchCommand command, Action<NpgsqlDataReader>? read) => _queries.Add((command, read));

        public async Task RunAsync()
        {
            if (_queries.Count == 0)
                return;
            await using var batch = new NpgsqlBatch(connection);
            foreach (var (command, _) in _queries)
                batch.BatchCommands.Add(command);
            await using var row = await batch.ExecuteReaderAsync();
            var lost = false;
            for (var query = 0; query < _queries.Count; query++)
            {
                // Only a SELECT or a RETURNING has a result to step to.
                if (!_queries[query].Command.CommandText.StartsWith("BEGIN", StringComparison.Ordinal))
                {
                    var (any, read) = (false, _queries[query].Read);
                    while (await row.ReadAsync())
                    {
                        any = true;
                        read?.Invoke(row);
                    }
                    lost |= read is null && !any;
                    await row.NextResultAsync();
                }
            }
            _queries.Clear();
            if (lost)
                throw new WriterLostException();
        }
    }
}
