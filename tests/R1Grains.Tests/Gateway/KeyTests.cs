using System.Security.Cryptography;
using Google.Rpc;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using R1Grains.Ledger;
using R1Grains.Ledger.Keys;
using R1Grains.Tests.Cli;
using R1Grains.Tests.Scripted;
using R1Grains.V1;
using KeyRotation = R1Grains.V1.KeyRotation;

namespace R1Grains.Tests.Gateway;

/// <summary>The keys of the record, as operators see them, in a process that goes on meanwhile.</summary>
public sealed class KeyTests : IDisposable
{
    private const string Demo = "tenants/demo";

    private readonly TemporaryFolder _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task All_keys_of_a_tenant_are_replaced_while_a_turn_runs_and_everything_is_found_and_read_as_before()
    {
        var script = new Script(Answer: string.Concat(Enumerable.Range(1, 40).Select(n => $"第{n}句，还在回答。")), TokensPerSecond: 40);
        await using var host = await EmbeddedHost.Start(script);
        var olga = host.Appointed("other", "olga", "operator");
        var conversation = (await host.Conversations.CreateConversationAsync(new() { Parent = Demo, ConversationId = "c1", RequestId = "1", Conversation = new() { Channel = "test", Customer = "customers/42" } })).Name;
        var running = host.Say(conversation, "t1", "年费是多少？");
        await running.Next();

        var asked = new List<KeyRotation>();
        foreach (var kind in (RecordKey.Types.Kind[])[RecordKey.Types.Kind.Search, RecordKey.Types.Kind.Index, RecordKey.Types.Kind.Tenant])
            asked.Add(await host.Keys.RotateRecordKeyAsync(new() { Parent = Demo, RequestId = $"{kind}", Kind = kind, Purpose = "yearly" }, olga));
        Assert.Equal([$"{Demo}/keyRotations/index-2", $"{Demo}/keyRotations/tenant-2"], asked.Skip(1).Select(rotation => rotation.Name));
        var done = await Task.WhenAll(asked.Select(rotation => Done(host, rotation, olga)));
        Assert.All(done, rotation => Assert.Equal("tenants/other/subjects/olga", rotation.RequestedBy));
        Assert.Equal(script.Answer, (await running.Rest()).Text());

        var keys = await host.Keys.GetRecordKeysAsync(new() { Parent = Demo }, olga);
        Assert.Equal(
            ["Tenant 1 Destroyed 0", $"Tenant 2 InForce {keys.DataKeys + 2 + asked[0].Version}", "Index 1 Earlier 0", "Index 2 InForce 0"],
            keys.Keys.Where(key => key.Kind is not RecordKey.Types.Kind.Search).Select(key => $"{key.Kind} {key.Version} {key.State} {key.WrappedKeys}"));
        Assert.Equal(("tenants/other/subjects/olga", true), (keys.Keys.Last().RequestedBy, keys.Keys.All(key => key.CreateTime is not null)));
        Assert.Equal((1, 0, 8), (keys.DataKeys, keys.DestroyedDataKeys, keys.RootKey.Length));
        // The same request again is the same rotation.
        Assert.Equal(done[2], await host.Keys.RotateRecordKeyAsync(new() { Parent = Demo, RequestId = "Tenant", Kind = RecordKey.Types.Kind.Tenant, Purpose = "yearly" }, olga));

        Assert.Equal("REQUEST_ID_REUSED", await Reason(() => host.Keys.RotateRecordKeyAsync(new() { Parent = Demo, RequestId = "Tenant", Kind = RecordKey.Types.Kind.Index, Purpose = "yearly" }, olga)));

        var ursula = host.Appointed("demo", "ursula", "auditor");
        Assert.Equal([$"{conversation}/turns/1"], await Found(host, ursula, "年费", 1));
        await host.Say(conversation, "t2", "利率呢？").Rest();
        Assert.Equal(2, (await host.Transcripts.GetTranscriptAsync(new() { Name = conversation, Purpose = "to see" }, ursula)).Turns.Count);
        var ring = host.App.Services.GetRequiredService<KeyRing>();
        Assert.Equal((true, 2), ((await RecordVerifier.VerifyAsync(host.Data, dataKeys: ring)).Valid, (await ring.SubjectsAsync("demo", "customers/42")).Count));
        var records = (await host.Registry.ListEntriesAsync("demo", 100)).Items.Select(entry => entry.Record).Where(record => record.Action.StartsWith("key.", StringComparison.Ordinal)).ToList();
        Assert.Equal((3, 3), (records.Count(record => record is { Action: "key.rotate", Purpose: "yearly" }), records.Count(record => record.Action == "key.rotated")));
    }

