using System.Diagnostics;
using R1Grains.Ledger;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Tree;
using R1Grains.Tests.Servers;

namespace R1Grains.LoadTests.Ledger;

/// <summary>
/// Kills, in turn, one of two writers (kill -9) and the server with everything that it does (an immediate shutdown, after which
/// it recovers), always while both write; then compares what was acknowledged with what is there.
/// </summary>
internal sealed class CrashRun : IAsyncDisposable
{
    private const string Database = "crashes";
    private const string Tenant = "demo";

    // Lines that are acknowledged before the next crash: at any moment of a batch, of a turn, of a checkpoint.
    private const int LinesMin = 20, LinesMax = 400;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly PostgresServer _server;
    private readonly KeyRing _keys;
    private readonly string _connection;
    private readonly string _folder;
    private readonly Func<string[], Process> _start;
    private readonly HashSet<string> _acknowledged = [];
    private readonly List<Checkpoint> _published = [];
    private readonly Random _random = new(20260105);
    private readonly Process?[] _writers = new Process?[2];
    private readonly Task[] _reading = new Task[2];
    private readonly SemaphoreSlim _heard = new(0);

    private CrashRun(PostgresServer server, string connection, string folder, KeyRing keys, Func<string[], Process> start) =>
        (_server, _connection, _folder, _keys, _start) = (server, connection, folder, keys, start);

    /// <param name="start">Starts a <see cref="CrashWriter"/>.</param>
    /// <param name="crashed">Called after each.</param>
    /// <exception cref="TimeoutException">A writer wrote nothing for a minute.</exception>
    public static async Task<CrashAccount> RunAsync(int crashes, Func<string[], Process> start, Action crashed, CancellationToken cancellation)
    {
        var server = await PostgresServer.StartAsync("shared_buffers = '128MB'");
        var folder = Directory.CreateTempSubdirectory("crashes-").FullName;
        await using var run = new CrashRun(server, await server.CreateDatabaseAsync(Database), folder, await KeyRing.OpenBesideAsync(folder, cancellation), start);
        await (await run.OpenAsync()).DisposeAsync();
        for (var writer = 0; writer < run._writers.Length; writer++)
            run.StartWriter(writer);
        for (var crash = 0; crash < crashes; crash++)
        {
            await run.HearAsync(run._random.Next(LinesMin, LinesMax), cancellation);
            if (crash % 2 == 0)
                await run.KillWriterAsync(crash / 2 % run._writers.Length);
            else
                await run.CrashServerAsync();
            crashed();
        }
        await run.HearAsync(LinesMin, cancellation);
        for (var writer = 0; writer < run._writers.Length; writer++)
            await run.EndWriterAsync(writer);
        return await run.AccountAsync(crashes);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var writer in _writers)
        {
            if (writer is null) continue;
            writer.Kill();
            writer.Dispose();
        }
        await _server.DisposeAsync();
        await _keys.DisposeAsync();
        _heard.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private Task<PostgresRecord> OpenAsync() => PostgresRecord.OpenAsync(_connection, new FileRecordMarks(_folder), CrashWriter.Identity(_folder), _keys);

    private void StartWriter(int writer)
    {
        var process = _writers[writer] = _start([_connection, _folder, $"{(char)('a' + writer)}"]);
        _reading[writer] = Task.Run(async () =>
        {
            while (await process.StandardOutput.ReadLineAsync() is { } line)
            {
                // What was cut by the kill may or may not have happened.
                if (!line.EndsWith(" .", StringComparison.Ordinal)) continue;
                lock (_acknowledged) _acknowledged.Add(line);
                _heard.Release();
            }
        });
    }

    private async Task HearAsync(int lines, CancellationToken cancellation)
    {
        for (; lines > 0; lines--)
        {
            if (await _heard.WaitAsync(Patience, cancellation)) continue;
            var errors = _writers.OfType<Process>().Where(writer => writer.HasExited).Select(writer => writer.StandardError.ReadToEnd());
            throw new TimeoutException($"Nothing was written for {Patience.TotalSeconds:0} s. {string.Join('\n', errors)}");
        }
    }

    private async Task KillWriterAsync(int writer)
    {
        await EndWriterAsync(writer);
        StartWriter(writer);
    }

