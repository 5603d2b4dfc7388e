using System.Diagnostics;
using R1Grains.Access;
using R1Grains.Ledger;
using R1Grains.V1;
using Xunit.Abstractions;
using Action = R1Grains.V1.WordListEntry.Types.Action;

namespace R1Grains.Tests.Cluster;

/// <summary>Words that come into force in a cluster of real processes, while customers are being answered.</summary>
[Collection(LocalClusterCollection.Name)]
public sealed class PublishTests(LocalCluster cluster, ITestOutputHelper output) : IAsyncLifetime
{
    private const int Customers = 8;
    private const string Word = "vermilion-heron";
    private static readonly TimeSpan InForceAfter = TimeSpan.FromSeconds(2);

    public Task InitializeAsync() => cluster.Whole();

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task An_edition_is_in_force_everywhere_within_two_seconds_and_running_streams_keep_theirs()
    {
        var running = await Ask("running");
        foreach (var (customer, answer) in running) await await Task.WhenAny(customer.Begun, answer);

        var guardrail = new GuardrailService.GuardrailServiceClient(cluster.Gateway("a"));
        await guardrail.CreateWordListAsync(new()
        {
            Parent = "tenants/demo",
            WordListId = "birds",
            RequestId = "birds",
            WordList = new() { Entries = { new WordListEntry { Term = Word, Category = "birds", Level = 1, Action = Action.Mask, Scope = WordListEntry.Types.Scope.Output } } },
        });
        var proposal = await guardrail.ProposeEditionAsync(new() { Parent = "tenants/demo", RequestId = "birds" });
        await guardrail.ApproveProposalAsync(new() { Name = proposal.Name, Hash = proposal.Hash, RequestId = "birds" }, cluster.Bearer("a", "ben", Permission.ApproveGuardrails));
        var published = Stopwatch.GetTimestamp();
        await Task.Delay(InForceAfter, TimeProvider.System);
        Assert.DoesNotContain(running, asked => asked.Answer.IsCompleted);

        var later = await Ask("later");
        await Task.WhenAll(running.Concat(later).Select(asked => asked.Answer));
        Assert.All(running, asked => Assert.Contains($"You said {Word}: ", asked.Customer.Text, StringComparison.Ordinal));
        Assert.All(later, asked => Assert.Contains($"You said {new string('*', Word.Length)}: ", asked.Customer.Text, StringComparison.Ordinal));
        Assert.All(running.Concat(later), asked => Assert.Empty(asked.Customer.Breaks));

        // The record of each names one lexicon from its opening to its close: the old one or the new one.
        await using var keys = await cluster.OpenKeys();
        await using var record = await PostgresRecord.OpenAsync(cluster.Database, new FileRecordMarks(Path.GetTempPath()), keys: keys);
        var before = Assert.Single(await Lexicons(record, running));
        var after = Assert.Single(await Lexicons(record, later));
        Assert.NotEqual(before, after);
        output.WriteLine($"{Customers} streams kept {before.ToString()[..8]}, {Customers} that were asked {InForceAfter.TotalSeconds} s after the approval had {after.ToString()[..8]}; all ended {Stopwatch.GetElapsedTime(published).TotalSeconds:0.0} s after it");
    }

    private async Task<List<(Customer Customer, Task Answer)>> Ask(string name)
    {
        List<(Customer, Task)> asked = [];
        for (var i = 0; i < Customers; i++)
        {
            var customer = new Customer([cluster.Gateway(i % 2 == 0 ? "a" : "b")], $"publish-{name}-{i}");
            await customer.Open();
            asked.Add((customer, customer.Ask(Word)));
        }
        return asked;
    }

    private static async Task<HashSet<Digest>> Lexicons(PostgresRecord record, List<(Customer Customer, Task)> asked)
    {
        HashSet<Digest> lexicons = [];
        foreach (var (customer, _) in asked)
        {
            var turn = (await record.FindTurnAsync(new("demo", customer.Conversation), 1))!;
            Assert.Equal(turn.Opened.Lexicon, turn.Closed!.Lexicon);
            lexicons.Add(turn.Opened.Lexicon!.Value);
        }
        return lexicons;
    }
}
