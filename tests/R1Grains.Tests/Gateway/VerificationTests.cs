using Google.Rpc;
using Grpc.Core;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using R1Grains.Ledger;
using R1Grains.Ledger.Tree;
using R1Grains.Tests.Access;
using R1Grains.V1;
using Verdict = R1Grains.V1.LedgerVerification.Types.Verdict;

namespace R1Grains.Tests.Gateway;

/// <summary>What the running system says to an auditor who asks whether the record is what it was.</summary>
public sealed class VerificationTests
{
    private const string Demo = "tenants/demo";

    [Fact]
    public async Task A_good_record_is_valid_and_who_asked_and_what_came_of_it_is_recorded()
    {
        await using var host = await EmbeddedHost.Start();
        await ExportTests.Said(host, "c1", "customers/42", "one", "two");
        var before = (await host.Registry.ListEntriesAsync("demo", 100)).Items.Count;
        var found = await Verify(host, host.Appointed("demo", "ulla", "auditor"));
        Assert.Equal((Verdict.Valid, null, 0, 1, 2, 0), (found.Verdict, found.FirstBad, found.Bad, found.Conversations, found.Turns, found.OpenTurns));
        // Its own record is there already, and looked at.
        Assert.Equal(before + 1, found.AdministrativeRecords);
        Assert.Equal(found.Entries + found.AdministrativeRecords, found.TreeSize);

        using var key = ExportTests.Key(host);
        var note = SignedNote.Parse(found.Checkpoint);
        var checkpoint = Checkpoint.Parse(note.Text);
        Assert.True(key.Signed(note, checkpoint.Origin));
        Assert.True(checkpoint.Size < found.TreeSize || $"{checkpoint.Root}" == found.RootHash);
        Assert.Equal([$"{key.Id:x8}"], found.KeyIds);

        var events = (await host.Registry.ListEntriesAsync("demo", 100)).Items.Select(entry => entry.Record).Where(record => record.Action.StartsWith("ledger", StringComparison.Ordinal)).ToList();
        Assert.Equal(["ledger.verify", "ledger.verify.end"], events.Select(record => record.Action));
        Assert.All(events, record => Assert.Equal(("ulla", "monthly review", Demo), (record.Actor, record.Purpose, record.Resource)));
        Assert.Equal([("verdict", "VALID"), ("records", $"{found.TreeSize}"), ("leaves", $"{found.TreeSize}"), ("root", found.RootHash)], events[1].Details.Select(detail => (detail.Name, detail.Value)));
    }

    [Fact]
    public async Task The_first_bad_record_is_named_to_its_tenant_alone()
    {
        using var folder = new TemporaryFolder();
        FurnishedTenant.Found(folder.Path, "demo");
        FurnishedTenant.Found(folder.Path, "north");
        await using var host = await EmbeddedHost.Start(settings: [$"--R1:Tenants={folder.Path}"]);
        await ExportTests.Said(host, "c1", "", "one", "two");
        Execute(host, "UPDATE entry SET time = time + 1 WHERE kind = 3 AND turn = 1");
        var found = await Verify(host, host.Appointed("demo", "ulla", "auditor"));
        Assert.Equal((Verdict.Invalid, 1, $"{Demo}/conversations/c1/turns/1 (entry 2)"), (found.Verdict, found.Bad, found.FirstBad.Place));
        Assert.StartsWith("its hash is ", found.FirstBad.Reason, StringComparison.Ordinal);
        var told = (await host.Registry.ListLatestEntriesAsync("demo", 1)).Items[0].Record;
        Assert.Equal(("ledger.verify.end", "INVALID", found.FirstBad.Place), (told.Action, told.Details[0].Value, told.Details.Single(detail => detail.Name == "place").Value));

        var other = await Verify(host, host.Appointed("north", "nora", "auditor"), "tenants/north");
        Assert.Equal((Verdict.Valid, 0, 1), (other.Verdict, other.Conversations, other.AdministrativeRecords));
        Assert.Equal("TENANT_NOT_FOUND", await Refused(host, host.Appointed("north", "nora", "auditor"), Demo));
        Assert.Equal("PERMISSION_DENIED", await Refused(host, host.Appointed("demo", "sam", "supervisor"), Demo));
    }