    [Fact]
    public async Task From_the_command_line_keys_are_shown_and_replaced_and_what_is_wrong_is_one_line()
    {
        await using var host = await EmbeddedHost.Start(new Script(Answer: "好。"));
        await host.Say(await host.Open("c1"), "t1").Rest();
        var token = host.Appointed("demo", "olga", "operator").Single().Value["Bearer ".Length..];

        var (exitCode, output, errors) = await R1Process.Run(_home.Path, "", "keys", "rotate", "tenant", "--server", host.Address, "--token", token, "--purpose", "yearly");
        Assert.Equal((0, ""), (exitCode, errors));
        Assert.Matches("^tenant key 2 is in force, [23] keys are wrapped by it and the one before is destroyed\n$", output);

        (exitCode, output, errors) = await R1Process.Run(_home.Path, "", "keys", "show", "--server", host.Address, "--token", token);
        Assert.Equal((0, ""), (exitCode, errors));
        Assert.Contains("tenant\t1\tdestroyed\t", output, StringComparison.Ordinal);
        Assert.Matches("tenant\t2\tin force\t[^\t]+\t[^\t]+\t[23] keys that it wraps\n", output);
        Assert.Contains("data keys\t1 of customers and months, 0 destroyed\n", output, StringComparison.Ordinal);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(host.Data, KeyRing.FolderName), "*-*", SearchOption.AllDirectories))
            Assert.DoesNotContain(Convert.ToBase64String((await File.ReadAllBytesAsync(file))[..4]), output, StringComparison.Ordinal);

        foreach (var (arguments, told) in ((string[], string)[])
        [
            (["rotate", "tenant", "--tenant", "nobody"], "r1: TENANT_NOT_FOUND: "),
            (["rotate", "index", "--purpose", new string('x', 1_001)], "r1: INVALID_ARGUMENT: purpose has 1001 characters"),
        ])
        {
            (exitCode, output, errors) = await R1Process.Run(_home.Path, "", ["keys", .. arguments, "--server", host.Address, "--token", token]);
            Assert.Equal((1, ""), (exitCode, output));
            Assert.StartsWith(told, errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Another_key_signs_without_a_restart_and_who_was_given_the_first_checks_all_of_it()
    {
        var roots = string.Join(' ', Enumerable.Range(0, 2).Select(_ => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))));
        await using var host = await EmbeddedHost.Start(new Script(Answer: "好。"), settings: [$"--R1:Record:RootKey={roots}"]);
        var conversation = await host.Open("c1");
        var token = host.Appointed("demo", "olga", "operator").Single().Value["Bearer ".Length..];
        var before = (await host.Say(conversation, "t1").Rest())[^1].Completed.Receipt;
        var (exitCode, output, errors) = await R1Process.Run(_home.Path, "", "keys", "rotate", "signing", "--server", host.Address, "--token", token);
        Assert.Equal((0, "signing key 2 is in force\n", ""), (exitCode, output, errors));

        var after = (await host.Say(conversation, "t2").Rest())[^1].Completed.Receipt;
        var (first, second) = (before.KeyId, after.KeyId);
        Assert.NotEqual(first, second);
        Assert.Equal(before, (await host.Say(conversation, "t1").Rest())[^1].Completed.Receipt);
        (exitCode, output, errors) = await R1Process.Run(_home.Path, "", "keys", "show", "--cluster", "--server", host.Address, "--token", token);
        Assert.Equal((0, ""), (exitCode, errors));
        Assert.Contains($"signing\t1\tearlier\t\t\ttrees, receipts, certificates (signs as {first})\n", output, StringComparison.Ordinal);
        Assert.Matches($"signing\t2\tin force\t[^\t]+\ttenants/demo/subjects/olga\ttrees, receipts, certificates \\(signs as {second}\\)\n", output);

        // The first root key wraps all of it already.
        Assert.Equal((0, "the root key that is given first wraps all tenants' keys, 0 anew\n", ""), await R1Process.Run(_home.Path, "", "keys", "rotate", "root", "--server", host.Address, "--token", token));

        // Given away at the beginning.
        var given = Path.Combine(_home.Path, "record.key.pub");
        File.Copy(Path.Combine(host.Data, "record.key.pub"), given);
        (exitCode, output, _) = await R1Process.Run(_home.Path, "", "audit", "verify", host.Data, "--key", given);
        Assert.Equal(0, exitCode);
        Assert.Contains($"signed with {first}, and {second}, to which its rotations lead", output, StringComparison.Ordinal);
        (exitCode, output, errors) = await R1Process.Run(_home.Path, "", "audit", "witness", host.Data, "--key", given, "--folder", Path.Combine(_home.Path, "witness"), "--every", "0");
        Assert.Equal((0, "all trees go on from what was cosigned\n", ""), (exitCode, output, errors));
    }

    [Fact]
    public async Task What_names_no_key_is_refused()
    {
        await using var host = await EmbeddedHost.Start();
        await host.Open("c1");
        var olga = host.Appointed("other", "olga", "operator");
        var request = new RotateRecordKeyRequest { Parent = Demo, RequestId = "1", Kind = RecordKey.Types.Kind.Tenant };
        foreach (var (wrong, reason) in ((RotateRecordKeyRequest, string)[])
        [
            (new(request) { RequestId = "" }, "MISSING_REQUEST_ID"),
            (new(request) { Kind = RecordKey.Types.Kind.Unspecified }, "INVALID_ARGUMENT"),
            (new(request) { Kind = (RecordKey.Types.Kind)9 }, "INVALID_ARGUMENT"),
            (new(request) { Parent = "cluster", Kind = RecordKey.Types.Kind.Index }, "INVALID_ARGUMENT"),
            (new(request) { Kind = RecordKey.Types.Kind.Signing }, "INVALID_ARGUMENT"),
            // One alone replaces none.
            (new(request) { Parent = "cluster", Kind = RecordKey.Types.Kind.Root }, "INVALID_ARGUMENT"),
            (new(request) { Parent = "tenants/*" }, "INVALID_NAME"),
            (new(request) { Parent = "tenants/nobody" }, "TENANT_NOT_FOUND"),
        ])
        {
            Assert.Equal(reason, await Reason(() => host.Keys.RotateRecordKeyAsync(wrong, olga)));
        }
        foreach (var (name, reason) in ((string, string)[])[($"{Demo}/keyRotations/tenant-9", "KEY_ROTATION_NOT_FOUND"), ($"{Demo}/keyRotation/tenant-2", "INVALID_NAME"), ("", "INVALID_NAME")])
            Assert.Equal(reason, await Reason(() => host.Keys.GetKeyRotationAsync(new() { Name = name }, olga)));
        Assert.Equal("TENANT_NOT_FOUND", await Reason(() => host.Keys.GetRecordKeysAsync(new() { Parent = "tenants/nobody" }, olga)));
    }

    private static async Task<KeyRotation> Done(EmbeddedHost host, KeyRotation rotation, Metadata headers)
    {
        using var patience = new CancellationTokenSource(Talk.Patience);
        while (rotation.DoneTime is null)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, patience.Token);
            rotation = await host.Keys.GetKeyRotationAsync(new() { Name = rotation.Name }, headers);
        }
        return rotation;
    }

    /// <summary>When so many turns are found.</summary>
    private static async Task<IReadOnlyList<string>> Found(EmbeddedHost host, Metadata headers, string query, int turns)
    {
        using var patience = new CancellationTokenSource(Talk.Patience);
        while (true)
        {
            if (await host.Transcripts.SearchTranscriptsAsync(new() { Parent = Demo, Query = query, Purpose = "to see" }, headers, cancellationToken: patience.Token) is { Matches: var matches } && matches.Count >= turns)
                return [.. matches.Select(match => match.Turn)];
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, patience.Token);
        }
    }

    private static async Task<string?> Reason<T>(Func<AsyncUnaryCall<T>> call) =>
        (await Assert.ThrowsAsync<RpcException>(async () => await call())).GetRpcStatus()?.GetDetail<ErrorInfo>()?.Reason;
}
