using Grpc.Core;
using Grpc.Net.Client;
using R1Grains.Ledger;
using R1Grains.Tests.Cli;
using R1Grains.Tests.Gateway;
using R1Grains.V1;
using Kind = R1Grains.V1.TurnEvent.EventOneofCase;

namespace R1Grains.Tests.Audit;

/// <summary>The program as it ships replays what its model said, over the wire and by the command.</summary>
public sealed class ShippedModelReplayTests : IDisposable
{
    private const string Conversation = "tenants/demo/conversations/c";
    private const string Question = "我的卡丢了怎么办？";

    private readonly TemporaryFolder _folder = new();
    private readonly TemporaryFolder _home = new();

    public void Dispose()
    {
        _folder.Dispose();
        _home.Dispose();
    }

    [Fact]
    public async Task Turns_are_identical_until_the_record_is_altered()
    {
        await using var host = HostProcess.Launch(_folder.Path);
        var address = await host.Ready();
        using var channel = GrpcChannel.ForAddress(address);
        await Open(channel);
        foreach (var (question, n) in new[] { ("青穗信用卡的年费是多少？", 1), ("那补卡费呢？", 2) })
            await new TurnService.TurnServiceClient(channel).StreamTurn(Talk.Turn(Conversation, $"r{n}", question)).Rest();

        for (var turn = 1; turn <= 2; turn++)
        {
            var replay = await Replayed(channel, turn);
            Assert.Equal(Replay.Types.Result.Identical, replay.Result);
            Assert.InRange(replay.ComparedTokens, 10, 500);
            Assert.Equal((replay.RecordedTokens, 1), (replay.ComparedTokens, replay.Segments.Count));
            Assert.Equal([replay.Segments[0].Numerics], replay.PresentNumerics);
            Assert.Equal(replay.RecordedRelease.ModelHash, replay.PresentRelease.ModelHash);
        }
        var told = await R1Process.Run(_home.Path, "", "replay", "c/turns/2", "--server", address);
        Assert.Equal((0, ""), (told.ExitCode, told.Errors));
        Assert.StartsWith("IDENTICAL: ", told.Output, StringComparison.Ordinal);

        await Forgery.ReplacePiece(_folder.Path, new("demo", "c"), turn: 2, number: 1, piece => piece with { TokenIds = [.. piece.TokenIds.Select((id, i) => i == 2 ? 7 : id)] });
        var altered = await Replayed(channel, 2);
        Assert.Equal((Replay.Types.Result.Differs, 2, 7), (altered.Result, altered.Difference.Index, altered.Difference.RecordedTokenId));
        told = await R1Process.Run(_home.Path, "", "replay", $"{Conversation}/turns/2", "--server", address);
        Assert.Equal((1, ""), (told.ExitCode, told.Errors));
        Assert.StartsWith($"DIFFERS at token 2 of {altered.RecordedTokens}: recorded 7, replayed {altered.Difference.ReplayedTokenId}; r1-tiny ", told.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_turn_that_was_killed_in_mid_answer_and_went_on_is_identical_in_both_its_segments()
    {
        // The model is quick: a kill may come after the end, and then the next answer is tried.
        for (var turn = 1; turn <= 20; turn++)
        {
            await using (var host = HostProcess.Launch(_folder.Path))
            {
                using var channel = GrpcChannel.ForAddress(await host.Ready());
                if (turn == 1) await Open(channel);
                using var call = new TurnService.TurnServiceClient(channel).StreamTurn(Talk.Turn(Conversation, $"r{turn}", Question));
                while ((await call.Next()).EventCase is not Kind.TextDelta) ;
                await host.Kill();
            }
            await using var second = HostProcess.Launch(_folder.Path);
            using var again = GrpcChannel.ForAddress(await second.Ready());
            await new TurnService.TurnServiceClient(again).ResumeTurn(new() { Turn = $"{Conversation}/turns/{turn}" }).Rest();
            var replay = await Replayed(again, turn);
            Assert.Equal(Replay.Types.Result.Identical, replay.Result);
            if (replay.Segments.Count == 2) return;
        }
        Assert.Fail("every answer was complete before its host was killed");
    }

    private static async Task Open(ChannelBase channel) => await new ConversationService.ConversationServiceClient(channel).CreateConversationAsync(
        new() { Parent = "tenants/demo", ConversationId = "c", RequestId = "1", Conversation = new() { LanguageCode = "zh" } });

    private static async Task<Replay> Replayed(ChannelBase channel, int turn)
    {
        var events = await new TranscriptService.TranscriptServiceClient(channel).ReplayTurn(new() { Turn = $"{Conversation}/turns/{turn}" }).Rest();
        Assert.Equal(0, events[0].Progress.ComparedTokens);
        return events[^1].Replay;
    }
}
