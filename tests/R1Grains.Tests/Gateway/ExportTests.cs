using System.Security.Cryptography;
using System.Text;
using Google.Rpc;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using R1Grains.Access;
using R1Grains.Ledger;
using R1Grains.Ledger.Exports;
using R1Grains.Ledger.Retention;
using R1Grains.Ledger.Tree;
using R1Grains.Tests.Scripted;
using R1Grains.V1;
using Export = R1Grains.V1.Export;

namespace R1Grains.Tests.Gateway;

/// <summary>What leaves the house as files: asked for, recorded, found, downloaded, and proved without it.</summary>
public sealed class ExportTests
{
    private const string Demo = "tenants/demo";

    [Fact]
    public async Task A_customers_turns_leave_with_their_proof_and_who_took_them_is_recorded_before()
    {
        await using var host = await EmbeddedHost.Start(new Script(Answer: "年费 {words}"));
        await Said(host, "c1", "customers/42", "我的手机号是13812345678", "two");
        await Said(host, "c2", "customers/43", "three");
        await Said(host, "c3", "customers/42", "four");
        var frank = host.Appointed("demo", "frank", "auditor-full");
        var request = new ExportTranscriptsRequest { Parent = Demo, RequestId = "1", Purpose = "complaint 4711", Filter = new() { Customer = "customers/42" } };
        var export = await Ready(host, await host.Transcripts.ExportTranscriptsAsync(request, frank), frank);
        Assert.Equal((3, "frank", "complaint 4711", TranscriptView.Redacted), (export.Turns, export.RequestedBy, export.Purpose, export.View));
        Assert.Equal(export, await host.Transcripts.ExportTranscriptsAsync(request, frank));
        Assert.Equal("REQUEST_ID_REUSED", await Reason(host.Transcripts.ExportTranscriptsAsync(new(request) { View = TranscriptView.Full }, frank)));
        Assert.Equal(export, Assert.Single((await host.Transcripts.ListExportsAsync(new() { Parent = Demo }, frank)).Exports));

        using var folder = new TemporaryFolder();
        await Download(host, export.Name, frank, folder.Path);
        var report = await ExportVerifier.VerifyAsync(folder.Path, [Key(host)]);
        Assert.Null(report.FirstBad);
        Assert.Equal((2, 3), (report.Counts.Conversations, report.Counts.Turns));
        var records = await File.ReadAllTextAsync(Path.Combine(folder.Path, ExportManifest.RecordsName));
        Assert.DoesNotContain("13812345678", records, StringComparison.Ordinal);
        Assert.DoesNotContain("three", records, StringComparison.Ordinal);
        Assert.DoesNotContain("customers/42", await File.ReadAllTextAsync(Path.Combine(folder.Path, ExportManifest.FileName)), StringComparison.Ordinal);

        var events = (await host.Registry.ListEntriesAsync("demo", 100)).Items.Select(entry => entry.Record).Where(record => record.Action.StartsWith("transcript.export", StringComparison.Ordinal)).ToList();
        Assert.Equal(("transcript.export", "transcript.export.download"), (events[0].Action, events[^1].Action));
        Assert.Contains("transcript.export.ready", events.Select(record => record.Action));
        Assert.All(events, record => Assert.Equal(("frank", "complaint 4711"), (record.Actor, record.Purpose)));
        Assert.DoesNotContain(events, record => record.ToString().Contains("customers/42", StringComparison.Ordinal));
        Assert.Single(await host.Registry.ListAsync("demo", ExportedCustomers.Kind, 10));
        // Whoever asks who has read a conversation finds it.
        var read = await host.Transcripts.ListAuditEventsAsync(new() { Parent = Demo, Purpose = "who?", Resource = $"{Demo}/conversations/c3" }, frank);
        Assert.Contains("frank", read.Events.Select(one => one.Actor));
        Assert.True((await RecordVerifier.VerifyAsync(host.Data)).Valid);
    }

