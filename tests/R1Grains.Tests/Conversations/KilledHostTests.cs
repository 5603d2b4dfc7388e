using Grpc.Core;
using Grpc.Net.Client;
using R1Grains.Ledger;
using R1Grains.Tests.Gateway;
using R1Grains.Tests.Scripted;
using R1Grains.V1;
using Xunit.Abstractions;
using Kind = R1Grains.V1.TurnEvent.EventOneofCase;

namespace R1Grains.Tests.Conversations;

/// <summary>Real processes, killed without warning in the middle of an answer.</summary>
public sealed class KilledHostTests(ITestOutputHelper output)
{
    private const int Kills = 50;
    private const int AtOnce = 2;

    // A byte is a token; at 20 a second the clock cuts units too.
    private static readonly Script Script = new(
        Reasoning: "hm",
        Answer: "这是第一句，比较短。The second one is in English, and it goes on for a while; 费用为3.14元，期限为24个月。"
            + "A third sentence brings the answer well beyond one hundred and twenty tokens, with an emoji 👩‍👩‍👧 in it. 最后一句到此为止。",
        TokensPerSecond: 20);

    [Fact]
    public async Task Fifty_killed_hosts_lose_and_repeat_nothing()
    {
        var workers = await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(worker => Task.Run(() => Work(new Random(worker), Kills / AtOnce))));
        output.WriteLine($"{workers.Sum(w => w.Kills)} kills in {workers.Sum(w => w.Turns)} turns; {workers.Sum(w => w.Uncounted)} more found no open turn with text");
        Assert.Equal(Kills, workers.Sum(w => w.Kills));
    }

    private async Task<(int Kills, int Turns, int Uncounted)> Work(Random random, int kills)
    {
        using var folder = new TemporaryFolder();
        var (counted, uncounted, turns) = (0, 0, 0);
        while (counted < kills || turns == 0)
        {
            var conversation = $"c{++turns}";
            var name = $"tenants/demo/conversations/{conversation}";
            var seen = new SortedDictionary<long, string>();
            while (true)
            {
                await using var host = HostProcess.Launch(folder.Path, Script);
                using var channel = GrpcChannel.ForAddress(await host.Ready());
                await new ConversationService.ConversationServiceClient(channel).CreateConversationAsync(
                    new() { Parent = "tenants/demo", ConversationId = conversation, RequestId = $"create-{conversation}", Conversation = new() { LanguageCode = "zh" } });
                var mayKill = counted < kills;
                // A client goes on after what it has, or sends its request again; both must fit what it saw.
                var client = new TurnService.TurnServiceClient(channel);
                using var call = seen.Count == 0 || random.Next(3) == 0
                    ? client.StreamTurn(Talk.Turn(name, "r1"))
                    : client.ResumeTurn(new() { Turn = $"{name}/turns/1", AfterSequence = seen.Keys.Last() });
                var ended = await Read(call, seen, mayKill ? random.Next(1, 6) : int.MaxValue);
                await host.Kill();

                var record = await Record(folder.Path, conversation);
                Assert.Equal(record.Pieces.Take(seen.Count).Select(piece => (long)piece.Number), seen.Keys);
                Assert.Equal(record.Pieces.Take(seen.Count).Select(piece => piece.Text), seen.Values);
                if (ended)
                {
                    Assert.Equal(Outcome.Completed, record.Closed?.Outcome);
                    Assert.Equal(record.Pieces.Count, seen.Count);
                    break;
                }
                if (record is { Closed: null, Pieces.Count: > 0 }) counted++;
                else uncounted++;
            }
            Assert.Equal(Script.Answer, string.Concat(seen.Values));
        }
        var report = await RecordVerifier.VerifyAsync(folder.Path);
        Assert.True(report.Valid, report.FirstBad?.Reason);
        Assert.Equal((turns, 0), (report.Turns, report.OpenTurns));
        return (counted, turns, uncounted);
    }

    /// <summary>Reads so many new texts, or to the end: then true.</summary>
    private static async Task<bool> Read(AsyncServerStreamingCall<TurnEvent> call, SortedDictionary<long, string> seen, int news)
    {
        using var patience = new CancellationTokenSource(HostProcess.Patience);
        while (await call.ResponseStream.MoveNext(patience.Token))
        {
            var happened = call.ResponseStream.Current;
            Assert.NotEqual(Kind.Failed, happened.EventCase);
            if (happened.EventCase is Kind.Completed) return true;
            if (happened.EventCase is not Kind.TextDelta) continue;
            if (seen.TryGetValue(happened.Sequence, out var before)) Assert.Equal(before, happened.TextDelta);
            else
            {
                Assert.Equal(seen.Count + 1, happened.Sequence);
                seen.Add(happened.Sequence, happened.TextDelta);
                if (--news == 0) return false;
            }
        }
        throw new InvalidOperationException("The stream ended without an end.");
    }

    private static async Task<TurnRecord> Record(string folder, string conversation)
    {
        await using var record = await SqliteRecord.OpenAsync(folder);
        return (await record.FindTurnAsync(new("demo", conversation), 1))!;
    }
}