    private async Task EndWriterAsync(int writer)
    {
        var process = _writers[writer]!;
        process.Kill();
        await process.WaitForExitAsync();
        await _reading[writer];
        process.Dispose();
        _writers[writer] = null;
    }

    private async Task CrashServerAsync()
    {
        await _server.StopImmediatelyAsync();
        await _server.StartAsync();
        await using var trees = await PublishedTrees.OpenPostgresAsync(_connection);
        foreach (var (_, note) in await trees.ListAsync())
            _published.Add(Checkpoint.Parse(note.Text));
    }

    private async Task<CrashAccount> AccountAsync(int crashes)
    {
        // Whoever leads next takes what the killed ones left.
        await (await OpenAsync()).DisposeAsync();
        using var key = NoteKey.FromPem(await File.ReadAllTextAsync(Path.Combine(_folder, SqliteRecord.KeyFileName + ".pub")));
        var report = await RecordVerifier.VerifyPostgresAsync(_connection, [key], _keys);
        var (findings, contradictions, duplicated) = (new List<string>(), report.Bad, 0L);
        if (report.FirstBad is { } bad) findings.Add(bad.ToString());
        if (report.Leaves != report.Entries)
        {
            contradictions++;
            findings.Add($"{report.Entries} entries, and {report.Leaves} leaves");
        }

        var there = new HashSet<string>();
        await using var record = await OpenAsync();
        for (long? after = 0; after is not null;)
        {
            var page = await record.ListConversationsAsync(Tenant, 100, after);
            foreach (var conversation in page.Items)
            {
                foreach (var repeated in await ReadAsync(record, conversation.Key, there))
                {
                    duplicated++;
                    findings.Add(repeated);
                }
            }
            after = page.Next;
        }
        var lost = _acknowledged.Where(line => !there.Contains(line)).ToList();
        findings.AddRange(lost.Select(line => $"acknowledged and lost: {line}"));
        foreach (var earlier in _published)
        {
            var proof = await record.ProveConsistencyAsync(Tenant, earlier.Size);
            var later = proof is null ? null : Checkpoint.Parse(proof.Checkpoint.Text);
            if (later is not null && TreeProof.IsConsistent(earlier.Size, earlier.Root, later.Size, later.Root, proof!.Hashes)) continue;
            contradictions++;
            findings.Add($"the tree does not begin with the {earlier.Size} leaves that were published");
        }
        return new(crashes, _acknowledged.Count, lost.Count, duplicated, contradictions, findings);
    }

    /// <param name="there">Gets what the record has, in the words of who was told.</param>
    /// <returns>What is there twice.</returns>
    private static async Task<List<string>> ReadAsync(PostgresRecord record, ConversationKey key, HashSet<string> there)
    {
        var (repeated, requests) = (new List<string>(), new HashSet<string>());
        for (long? after = 0; after is not null;)
        {
            var page = await record.ListTurnsAsync(key, 100, after);
            foreach (var turn in page.Items)
            {
                if (!requests.Add(turn.Opened.RequestId)) repeated.Add($"{key} has request '{turn.Opened.RequestId}' twice");
                foreach (var receipt in new[] { turn.OpenedReceipt, turn.ClosedReceipt }.OfType<Receipt>())
                    there.Add(CrashWriter.Line(receipt));
                foreach (var (place, piece) in turn.Pieces.Index())
                {
                    if (piece.Number != place + 1 || piece.Text != CrashWriter.Text(key.Conversation, turn.Opened.Turn, piece.Number))
                        repeated.Add($"{key} turn {turn.Opened.Turn} has in place {place + 1} piece {piece.Number} '{piece.Text}'");
                    there.Add(CrashWriter.Line(key.Conversation, turn.Opened.Turn, piece.Number));
                }
            }
            after = page.Next;
        }
        return repeated;
    }
}

/// <param name="Acknowledged">Entries and pieces of which a writer was told that they are durable.</param>
/// <param name="Contradictions">What does not verify, trees that do not go on from what was published among it.</param>
internal sealed record CrashAccount(int Crashes, long Acknowledged, long Lost, long Duplicated, long Contradictions, IReadOnlyList<string> Findings);
