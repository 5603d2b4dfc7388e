using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using R1Grains.Ledger;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Tree;
using R1Grains.Tests.Gateway;
using R1Grains.Tests.Servers;
using R1Grains.V1;

namespace R1Grains.Tests.Audit;

/// <summary>
/// The promise of an erasure, byte by byte: nothing that a customer said, and no key that would open it, is left in any file,
/// nor in a copy that was made before.
/// </summary>
public sealed class ErasedWordsTests
{
    private const string Demo = "tenants/demo";
    private const string Customer = "customers/egret-4242";
    private const string Words = "红树林里的白鹭叫Egret7731";

    /// <summary>In the clear by design: who finds it has looked well.</summary>
    private const string Agent = "agent-of-mangroves";

    private static readonly string[] Settings = ["--R1:Retention:Minimum=0"];

    [Fact]
    public async Task Nothing_is_left_in_the_files_of_a_record_in_SQLite_nor_in_a_copy_of_it()
    {
        var log = new KeptLog();
        await using var host = await EmbeddedHost.Start(configure: builder => log.Listen(builder.Logging), settings: Settings);
        var wrapped = await SayAndIndex(host);
        var copy = Directory.CreateTempSubdirectory("r1grains-copy-");
        try
        {
            foreach (var file in Directory.EnumerateFiles(host.Data, "*.db*"))
                File.Copy(file, Path.Combine(copy.FullName, Path.GetFileName(file)));
            var erased = await Erase(host);

            Assert.NotEmpty(Find([host.Data], [Encoding.UTF8.GetBytes(Agent)]));
            Assert.Empty(Find([host.Data, copy.FullName], Readable()));
            Assert.Empty(Find([host.Data], [wrapped]));
            Assert.DoesNotContain("Egret7731", log.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("egret-4242", log.Text, StringComparison.Ordinal);
            await Verify(host, erased, keys => RecordVerifier.VerifyAsync(host.Data, keys, host.App.Services.GetRequiredService<KeyRing>()));
            // The copy has all that was sealed, and nobody has the key.
            await using var older = await SqliteRecord.OpenAsync(copy.FullName, new LogIdentity("r1grains", NoteSigner.Generate()), host.App.Services.GetRequiredService<KeyRing>());
            await RequireUnreadable(older);
        }
        finally
        {
            copy.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Nothing_is_left_in_tables_indexes_and_logs_of_PostgreSQL_nor_in_its_archive_nor_in_a_backup_that_is_restored()
    {
        // Beside the data, as the server's user.
        await using var server = await PostgresServer.StartAsync("archive_mode = on", "archive_command = 'mkdir -p ../archive && cp %p ../archive/%f'", "log_statement = all");
        var archive = Path.Combine(server.Folder, "archive");
        var database = await server.CreateDatabaseAsync("record");
        var log = new KeptLog();
        await using var host = await EmbeddedHost.Start(configure: builder => log.Listen(builder.Logging), settings: [.. Settings, $"--ConnectionStrings:Postgres={database}"]);
        var wrapped = await SayAndIndex(host);
        var backup = await server.BackUpAsync();
        var erased = await Erase(host);
        await server.ExecuteAsync("CHECKPOINT");
        var segment = await server.ScalarAsync<string>("SELECT pg_walfile_name(pg_switch_wal())");
        using (var patience = new CancellationTokenSource(Talk.Patience))
        {
            while (!File.Exists(Path.Combine(archive, segment)))
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
        }

        string[] places = [server.Folder, host.Data];
        Assert.NotEmpty(Find([archive], [Encoding.UTF8.GetBytes(Agent)]));
        Assert.NotEmpty(Find([backup], [Encoding.UTF8.GetBytes(Agent)]));
        Assert.Empty(Find(places, Readable()));
        Assert.Empty(Find(places, [wrapped]));
        Assert.DoesNotContain("Egret7731", log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("egret-4242", log.Text, StringComparison.Ordinal);
        await Verify(host, erased, keys => RecordVerifier.VerifyPostgresAsync(database, keys, host.App.Services.GetRequiredService<KeyRing>()));

        await host.App.StopAsync();
        await server.RestoreAsync(backup);
        var keys = await KeyRing.OpenBesideAsync(host.Data);
        await using (keys)
        await using (var older = await PostgresRecord.OpenAsync(database, new FileRecordMarks(Directory.CreateDirectory(Path.Combine(host.Data, "marks")).FullName), keys: keys))
            await RequireUnreadable(older);
    }

    /// <returns>The key under which the words lie, as it is stored.</returns>
    private static async Task<byte[]> SayAndIndex(EmbeddedHost host)
    {
        var conversation = (await host.Conversations.CreateConversationAsync(new()
        {
            Parent = Demo,
            ConversationId = "c1",
            RequestId = "open",
            Conversation = new() { Customer = Customer, Agent = Agent, Labels = { ["note"] = Words } },
        })).Name;
        await host.Say(conversation, "1", Words).Rest();
        await host.Say(conversation, "2", $"第二次：{Words}").Rest();
        using var patience = new CancellationTokenSource(Talk.Patience);
        while ((await host.Transcripts.SearchTranscriptsAsync(new() { Parent = Demo, Purpose = "sample", Query = "Egret7731" }, cancellationToken: patience.Token)).Matches.Count < 2)
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
        var key = Assert.Single(Directory.EnumerateFiles(Path.Combine(host.Data, KeyRing.FolderName, "tenant=demo"), "data-*", SearchOption.AllDirectories));
        return await File.ReadAllBytesAsync(key);
    }

    private static async Task<Erasure> Erase(EmbeddedHost host)
    {
        var asked = await host.Transcripts.RequestErasureAsync(new() { Parent = Demo, RequestId = "ask", Purpose = "x", Customer = Customer }, host.Appointed("demo", "steve", "supervisor"));
        await host.Transcripts.ApproveErasureAsync(new() { Name = asked.Name, RequestId = "approve", Purpose = "x", Hash = asked.Hash }, host.Appointed("demo", "xenia", "security-officer"));
        using var patience = new CancellationTokenSource(Talk.Patience);
        while (true)
        {
            if (await host.Transcripts.GetErasureAsync(new() { Name = asked.Name }, cancellationToken: patience.Token) is { State: Erasure.Types.State.Erased } erased)
                return erased;
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
        }
    }

    private static async Task Verify(EmbeddedHost host, Erasure erased, Func<IReadOnlyList<NoteKey>, Task<VerificationReport>> verify)
    {
        Assert.Empty((await host.Transcripts.SearchTranscriptsAsync(new() { Parent = Demo, Purpose = "sample", Query = "Egret7731" })).Matches);
        using var key = NoteKey.FromPem(await File.ReadAllTextAsync(Path.Combine(host.Data, SqliteRecord.KeyFileName + ".pub")));
        Assert.True(key.Signed(SignedNote.Parse(erased.Certificate), "r1grains/demo"));
        var report = await verify([key]);
        Assert.Equal((null, 1), (report.FirstBad, report.Erased));
    }

    private static async Task RequireUnreadable(StoredRecord older)
    {
        var turn = (await older.FindTurnAsync(new("demo", "c1"), 1))!;
        Assert.Equal((true, "", "", ""), (turn.IsErased, turn.Opened.Input, turn.Closed!.Answer, (await older.FindConversationAsync(new("demo", "c1")))!.Opened.Customer));
        Assert.Null(await older.ReadPromptAsync(new("demo", "c1"), 1));
    }

    /// <summary>The words and the customer as a file might have them: as text, in memory's form, in hex, base64 and as the model's tokens, which are bytes here.</summary>
    private static IReadOnlyList<byte[]> Readable()
    {
        var needles = new List<byte[]>();
        foreach (var text in (string[])["红树林里的白鹭", "Egret7731", "egret-4242"])
        {
            var utf8 = Encoding.UTF8.GetBytes(text);
            needles.Add(utf8);
            needles.Add(Encoding.Unicode.GetBytes(text));
            needles.Add(Encoding.UTF8.GetBytes(Convert.ToHexStringLower(utf8)));
            needles.Add(Encoding.UTF8.GetBytes(Convert.ToBase64String(utf8)[..8]));
            var (big, little) = (new byte[4 * utf8.Length], new byte[4 * utf8.Length]);
            for (var i = 0; i < utf8.Length; i++)
            {
                BinaryPrimitives.WriteInt32BigEndian(big.AsSpan(4 * i), utf8[i]);
                BinaryPrimitives.WriteInt32LittleEndian(little.AsSpan(4 * i), utf8[i]);
            }
            needles.Add(big);
            needles.Add(little);
        }
        return needles;
    }

    /// <returns>Files in which one of the needles stands.</returns>
    private static IReadOnlyList<string> Find(IEnumerable<string> folders, IReadOnlyList<byte[]> needles)
    {
        var found = new List<string>();
        foreach (var file in folders.SelectMany(folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)).Where(file => !file.EndsWith(".lock", StringComparison.Ordinal)))
        {
            try
            {
                var bytes = Read(file);
                found.AddRange(needles.Where(needle => bytes.AsSpan().IndexOf(needle) >= 0).Select(needle => $"{file}: {Convert.ToHexStringLower(needle)}"));
            }
            catch (FileNotFoundException)
            {
                // A server tidies up while it is looked at.
            }
        }
        return found;
    }

    private static byte[] Read(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }

    /// <summary>All that any logger is given, at every level.</summary>
    private sealed class KeptLog : ILoggerProvider, ILogger
    {
        private readonly ConcurrentQueue<string> _lines = [];

        public string Text => string.Join('\n', _lines);

        public void Listen(ILoggingBuilder logging) => logging.AddProvider(this).SetMinimumLevel(LogLevel.Trace);

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull
        {
            _lines.Enqueue($"{state}");
            return null;
        }

        public bool IsEnabled(LogLevel level) => true;

        public void Log<TState>(LogLevel level, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> format) => _lines.Enqueue($"{format(state, exception)} {exception}");

        public void Dispose()
        {
        }
    }
}