    [Fact]
    public async Task There_is_no_false_alarm_while_turns_go_on_and_keys_are_replaced()
    {
        using var folder = new TemporaryFolder();
        FurnishedTenant.Found(folder.Path, "demo");
        FurnishedTenant.Found(folder.Path, "north");
        await using var host = await EmbeddedHost.Start(settings: [$"--R1:Tenants={folder.Path}"]);
        var (ulla, olga) = (host.Appointed("demo", "ulla", "auditor"), host.Appointed("other", "olga", "operator"));
        await Verify(host, host.Appointed("north", "nora", "auditor"), "tenants/north");
        using var stop = new CancellationTokenSource();
        var saying = Enumerable.Range(0, 2).Select(async speaker =>
        {
            for (var number = 0; !stop.IsCancellationRequested; number++)
                await ExportTests.Said(host, $"s{speaker}-{number}", "customers/42", "one", "two");
        }).ToArray();
        var replacing = Task.Run(async () =>
        {
            for (var number = 1; number <= 3; number++)
            {
                foreach (var (parent, kind) in ((string, RecordKey.Types.Kind)[])[("cluster", RecordKey.Types.Kind.Signing), (Demo, RecordKey.Types.Kind.Tenant)])
                {
                    var rotation = await host.Keys.RotateRecordKeyAsync(new() { Parent = parent, RequestId = $"{number}", Kind = kind, Purpose = "x" }, olga);
                    for (; rotation.DoneTime is null; await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System))
                        rotation = await host.Keys.GetKeyRotationAsync(new() { Name = rotation.Name }, olga);
                }
            }
        });
        var (last, rounds) = (0L, 0);
        while (!replacing.IsCompleted || rounds < 10)
        {
            var found = await Verify(host, ulla);
            Assert.True(found.Verdict is Verdict.Valid, $"{found.FirstBad}");
            Assert.True(found.TreeSize >= last, "it became shorter");
            (last, rounds) = (found.TreeSize, rounds + 1);
        }
        await replacing;
        await stop.CancelAsync();
        await Task.WhenAll(saying);

        // Whoever has the first key comes to the one that signed the end.
        var end = await Verify(host, ulla);
        Assert.Equal(3, end.SigningRotations.Count);
        Assert.DoesNotContain("north", $"{end}", StringComparison.Ordinal);
        using var key = ExportTests.Key(host);
        var note = SignedNote.Parse(end.Checkpoint);
        Assert.False(key.Signed(note, "r1grains/demo"));
        using var signers = SigningKeys.Follow([key], [.. end.SigningRotations.Select(SigningRotation.OfNote)]);
        Assert.Null(signers.Objection(note, Checkpoint.Parse(note.Text).Origin, Checkpoint.Parse(note.Text).Size));
    }

    [Fact]
    public async Task One_at_a_time_is_looked_at_and_that_it_was_broken_off_is_recorded()
    {
        await using var host = await EmbeddedHost.Start();
        var (ulla, record) = (host.Appointed("demo", "ulla", "auditor"), (StoredRecord)host.App.Services.GetRequiredService<IRecord>());
        using (await record.TakeVerificationAsync("demo"))
            Assert.Equal("VERIFICATION_UNDER_WAY", await Refused(host, ulla, Demo));
        Assert.Empty((await host.Registry.ListEntriesAsync("demo", 10)).Items);

        // Enough to leave while it is looked at.
        var time = TimeProvider.System.GetUtcNow();
        await Task.WhenAll(Enumerable.Range(0, 40_000).Select(_ => host.Registry.AppendAsync(new() { Tenant = "demo", Time = time, Actor = "anna", Action = "test", Resource = Demo })));
        using var patience = new CancellationTokenSource(Talk.Patience);
        AdministrativeRecord last;
        do
        {
            // On a busy machine it may have ended before it is left.
            using (var call = host.Transcripts.VerifyLedger(new() { Parent = Demo, Purpose = "monthly review" }, ulla))
            {
                while ((await host.Registry.ListLatestEntriesAsync("demo", 1)).Items[0].Record.Action is not ("ledger.verify" or "ledger.verify.end"))
                    await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, patience.Token);
            }
            while ((last = (await host.Registry.ListLatestEntriesAsync("demo", 1)).Items[0].Record).Action != "ledger.verify.end")
                await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, patience.Token);
            Assert.Equal(("ulla", "verdict"), (last.Actor, last.Details[0].Name));
        }
        while (last.Details[0].Value == "VALID");
        Assert.Equal("BROKEN_OFF", last.Details.Single().Value);
        // Nobody is at it any more.
        Assert.Equal(Verdict.Valid, (await Verify(host, ulla)).Verdict);
    }

    internal static async Task<LedgerVerification> Verify(EmbeddedHost host, Metadata caller, string parent = Demo) =>
        await Read(host.Transcripts.VerifyLedger(new() { Parent = parent, Purpose = "monthly review" }, caller));

    private static async Task<LedgerVerification> Read(AsyncServerStreamingCall<VerifyLedgerEvent> call)
    {
        using (call)
        {
            LedgerVerification? found = null;
            await foreach (var happened in call.ResponseStream.ReadAllAsync())
            {
                Assert.Null(found);
                found = happened.Verification;
            }
            return found!;
        }
    }

    private static async Task<string> Refused(EmbeddedHost host, Metadata caller, string parent) =>
        (await Assert.ThrowsAsync<RpcException>(() => Verify(host, caller, parent))).GetRpcStatus()!.GetDetail<ErrorInfo>().Reason;

    internal static void Execute(EmbeddedHost host, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(host.Data, SqliteRecord.FileName)};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        Assert.True(command.ExecuteNonQuery() > 0, sql);
    }
}