    [Fact]
    public async Task It_verifies_with_one_key_whether_it_was_ready_before_that_came_into_force_or_after()
    {
        await using var host = await EmbeddedHost.Start();
        await Said(host, "c1", "", "one");
        var (frank, olga) = (host.Appointed("demo", "frank", "auditor-full"), host.Appointed("other", "olga", "operator"));
        var before = await Ready(host, await host.Transcripts.ExportTranscriptsAsync(new() { Parent = Demo, RequestId = "1", Purpose = "x" }, frank), frank);
        var rotation = await host.Keys.RotateRecordKeyAsync(new() { Parent = "cluster", RequestId = "1", Kind = RecordKey.Types.Kind.Signing, Purpose = "x" }, olga);
        using var patience = new CancellationTokenSource(Talk.Patience);
        for (; rotation.DoneTime is null; await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token))
            rotation = await host.Keys.GetKeyRotationAsync(new() { Name = rotation.Name }, olga);
        var after = await Ready(host, await host.Transcripts.ExportTranscriptsAsync(new() { Parent = Demo, RequestId = "2", Purpose = "x" }, frank), frank);
        foreach (var export in new[] { before, after })
        {
            using var folder = new TemporaryFolder();
            await Download(host, export.Name, frank, folder.Path);
            Assert.Null((await ExportVerifier.VerifyAsync(folder.Path)).FirstBad);
            // Who was given the first is led to it, and told of no other tenant's tree.
            Assert.Null((await ExportVerifier.VerifyAsync(folder.Path, [Key(host)])).FirstBad);
            Assert.DoesNotContain(ExportManifest.Parse(await File.ReadAllBytesAsync(Path.Combine(folder.Path, ExportManifest.FileName))).Rotations!, rotation => Encoding.UTF8.GetString(rotation).Contains("r1grains/demo", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_broken_download_goes_on_where_it_stopped_and_for_nobody_else()
    {
        await using var host = await EmbeddedHost.Start();
        for (var number = 1; number <= 4; number++)
            await Said(host, $"c{number}", "", "one", "two");
        var frank = host.Appointed("demo", "frank", "auditor-full");
        var export = await Ready(host, await host.Transcripts.ExportTranscriptsAsync(
            new() { Parent = Demo, RequestId = "1", Purpose = "x", View = TranscriptView.Reasoning, Conversations = { $"{Demo}/conversations/c1", $"{Demo}/conversations/c2", $"{Demo}/conversations/c3" } }, frank), frank);
        using var whole = new TemporaryFolder();
        var tokens = await Download(host, export.Name, frank, whole.Path);
        Assert.Equal(3, tokens.Count);
        foreach (var (token, sizes) in tokens)
        {
            using var folder = new TemporaryFolder();
            foreach (var (file, size) in sizes)
                await File.WriteAllBytesAsync(Path.Combine(folder.Path, file), (await File.ReadAllBytesAsync(Path.Combine(whole.Path, file)))[..(int)size]);
            await Download(host, export.Name, frank, folder.Path, token);
            Assert.Null((await ExportVerifier.VerifyAsync(folder.Path, [Key(host)])).FirstBad);
            Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(whole.Path, ExportManifest.RecordsName)), await File.ReadAllBytesAsync(Path.Combine(folder.Path, ExportManifest.RecordsName)));
        }
        using var none = new TemporaryFolder();
        var other = host.Appointed("demo", "fiona", "auditor-full");
        Assert.Equal("INVALID_PAGE_TOKEN", await Reason(() => Download(host, export.Name, other, none.Path, tokens[0].Token)));
        await Download(host, export.Name, other, none.Path);
    }

    [Fact]
    public async Task Each_view_asks_for_its_permission_when_it_is_asked_for_and_when_it_is_downloaded()
    {
        await using var host = await EmbeddedHost.Start();
        await Said(host, "c1", "", "one");
        var (exporter, reader) = (host.Bearer("demo", "erik", Permission.Export), host.Bearer("demo", "rita", Permission.Export, Permission.ReadFull));
        var all = host.Bearer("demo", "anna", PermissionSet.All);
        var request = new ExportTranscriptsRequest { Parent = Demo, RequestId = "1", Purpose = "x" };
        foreach (var (caller, view, isAllowed) in ((Metadata, TranscriptView, bool)[])
        [
            (exporter, TranscriptView.Redacted, true), (exporter, TranscriptView.Full, false), (exporter, TranscriptView.Reasoning, false),
            (reader, TranscriptView.Full, true), (reader, TranscriptView.Reasoning, false), (all, TranscriptView.Reasoning, true),
        ])
        {
            var wanted = new ExportTranscriptsRequest(request) { View = view, RequestId = $"{view}" };
            if (isAllowed)
                Assert.Equal(view, (await host.Transcripts.ExportTranscriptsAsync(wanted, caller)).View);
            else
                Assert.Equal("PERMISSION_DENIED", await Reason(host.Transcripts.ExportTranscriptsAsync(wanted, caller)));
        }
        var whole = await Ready(host, await host.Transcripts.ExportTranscriptsAsync(new(request) { View = TranscriptView.Reasoning, RequestId = "Reasoning" }, all), all);
        using var folder = new TemporaryFolder();
        Assert.Equal("PERMISSION_DENIED", await Reason(() => Download(host, whole.Name, exporter, folder.Path)));
        Assert.Equal("PERMISSION_DENIED", await Reason(() => Download(host, whole.Name, reader, folder.Path)));
        await Download(host, whole.Name, all, folder.Path);
    }

    [Fact]
    public async Task As_many_conversations_as_one_export_may_name_leave_together_and_the_record_commits_to_their_names()
    {
        await using var host = await EmbeddedHost.Start();
        var names = Enumerable.Range(0, 1_000).Select(number => $"{new string('c', 59)}{number:d4}").ToList();
        var record = host.App.Services.GetRequiredService<IRecord>();
        await Parallel.ForEachAsync(names, async (name, cancellation) => await record.CreateConversationAsync(new()
        {
            Key = new("demo", name), RequestId = name, PayloadHash = default, Time = DateTimeOffset.UnixEpoch, Caller = "dev", Channel = "test", Customer = "customers/42", Agent = "", LanguageCode = "en", Labels = [], IdleTimeout = TimeSpan.FromDays(1),
        }, cancellation));
        var frank = host.Appointed("demo", "frank", "auditor-full");
        var request = new ExportTranscriptsRequest { Parent = Demo, RequestId = "1", Purpose = "x", Conversations = { names.Select(name => $"{Demo}/conversations/{name}") } };
        await host.Transcripts.ExportTranscriptsAsync(request, frank);
        await host.Transcripts.ExportTranscriptsAsync(new() { Parent = Demo, RequestId = "2", Purpose = "x", Conversations = { request.Conversations.Take(2) } }, frank);
        var asked = (await host.Registry.ListEntriesAsync("demo", 100)).Items.Select(entry => entry.Record).Where(one => one.Action == "transcript.export").Select(one => one.Details.Skip(1).ToList()).ToList();
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(names.Order(StringComparer.Ordinal).Select(name => $"{name}\n"))));
        Assert.Equal(new Label("conversations", $"1000 {Convert.ToBase64String(hash)}"), Assert.Single(asked[0]));
        Assert.Equal(request.Conversations.Take(2).Select(name => new Label("conversation", name)), asked[1]);
    }

    [Theory]
    [InlineData("EXPORT_NOT_READY")]
    [InlineData("PERMISSION_DENIED")]
    public async Task A_download_ends_when_the_export_is_cancelled_or_its_reader_may_no_more(string reason)
    {
        var hold = new HeldDownload();
        await using var host = await EmbeddedHost.Start(configure: builder => builder.Services.AddSingleton(hold).PostConfigure<GrpcServiceOptions>(grpc => grpc.Interceptors.Add<HeldDownload>()));
        await Said(host, "c1", "", "one");
        await Said(host, "c2", "", "two");
        var (rita, all) = (host.Bearer("demo", "rita", Permission.Export), host.Bearer("demo", "anna", PermissionSet.All));
        var binding = await host.Access.CreateRoleBindingAsync(new() { Parent = Demo, RequestId = "1", RoleBinding = new() { Subject = "rita", Roles = { "auditor-full" } } }, all);
        var export = await Ready(host, await host.Transcripts.ExportTranscriptsAsync(new() { Parent = Demo, RequestId = "1", Purpose = "x", View = TranscriptView.Full, Conversations = { $"{Demo}/conversations/c1", $"{Demo}/conversations/c2" } }, all), all);
        using var patience = new CancellationTokenSource(Talk.Patience);
        while (!await MayRead())
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
        using var folder = new TemporaryFolder();
        hold.Holds = true;
        var downloading = Reason(() => Download(host, export.Name, rita, folder.Path));
        await hold.Reached.Task;
        if (reason == "EXPORT_NOT_READY")
            await host.Transcripts.CancelExportAsync(new() { Name = export.Name, RequestId = "2", Purpose = "x" }, all);
        else
            await host.Access.DeleteRoleBindingAsync(new() { Name = binding.Name, RequestId = "2", Etag = binding.Etag, Purpose = "x" }, all);
        while (reason == "PERMISSION_DENIED" && await MayRead())
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
        hold.GoOn.SetResult();
        Assert.Equal(reason, await downloading);
        Assert.DoesNotContain("\"conversation\":\"c2\"", await File.ReadAllTextAsync(Path.Combine(folder.Path, ExportManifest.RecordsName)), StringComparison.Ordinal);

        async Task<bool> MayRead() => (await host.Access.TestPermissionsAsync(new() { Parent = Demo, Permissions = { "read_full" } }, rita)).Permissions.Count > 0;
    }

    [Fact]
    public async Task An_erasures_certificate_names_the_export_and_what_is_downloaded_after_it_holds_no_word()
    {
        await using var host = await EmbeddedHost.Start(settings: "--R1:Retention:Minimum=0");
        await Said(host, "c1", "customers/42", "heron");
        var frank = host.Appointed("demo", "frank", "auditor-full");
        var export = await Ready(host, await host.Transcripts.ExportTranscriptsAsync(new() { Parent = Demo, RequestId = "1", Purpose = "x", View = TranscriptView.Full }, frank), frank);
        using var before = new TemporaryFolder();
        await Download(host, export.Name, frank, before.Path);
        Assert.Contains("heron", await File.ReadAllTextAsync(Path.Combine(before.Path, ExportManifest.RecordsName)), StringComparison.Ordinal);

        var asked = await host.Transcripts.RequestErasureAsync(new() { Parent = Demo, RequestId = "2", Purpose = "x", Customer = "customers/42" }, host.Appointed("demo", "steve", "supervisor"));
        var xenia = host.Appointed("demo", "xenia", "security-officer");
        await host.Transcripts.ApproveErasureAsync(new() { Name = asked.Name, RequestId = "3", Purpose = "x", Hash = asked.Hash }, xenia);
        using var patience = new CancellationTokenSource(Talk.Patience);
        V1.Erasure erased;
        while ((erased = await host.Transcripts.GetErasureAsync(new() { Name = asked.Name }, xenia)).State is not V1.Erasure.Types.State.Erased)
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, patience.Token);
        Assert.Equal(export.Name, Assert.Single(erased.Exports));

        using var after = new TemporaryFolder();
        await Download(host, export.Name, frank, after.Path);
        Assert.DoesNotContain("heron", await File.ReadAllTextAsync(Path.Combine(after.Path, ExportManifest.RecordsName)), StringComparison.Ordinal);
        foreach (var (folder, count) in ((string, int)[])[(before.Path, 0), (after.Path, 1)])
        {
            var report = await ExportVerifier.VerifyAsync(folder, [Key(host)]);
            Assert.Equal((null, count), (report.FirstBad, report.Counts.Erased));
        }
    }

    [Fact]
    public async Task What_a_restricted_customer_said_under_a_later_index_key_is_neither_found_nor_exported()
    {
        await using var host = await EmbeddedHost.Start(settings: "--R1:Retention:Minimum=0");
        await Said(host, "c1", "customers/42", "heron one");
        var xenia = host.Appointed("demo", "xenia", "security-officer");
        await host.Transcripts.PlaceLegalHoldAsync(new() { Parent = Demo, RequestId = "1", Purpose = "case 7", Customer = "customers/42" }, xenia);
        var asked = await host.Transcripts.RequestErasureAsync(new() { Parent = Demo, RequestId = "1", Purpose = "x", Customer = "customers/42", WhenDue = true }, host.Appointed("demo", "steve", "supervisor"));
        var olga = host.Appointed("other", "olga", "operator");
        var rotation = await host.Keys.RotateRecordKeyAsync(new() { Parent = Demo, RequestId = "1", Kind = RecordKey.Types.Kind.Index, Purpose = "x" }, olga);
        using var patience = new CancellationTokenSource(Talk.Patience);
        for (; rotation.DoneTime is null; await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token))
            rotation = await host.Keys.GetKeyRotationAsync(new() { Name = rotation.Name }, olga);
        await Said(host, "c2", "customers/42", "heron two");
        await Said(host, "c3", "customers/43", "heron three");
        var ursula = host.Bearer("demo", "ursula", Permission.ReadRedacted, Permission.ReadFull, Permission.Export);
        while (await Found() < 3)
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
        var before = await Ready(host, await host.Transcripts.ExportTranscriptsAsync(new() { Parent = Demo, RequestId = "1", Purpose = "x", View = TranscriptView.Full }, ursula), ursula);
        Assert.Equal(3, before.Turns);

        await host.Transcripts.ApproveErasureAsync(new() { Name = asked.Name, RequestId = "2", Purpose = "x", Hash = asked.Hash }, xenia);
        while ((await host.Conversations.ListConversationsAsync(new() { Parent = Demo })).Conversations.Count(conversation => conversation.Restricted) < 2)
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
        Assert.Equal(1, await Found());
        var after = await Ready(host, await host.Transcripts.ExportTranscriptsAsync(new() { Parent = Demo, RequestId = "2", Purpose = "x" }, ursula), ursula);
        Assert.Equal(1, after.Turns);
        using var folder = new TemporaryFolder();
        await Download(host, before.Name, ursula, folder.Path);
        var records = await File.ReadAllTextAsync(Path.Combine(folder.Path, ExportManifest.RecordsName));
        Assert.Equal((false, false, true), (records.Contains("heron one", StringComparison.Ordinal), records.Contains("heron two", StringComparison.Ordinal), records.Contains("heron three", StringComparison.Ordinal)));

        async Task<int> Found() => (await host.Transcripts.SearchTranscriptsAsync(new() { Parent = Demo, Purpose = "x", Query = "heron" }, ursula)).Matches.Count;
    }

    [Fact]
    public async Task Two_tenants_exports_hold_and_show_nothing_of_each_other()
    {
        await using var host = await EmbeddedHost.Start();
        await Said(host, "c1", "customers/42", "one");
        var (frank, other) = (host.Appointed("demo", "frank", "auditor-full"), host.Appointed("other", "frank", "auditor-full"));
        var export = await Ready(host, await host.Transcripts.ExportTranscriptsAsync(new() { Parent = Demo, RequestId = "1", Purpose = "x" }, frank), frank);
        using var folder = new TemporaryFolder();
        foreach (var refused in new Func<Task>[]
        {
            async () => await host.Transcripts.GetExportAsync(new() { Name = export.Name }, other),
            async () => await host.Transcripts.CancelExportAsync(new() { Name = export.Name, RequestId = "2", Purpose = "x" }, other),
            () => Download(host, export.Name, other, folder.Path),
        })
            Assert.Equal("EXPORT_NOT_FOUND", await Reason(refused));
        Assert.Equal("TENANT_NOT_FOUND", await Reason(host.Transcripts.ExportTranscriptsAsync(new() { Parent = Demo, RequestId = "1", Purpose = "x" }, other)));
        Assert.Equal("CONVERSATION_NOT_FOUND", await Reason(host.Transcripts.ExportTranscriptsAsync(new() { Parent = "tenants/other", RequestId = "1", Purpose = "x", Conversations = { $"{Demo}/conversations/c1" } }, other)));
        Assert.Empty((await host.Transcripts.ListExportsAsync(new() { Parent = "tenants/other" }, other)).Exports);
    }

    [Fact]
    public async Task One_that_was_asked_for_by_a_process_that_died_goes_on_and_a_cancelled_one_does_not()
    {
        await using var host = await EmbeddedHost.Start();
        await Said(host, "c1", "", "one");
        var frank = host.Appointed("demo", "frank", "auditor-full");
        // Written down, and nobody was woken.
        var register = (ExportRegister)host.App.Services.GetService(typeof(ExportRegister))!;
        await register.RequestAsync("demo", "export-dead", new("frank", default, "x", "FULL", []), false, []);
        var export = await Ready(host, await host.Transcripts.GetExportAsync(new() { Name = $"{Demo}/exports/export-dead" }, frank), frank);
        Assert.Equal((Export.Types.State.Ready, 1), (export.State, export.Turns));

        var cancelled = await host.Transcripts.CancelExportAsync(new() { Name = export.Name, RequestId = "2", Purpose = "done" }, frank);
        Assert.Equal(Export.Types.State.Cancelled, cancelled.State);
        using var folder = new TemporaryFolder();
        Assert.Equal("EXPORT_NOT_READY", await Reason(() => Download(host, export.Name, frank, folder.Path)));
    }

    [Fact]
    public async Task One_that_cannot_go_on_by_itself_fails_and_says_who_has_to_do_what()
    {
        await using var host = await EmbeddedHost.Start();
        await Said(host, "c1", "", "one");
        var frank = host.Appointed("demo", "frank", "auditor-full");
        var index = host.App.Services.GetRequiredService<TranscriptIndex>();
        using var patience = new CancellationTokenSource(Talk.Patience);
        while ((await index.ReadStateAsync("demo", patience.Token)).Scheme is null)
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
        // As an earlier version of the program would have left it.
        using (var connection = new SqliteConnection($"Data Source={Path.Combine(host.Data, "search.db")};Pooling=False"))
        {
            connection.Open();
            using var update = connection.CreateCommand();
            update.CommandText = "UPDATE search_state SET scheme = zeroblob(32)";
            Assert.Equal(1, update.ExecuteNonQuery());
        }
        var failed = await Ready(host, await host.Transcripts.ExportTranscriptsAsync(new() { Parent = Demo, RequestId = "1", Purpose = "x" }, frank), frank);
        Assert.Equal(Export.Types.State.Failed, failed.State);
        Assert.Contains("an operator has it built anew with 'r1 tenants reindex demo', and then it is asked for again", failed.Failure, StringComparison.Ordinal);
        using var folder = new TemporaryFolder();
        Assert.Equal("EXPORT_NOT_READY", await Reason(() => Download(host, failed.Name, frank, folder.Path)));

        // Written down by a program that knew other conditions than this one.
        var register = host.App.Services.GetRequiredService<ExportRegister>();
        await register.RequestAsync("demo", "export-odd", new("frank", default, "x", "FULL", [new("state", "none")]), false, []);
        failed = await Ready(host, await host.Transcripts.GetExportAsync(new() { Name = $"{Demo}/exports/export-odd" }, frank), frank);
        Assert.StartsWith("internal error: give the operators the incident ", failed.Failure, StringComparison.Ordinal);
    }

    internal static async Task Said(EmbeddedHost host, string id, string customer, params string[] inputs)
    {
        var conversation = await host.Conversations.CreateConversationAsync(new()
        {
            Parent = Demo, ConversationId = id, RequestId = $"open-{id}", Conversation = new() { Channel = "test", LanguageCode = "en", Customer = customer },
        });
        foreach (var (number, text) in inputs.Index())
            await host.Say(conversation.Name, $"{number}", text).Rest();
        await Proved(host, $"{conversation.Name}/turns/{inputs.Length}");
    }

    internal static NoteKey Key(EmbeddedHost host) => NoteKey.FromPem(File.ReadAllText(Path.Combine(host.Data, SqliteRecord.KeyFileName) + ".pub"));

    /// <summary>Until the turn stands in the tree, which is what can be exported.</summary>
    private static async Task Proved(EmbeddedHost host, string turn)
    {
        while (true)
        {
            try
            {
                await host.Transcripts.GetInclusionProofAsync(new() { Turn = turn });
                return;
            }
            catch (RpcException pending) when (pending.StatusCode is StatusCode.Unavailable)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
            }
        }
    }

    private static async Task<Export> Ready(EmbeddedHost host, Export export, Metadata caller)
    {
        using var patience = new CancellationTokenSource(Talk.Patience);
        while (export.State is Export.Types.State.Selecting)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
            export = await host.Transcripts.GetExportAsync(new() { Name = export.Name }, caller);
        }
        return export;
    }

    /// <returns>Where it could have gone on, with the sizes of the files there.</returns>
    private static async Task<IReadOnlyList<(string Token, Dictionary<string, long> Sizes)>> Download(EmbeddedHost host, string name, Metadata caller, string folder, string token = "")
    {
        var (tokens, sizes) = (new List<(string, Dictionary<string, long>)>(), new Dictionary<string, long>());
        using var call = host.Transcripts.DownloadExport(new() { Name = name, Purpose = "complaint 4711", ResumeToken = token }, caller);
        while (await call.ResponseStream.MoveNext(default))
        {
            var part = call.ResponseStream.Current;
            await using var file = new FileStream(Path.Combine(folder, part.File), FileMode.Append);
            await file.WriteAsync(part.Data.Memory);
            sizes[part.File] = file.Length;
            if (part.ResumeToken.Length > 0)
                tokens.Add((part.ResumeToken, new(sizes)));
        }
        return tokens;
    }

    private static Task<string?> Reason<T>(AsyncUnaryCall<T> call) => Reason(async () => await call);

    private static async Task<string?> Reason(Func<Task> call) => (await Assert.ThrowsAsync<RpcException>(call)).GetRpcStatus()?.GetDetail<ErrorInfo>()?.Reason;

    /// <summary>Holds a download back where it could first be gone on with.</summary>
    private sealed class HeldDownload : Interceptor
    {
        public bool Holds { get; set; }

        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource GoOn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override Task ServerStreamingServerHandler<TRequest, TResponse>(
            TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
            continuation(request, Holds ? new Writer<TResponse>(responseStream, this) : responseStream, context);

        private sealed class Writer<T>(IServerStreamWriter<T> stream, HeldDownload hold) : IServerStreamWriter<T>
        {
            public WriteOptions? WriteOptions { get; set; }

            public async Task WriteAsync(T message)
            {
                await stream.WriteAsync(message);
                if (message is ExportPart { ResumeToken.Length: > 0 } && hold.Reached.TrySetResult())
                    await hold.GoOn.Task;
            }

            public Task WriteAsync(T message, CancellationToken cancellationToken) => WriteAsync(message);
        }
    }
}
