using System.Text.Json;
using Microsoft.Data.Sqlite;
using R1Grains.Access;
using R1Grains.Tests.Gateway;
using R1Grains.Tests.Scripted;
using R1Grains.V1;

namespace R1Grains.Tests.Cli;

/// <summary>The <c>r1</c> process against a real server with a scripted model.</summary>
public sealed class CommandTests : IDisposable
{
    private readonly TemporaryFolder _home = new();
    private readonly TemporaryFolder _data = new();

    public void Dispose()
    {
        _home.Dispose();
        _data.Dispose();
    }

    [Fact]
    public async Task A_chat_between_pipes_answers_each_line_and_writes_nothing_else()
    {
        await using var host = await EmbeddedHost.Start(new Script(Answer: "{turn}：{words}"));

        var (exitCode, output, errors) = await Run("信用卡年费是多少？\n\ntwo \\\nlines\n\"\"\"\na\nb\n\"\"\"\n", "chat", "--server", host.Address);

        Assert.Equal("1：信用卡年费是多少？\n2：two \nlines\n3：a\nb\n", output);
        Assert.Equal("", errors);
        Assert.Equal(0, exitCode);
        Assert.Empty(Directory.EnumerateFiles(_home.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_refused_question_ends_the_chat_with_the_reason_and_the_words_for_the_customer()
    {
        await using var host = await EmbeddedHost.Start(new Script());

        var (exitCode, output, errors) = await Run($"{new string('x', 20_000)}\nnext\n", "chat", "--language", "en", "--server", host.Address);

        Assert.Equal("", output);
        Assert.StartsWith("r1: INPUT_TOO_LONG: ", errors, StringComparison.Ordinal);
        Assert.Contains("for the customer: Your message is too long.", errors, StringComparison.Ordinal);
        Assert.Equal(1, exitCode);
    }

    [Fact]
    public async Task A_server_killed_in_mid_answer_and_started_again_gives_the_rest_of_the_same_answer()
    {
        var script = new Script(Answer: string.Concat(Enumerable.Range(1, 12).Select(n => $"第{n}句，也是同一个回答。")), TokensPerSecond: 200);
        string address;
        await using var first = HostProcess.Launch(_data.Path, script);
        address = await first.Ready();
        await using var chat = new R1Process(_home.Path, "chat", "--server", address, "--conversation", "k1");
        chat.Type("请说\n");
        await chat.Written(10);

        await first.Kill();
        await using var second = HostProcess.Launch(_data.Path, script, ("R1__Listen", new Uri(address).Authority));
        await second.Ready();
        var (exitCode, output, errors) = await chat.End();

        Assert.Equal($"{script.Answer}\n", output);
        Assert.Contains("looking for the server", errors, StringComparison.Ordinal);
        Assert.Equal(0, exitCode);
        var (verified, report, _) = await Run("", "audit", "verify", _data.Path);
        Assert.Equal(0, verified);
        Assert.StartsWith("VALID: 1 conversations, 1 turns (0 open)", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_chat_killed_in_mid_answer_and_started_again_shows_the_rest_and_only_the_rest()
    {
        var script = new Script(Answer: string.Join(' ', Enumerable.Range(1, 12).Select(n => $"Sentence {n}, of one answer.")), TokensPerSecond: 100);
        await using var host = await EmbeddedHost.Start(script);
        await using var first = new R1Process(_home.Path, "chat", "--server", host.Address, "--conversation", "k2");
        first.Type("go\n");
        await first.Written(20);

        var shown = await first.Kill();
        var (exitCode, rest, _) = await Run("", "chat", "--server", host.Address, "--conversation", "k2");
        var (_, nothing, _) = await Run("", "chat", "--server", host.Address, "--conversation", "k2");

        Assert.NotEqual(script.Answer, shown);
        Assert.Equal($"{script.Answer}\n", shown + rest);
        Assert.Equal(0, exitCode);
        Assert.Equal("", nothing);
    }

    [Fact]
    public async Task A_failed_turn_is_told_once_and_the_next_chat_goes_on()
    {
        // A model that says nothing.
        await using var host = await EmbeddedHost.Start(new Script(Answer: ""));

        var (exitCode, _, errors) = await Run("one\n", "chat", "--server", host.Address, "--conversation", "f1");
        var (_, _, again) = await Run("", "chat", "--server", host.Address, "--conversation", "f1");
        await Run("two\n", "chat", "--server", host.Address, "--conversation", "f1");

        Assert.StartsWith("r1: MODEL_UNAVAILABLE: ", errors, StringComparison.Ordinal);
        Assert.Equal(1, exitCode);
        Assert.Equal("", again);
        var turns = (await host.Turns.ListTurnsAsync(new() { Parent = "tenants/demo/conversations/f1" })).Turns;
        Assert.Equal([("one", Turn.Types.State.Failed), ("two", Turn.Types.State.Failed)], turns.Select(turn => (turn.Input.Text, turn.State)));
        Assert.Empty(Directory.EnumerateFiles(_home.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_turn_that_failed_meanwhile_is_told_on_a_terminal_and_the_chat_goes_on()
    {
        using var gate = new SemaphoreSlim(0);
        await using var host = await EmbeddedHost.Start(new Script(Answer: "") { Gate = gate });
        var conversation = await host.Open("f2");
        await using (var first = new R1Process(_home.Path, "chat", "--server", host.Address, "--conversation", "f2"))
        {
            first.Type("one\n");
            await Until(async () => (await host.Conversations.GetConversationAsync(new() { Name = conversation })).TurnCount == 1);
            await first.Kill();
        }
        gate.Release(1000);
        await host.Turns.ResumeTurn(new() { Turn = $"{conversation}/turns/1" }).Rest();

        await using var second = R1Process.OnTerminal(_home.Path, "chat", "--server", host.Address, "--conversation", "f2");
        await second.Written("MODEL_UNAVAILABLE");
        second.Type("/context\r");
        await second.Written("0 turns kept");
        second.Type("/exit\r");
        var (exitCode, output, _) = await second.End();

        Assert.Equal(0, exitCode);
        Assert.Single(output.Split("MODEL_UNAVAILABLE")[1..]);
    }

    [Fact]
    public async Task Conversations_and_turns_are_listed_page_after_page_for_programs()
    {
        await using var host = await EmbeddedHost.Start(new Script(Answer: "a\tb {words}"));
        for (var n = 0; n < 3; n++)
            await host.Open($"c{n}");
        for (var n = 0; n < 2; n++)
            await host.Say("tenants/demo/conversations/c1", $"r{n}", $"q{n}").Rest();

        var (listed, conversations, _) = await Run("", "conversations", "--server", host.Address);
        var (_, two, more) = await Run("", "conversations", "list", "-n", "2", "--server", host.Address);
        var (_, turns, _) = await Run("", "turns", "list", "c1", "--server", host.Address);
        var (_, json, _) = await Run("", "turns", "list", "tenants/demo/conversations/c1", "--json", "--server", host.Address);
        var (_, turn, _) = await Run("", "turns", "get", "c1", "2", "--server", host.Address);
        var (missing, _, notFound) = await Run("", "turns", "get", "c1", "3", "--server", host.Address);
        var (_, completed, _) = await Run("", "conversations", "complete", "c1", "--server", host.Address);

        Assert.Equal(0, listed);
        Assert.Equal(["c0", "c1", "c2"], Column(conversations, 0));
        Assert.Equal(["0", "2", "0"], Column(conversations, 2));
        Assert.Equal(["c0", "c1"], Column(two, 0));
        Assert.Contains("--limit", more, StringComparison.Ordinal);
        Assert.Equal(["q0", "q1"], Column(turns, 3));
        Assert.Equal(["a\\tb q0", "a\\tb q1"], Column(turns, 4));
        Assert.Equal(["a\tb q0", "a\tb q1"], Lines(json).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("output").GetString()));
        Assert.Contains("answer\ta\\tb q1\n", turn, StringComparison.Ordinal);
        Assert.Equal(1, missing);
        Assert.StartsWith("r1: TURN_NOT_FOUND: ", notFound, StringComparison.Ordinal);
        Assert.Contains("state\tCompleted\n", completed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_watch_tells_what_happens_until_the_conversation_is_completed()
    {
        await using var host = await EmbeddedHost.Start(new Script(Answer: "Yes."));
        var conversation = await host.Open("w1");
        await using var watch = new R1Process(_home.Path, "turns", "watch", "w1", "--server", host.Address);
        // The watch has begun with its first heartbeat, which it does not write; a turn that it misses, or the text of it, is said again.
        for (var n = 0; !watch.Output.Contains("text", StringComparison.Ordinal); n++)
        {
            Assert.True(n < 1_000, "the watch tells nothing");
            await host.Say(conversation, $"r{n}").Rest();
        }
        await host.Conversations.CompleteConversationAsync(new() { Name = conversation, RequestId = "done" });

        var (exitCode, output, _) = await watch.End();

        Assert.EndsWith("text\tYes.\n", output[..(output.LastIndexOf("text", StringComparison.Ordinal) + 10)], StringComparison.Ordinal);
        Assert.EndsWith("completed\tStop\n", output, StringComparison.Ordinal);
        Assert.Equal(0, exitCode);
    }

    [Fact]
    public async Task A_replay_says_its_verdict_in_one_line_and_in_its_exit_code()
    {
        await using (var host = await EmbeddedHost.Start(new Script(Reasoning: "", Answer: "Yes.")))
        {
            await host.Say(await host.Open("c1"), "r1").Rest();
            _data.CopyRecord(host.Data);
            var (exitCode, output, errors) = await Run("", "replay", "c1/turns/1", "--server", host.Address);
            Assert.Equal((0, ""), (exitCode, errors));
            Assert.Matches("^IDENTICAL: 6 tokens in 1 segment; scripted 0{12}, numerics 5{12}\n$", output);
            var (missing, _, notFound) = await Run("", "replay", "c1/turns/2", "--server", host.Address);
            Assert.Equal(1, missing);
            Assert.StartsWith("r1: TURN_NOT_FOUND: ", notFound, StringComparison.Ordinal);
        }
        await using (var other = HostProcess.Launch(_data.Path, new Script(Reasoning: "", Answer: "Yeah.")))
        {
            var (exitCode, output, _) = await Run("", "replay", "tenants/demo/conversations/c1/turns/1", "--server", await other.Ready());
            Assert.Equal(1, exitCode);
            Assert.StartsWith("DIFFERS at token 3 of 6: recorded 115, replayed 97; scripted ", output, StringComparison.Ordinal);
        }
        await using var shipped = HostProcess.Launch(_data.Path);
        var (incomparable, why, _) = await Run("", "replay", "c1/turns/1", "--server", await shipped.Ready());
        var (_, json, _) = await Run("", "replay", "c1/turns/1", "--json", "--server", await shipped.Ready());
        Assert.Equal(2, incomparable);
        Assert.StartsWith("NOT_COMPARABLE: OTHER_MODEL: scripted (0000", why, StringComparison.Ordinal);
        Assert.Equal("OTHER_MODEL", JsonDocument.Parse(json).RootElement.GetProperty("obstacle").GetProperty("reason").GetString());
    }

    [Fact]
    public async Task A_running_turn_is_cancelled_by_its_number()
    {
        using var gate = new SemaphoreSlim(60);
        await using var host = await EmbeddedHost.Start(new Script(Answer: new string('好', 200)) { Gate = gate });
        using var call = host.Say(await host.Open("c1"), "r1");
        while ((await call.Next()).TextDelta is "")
        {
        }

        // The model stands still, so that nothing else can end the turn.
        var (exitCode, output, _) = await Run("", "turns", "cancel", "c1", "1", "--server", host.Address);
        gate.Release(1000);

        Assert.Equal(0, exitCode);
        Assert.Contains("state\tCancelled\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_changed_record_is_invalid_and_the_bad_place_is_named()
    {
        await using (var host = await EmbeddedHost.Start(new Script()))
        {
            await host.Say(await host.Open("c1"), "r1").Rest();
            foreach (var file in Directory.EnumerateFiles(host.Data, "*.db*"))
                File.Copy(file, Path.Combine(_data.Path, Path.GetFileName(file)));
        }
        var good = await Run("", "audit", "verify", _data.Path);
        // The key was left behind; whoever has it names it.
        Assert.Contains("3 leaves", good.Output, StringComparison.Ordinal);
        Assert.Contains("signatures not checked", good.Output, StringComparison.Ordinal);
        using (var connection = new SqliteConnection($"Data Source={Path.Combine(_data.Path, R1Grains.Ledger.SqliteRecord.FileName)};Pooling=False"))
        {
            connection.Open();
            using var change = connection.CreateCommand();
            change.CommandText = "UPDATE piece SET sealed = CAST(substr(sealed, 1, length(sealed) - 1) || x'7f' AS BLOB) WHERE number = 1";
            Assert.Equal(1, change.ExecuteNonQuery());
        }

        var bad = await Run("", "audit", "verify", _data.Path);

        Assert.Equal((0, ""), (good.ExitCode, good.Errors));
        Assert.Equal(1, bad.ExitCode);
        Assert.StartsWith("INVALID: ", bad.Output, StringComparison.Ordinal);
        Assert.Contains("tenants/demo/conversations/c1/turns/1 piece 1", bad.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_witness_looks_at_a_record_and_refuses_an_older_copy_of_it()
    {
        var (record, old, folder) = (Path.Combine(_data.Path, "record"), Path.Combine(_data.Path, "old"), Path.Combine(_data.Path, "witness"));
        await using (var host = await EmbeddedHost.Start(new Script()))
        {
            var key = Path.Combine(host.Data, "record.key.pub");
            await host.Say(await host.Open("c1"), "r1").Rest();
            await Copy(host.Data, old);
            await host.Say(await host.Open("c2"), "r1").Rest();
            await Copy(host.Data, record);

            var verified = await Run("", "audit", "verify", record, "--key", key);
            Assert.Equal(0, verified.ExitCode);
            Assert.Contains("signed with", verified.Output, StringComparison.Ordinal);
            Assert.Equal(0, (await Run("", "audit", "witness", record, "--key", key, "--folder", folder, "--every", "0")).ExitCode);
            var refused = await Run("", "audit", "witness", old, "--key", key, "--folder", folder, "--every", "0");
            Assert.Equal(1, refused.ExitCode);
            Assert.Contains("REFUSED r1grains/demo: ", refused.Errors, StringComparison.Ordinal);
        }

        // A host that runs says how far its tree is within two seconds; a copy of its files is taken after that.
        static async Task Copy(string from, string to)
        {
            Directory.CreateDirectory(to);
            await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System);
            foreach (var file in Directory.EnumerateFiles(from, "*.db*"))
                File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }
    }

    [Fact]
    public async Task Words_are_written_tried_proposed_and_approved_and_what_waits_is_released()
    {
        await using var host = await EmbeddedHost.Start();
        string[] server = ["--server", host.Address];
        var file = Path.Combine(_home.Path, "words.json");
        await File.WriteAllTextAsync(file, """{"title": "Test", "entries": [{"term": "delicate", "category": "test", "level": 3, "action": "REVIEW", "scope": "INPUT"}]}""");
        Assert.Equal(0, (await Run("", ["guardrail", "lists", "put", "words", file, .. server])).ExitCode);
        var (_, got, _) = await Run("", ["guardrail", "lists", "get", "words", "--json", .. server]);
        await File.WriteAllTextAsync(file, got.Replace("delicate", "very delicate", StringComparison.Ordinal));
        Assert.Equal(0, (await Run("", ["guardrail", "lists", "put", "words", file, .. server])).ExitCode);
        Assert.Contains("very delicate\ttest 3, Review Input\n", (await Run("", ["guardrail", "lists", "get", "words", .. server])).Output, StringComparison.Ordinal);

        Assert.StartsWith("outcome\tPasses\n", (await Run("", ["guardrail", "test", "a very delicate question", .. server])).Output, StringComparison.Ordinal);
        var tried = (await Run("", ["guardrail", "test", "a very delicate question", "--on", "lists", "--language", "en", .. server])).Output;
        Assert.StartsWith("outcome\tHeld\nshown\tA member of our staff will look at this", tried, StringComparison.Ordinal);
        Assert.Contains("hit 2-15\tvery delicate: very delicate (test 3, Review Input)\n", tried, StringComparison.Ordinal);

        var (_, proposed, _) = await Run("", ["guardrail", "propose", "-m", "a test", .. server]);
        string Of(string name) => Lines(proposed).Single(line => line.StartsWith($"{name}\t", StringComparison.Ordinal)).Split('\t')[1];
        string[] approve = ["guardrail", "approve", Of("name"), "--hash", Of("hash"), .. server];
        Assert.StartsWith("r1: ANOTHER_PERSON_NEEDED", (await Run("", approve)).Errors, StringComparison.Ordinal);
        var ben = host.Bearer("demo", "ben", Permission.ApproveGuardrails).Single().Value["Bearer ".Length..];
        Assert.Contains("state\tApproved\n", (await Run("", [.. approve, "--token", ben])).Output, StringComparison.Ordinal);
        Assert.Equal(["1"], Column((await Run("", ["guardrail", "editions", .. server])).Output, 0));

        await Until(async () => (await Run("", ["guardrail", "test", "a very delicate question", .. server])).Output.StartsWith("outcome\tHeld", StringComparison.Ordinal));
        await Run("a very delicate question\n", ["chat", "--conversation", "c1", .. server]);
        Assert.Equal(["c1/turns/1"], Column((await Run("", ["guardrail", "held", .. server])).Output, 0));
        Assert.Contains("told in\ttenants/demo/conversations/c1/turns/2\n", (await Run("", ["guardrail", "release", "c1/turns/1", "-m", "harmless", .. server])).Output, StringComparison.Ordinal);
        Assert.Equal("", (await Run("", ["guardrail", "held", .. server])).Output);
    }

    [Theory]
    [InlineData(2, "audit", "verify", "no-such-folder")]
    [InlineData(2, "audit", "verify", "Host=127.0.0.1;Port=1;Database=none;Username=nobody")]
    [InlineData(2, "audit", "verify", "nonsense=1")]
    [InlineData(2, "audit", "witness", "no-such-folder", "--key", "no-such-file")]
    [InlineData(2, "chat", "--no-such-option")]
    [InlineData(2, "chat", "--server", "nonsense")]
    [InlineData(2, "turns")]
    [InlineData(2, "conversations", "list", "--token", "两个字")]
    [InlineData(3, "conversations", "list", "--server", "http://127.0.0.1:1")]
    [InlineData(0, "--version")]
    public async Task The_exit_code_tells_what_went_wrong(int expected, params string[] arguments)
    {
        var (exitCode, _, errors) = await Run("", arguments);

        Assert.Equal(expected, exitCode);
        Assert.Equal(expected == 0, errors is "");
    }

    [Theory]
    [InlineData]
    [InlineData("chat")]
    [InlineData("conversations")]
    [InlineData("conversations", "list")]
    [InlineData("conversations", "get")]
    [InlineData("conversations", "complete")]
    [InlineData("turns")]
    [InlineData("turns", "list")]
    [InlineData("turns", "get")]
    [InlineData("turns", "cancel")]
    [InlineData("turns", "watch")]
    [InlineData("replay")]
    [InlineData("guardrail")]
    [InlineData("guardrail", "test")]
    [InlineData("guardrail", "lists")]
    [InlineData("guardrail", "lists", "get")]
    [InlineData("guardrail", "lists", "put")]
    [InlineData("guardrail", "lists", "delete")]
    [InlineData("guardrail", "propose")]
    [InlineData("guardrail", "proposals")]
    [InlineData("guardrail", "proposals", "get")]
    [InlineData("guardrail", "approve")]
    [InlineData("guardrail", "reject")]
    [InlineData("guardrail", "editions")]
    [InlineData("guardrail", "editions", "get")]
    [InlineData("guardrail", "held")]
    [InlineData("guardrail", "held", "get")]
    [InlineData("guardrail", "release")]
    [InlineData("guardrail", "discard")]
    [InlineData("audit")]
    [InlineData("audit", "verify")]
    [InlineData("audit", "witness")]
    [InlineData("tenants")]
    [InlineData("tenants", "list")]
    [InlineData("tenants", "get")]
    [InlineData("tenants", "create")]
    [InlineData("tenants", "propose")]
    [InlineData("tenants", "updates")]
    [InlineData("tenants", "updates", "get")]
    [InlineData("tenants", "approve")]
    [InlineData("tenants", "reject")]
    [InlineData("tenants", "reindex")]
    [InlineData("audit", "search")]
    [InlineData("audit", "show")]
    [InlineData("audit", "events")]
    [InlineData("access")]
    [InlineData("access", "list")]
    [InlineData("access", "bind")]
    [InlineData("access", "unbind")]
    [InlineData("keys")]
    [InlineData("keys", "list")]
    [InlineData("keys", "create")]
    [InlineData("keys", "revoke")]
    public async Task Every_command_explains_itself_with_an_example(params string[] command)
    {
        var (exitCode, output, _) = await Run("", [.. command, "--help"]);

        Assert.Equal(0, exitCode);
        Assert.Contains($"Examples:\n  r1 {string.Join(' ', command)}".TrimEnd(), output, StringComparison.Ordinal);
        Assert.Contains("Exit codes:", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Roles_keys_and_tenants_are_set_from_the_command_line()
    {
        await using var host = await EmbeddedHost.Start(new Script());
        var (policy, facts) = (Path.Combine(_data.Path, "policy.md"), Path.Combine(_data.Path, "facts.md"));
        await File.WriteAllTextAsync(policy, "---\nversion: 1\n---\nBe brief.");
        await File.WriteAllTextAsync(facts, "---\nversion: 1\n---\n## Ferry Card\nThe fee is 3 yuan.\n");
        var (officer, olga) = (Token(host.Appointed("demo", "xia", "security-officer")), Token(host.Appointed("demo", "olga", "operator")));

        Assert.Equal(0, (await Run("", "access", "bind", "anna", "agent", "--server", host.Address, "--token", officer)).ExitCode);
        Assert.Equal(0, (await Run("", "access", "bind", "anna", "auditor", "supervisor", "--purpose", "moved", "--server", host.Address, "--token", officer)).ExitCode);
        Assert.Equal(["anna\tauditor, supervisor"], Lines((await Run("", "access", "list", "--server", host.Address, "--token", officer)).Output).Select(line => string.Join('\t', line.Split('\t')[..2])));
        Assert.Equal(0, (await Run("", "access", "unbind", "anna", "--server", host.Address, "--token", officer)).ExitCode);
        Assert.Equal(1, (await Run("", "access", "unbind", "anna", "--server", host.Address, "--token", officer)).ExitCode);

        var secret = (await Run("", "keys", "create", "desk", "customer-channel", "--for", "agent desktop", "--days", "30", "--server", host.Address, "--token", officer)).Output.Trim();
        await Until(async () => (await Run("", "conversations", "list", "--server", host.Address, "--token", secret)).ExitCode == 0);
        Assert.Equal(["desk"], Column((await Run("", "keys", "list", "--server", host.Address, "--token", officer)).Output, 0));
        Assert.Equal(0, (await Run("", "keys", "revoke", "desk", "--server", host.Address, "--token", officer)).ExitCode);

        Assert.Equal(0, (await Run("", "tenants", "create", "north", "--policy", policy, "--facts", facts, "--server", host.Address, "--token", olga)).ExitCode);
        var settings = Path.Combine(_data.Path, "tenant.json");
        await File.WriteAllTextAsync(settings, """{ "ai_disclosure": { "notice": { "en": "A machine answers." }, "label": false } }""");
        var (_, proposed, _) = await Run("", "tenants", "propose", "north", "--policy", policy, "--facts", facts, "--settings", settings, "--server", host.Address, "--token", olga);
        string Of(string name) => Lines(proposed).Single(line => line.StartsWith($"{name}\t", StringComparison.Ordinal)).Split('\t')[1];
        Assert.Equal([Of("name")], Column((await Run("", "tenants", "updates", "north", "--server", host.Address, "--token", olga)).Output, 0));
        Assert.Contains("A machine answers.", (await Run("", "tenants", "updates", "get", Of("name"), "--server", host.Address, "--token", olga)).Output, StringComparison.Ordinal);
        Assert.DoesNotContain("A machine answers.", (await Run("", "tenants", "get", "north", "--server", host.Address, "--token", olga)).Output, StringComparison.Ordinal);
        string[] approve = ["tenants", "approve", Of("name"), "--hash", Of("hash"), "--server", host.Address];
        Assert.StartsWith("r1: ANOTHER_PERSON_NEEDED", (await Run("", [.. approve, "--token", olga])).Errors, StringComparison.Ordinal);
        Assert.Contains("state\tApproved\n", (await Run("", [.. approve, "--token", Token(host.Appointed("demo", "omar", "operator"))])).Output, StringComparison.Ordinal);
        Assert.Contains("A machine answers.", (await Run("", "tenants", "get", "north", "--server", host.Address, "--token", olga)).Output, StringComparison.Ordinal);
        await File.WriteAllTextAsync(settings, """{ "ai_disclosure": { "lable": false } }""");
        var mistaken = await Run("", "tenants", "propose", "north", "--policy", policy, "--facts", facts, "--settings", settings, "--server", host.Address, "--token", olga);
        Assert.Equal(1, mistaken.ExitCode);
        Assert.Contains("lable", mistaken.Errors, StringComparison.Ordinal);
        Assert.Equal(["north"], Column((await Run("", "tenants", "list", "--server", host.Address, "--token", olga)).Output, 0));
        Assert.Contains("etag\t2\n", (await Run("", "tenants", "get", "north", "--server", host.Address, "--token", olga)).Output, StringComparison.Ordinal);

        static string Token(Grpc.Core.Metadata metadata) => metadata.GetValue("authorization")!["Bearer ".Length..];
    }

    [Fact]
    public async Task An_auditor_finds_and_reads_a_turn_and_sees_who_has_read_it()
    {
        await using var host = await EmbeddedHost.Start(new Script(Reasoning: "hm", Answer: "{words}!"));
        var conversation = await host.Open("c1");
        await host.Say(conversation, "1", "My card is 4111 1111 1111 1111.\nWhat is the late fee?").Rest();
        using var patience = new CancellationTokenSource(Talk.Patience);
        while ((await host.Transcripts.SearchTranscriptsAsync(new() { Parent = "tenants/demo", Purpose = "wait" }, cancellationToken: patience.Token)).Matches.Count == 0)
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);

        var (exitCode, output, errors) = await Run("", "audit", "search", "\"late fee\"", "card*", "-m", "complaint 7", "--since", "1d", "--state", "completed", "--server", host.Address);
        Assert.Equal((0, ""), (exitCode, errors));
        var columns = output.TrimEnd().Split('\t');
        Assert.Equal(("c1/turns/1", "Completed", "My card is **** **** **** 1111.\\nWhat is the late fee?"), (columns[0], columns[2], columns[5]));
        Assert.Equal((0, "", "r1: nothing was found.\n"), await Run("", "audit", "search", "4111", "-m", "complaint 7", "--server", host.Address));
        Assert.Contains("R1_PURPOSE", (await Run("", "audit", "search", "fee", "--server", host.Address)).Errors, StringComparison.Ordinal);
        Assert.Equal(2, (await Run("", "audit", "search", "fee", "-m", "x", "--since", "yesterday", "--server", host.Address)).ExitCode);

        var (_, shown, _) = await Run("", "audit", "show", "c1", "--view", "reasoning", "-m", "complaint 7", "--server", host.Address);
        Assert.Contains("question\tMy card is 4111 1111 1111 1111.\\nWhat is the late fee?\n", shown, StringComparison.Ordinal);
        Assert.Contains("reasoning\thm\n", shown, StringComparison.Ordinal);
        var (_, events, _) = await Run("", "audit", "events", "--action", "transcript", "--resource", "c1", "-m", "who?", "--json", "--server", host.Address);
        Assert.Equal(
            ["transcript.read complaint 7", "transcript.search complaint 7", "transcript.search wait"],
            events.TrimEnd().Split('\n').Select(line => JsonDocument.Parse(line).RootElement).Select(happened => $"{happened.GetProperty("action")} {happened.GetProperty("purpose")}"));

        var olga = host.Appointed("other", "olga", "operator").GetValue("authorization")!["Bearer ".Length..];
        Assert.Equal(0, (await Run("", "tenants", "reindex", "demo", "--token", olga, "--server", host.Address)).ExitCode);
    }

    private Task<(int ExitCode, string Output, string Errors)> Run(string input, params string[] arguments) => R1Process.Run(_home.Path, input, arguments);

    private static async Task Until(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(Talk.Patience);
        while (!await condition())
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, patience.Token);
    }

    private static string[] Lines(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string[] Column(string output, int column) => [.. Lines(output).Select(line => line.Split('\t')[column])];
}
