using System.Diagnostics;
using R1Grains.LoadTests.Checks;
using R1Grains.LoadTests.Clients;
using R1Grains.Tests.Cli;
using OneTurn = R1Grains.Tests.Cli.RecordedTurn;
using RecordedTurn = R1Grains.LoadTests.Checks.RecordedTurn;

namespace R1Grains.Tests.Load;

/// <summary>The client of the load tests on servers that break: it gets the whole answer where that can be had, and hides nothing.</summary>
public sealed class TurnClientTests
{
    private static readonly RecordedTurn Recorded = new("tenants/demo/conversations/c1", 1, "r1", OneTurn.Pieces, RecordedEnd.Completed, default);

    [Theory]
    [InlineData(Break.Connection, 0)]
    [InlineData(Break.Connection, 4)]
    [InlineData(Break.Stream, 1)]
    [InlineData(Break.End, 3)]
    [InlineData(Break.Draining, 0)]
    public async Task A_broken_answer_goes_on_at_the_next_address(Break how, int after)
    {
        var record = new OneTurn();
        await using var first = await BreakingServer.Start(record, (how, after));
        await using var second = await BreakingServer.Start(record);
        var seen = await Ask(TimeSpan.FromSeconds(30), first, second);

        Assert.Empty(Checker.Check([seen], [Recorded], [], default, default).Defects);
        Assert.Equal((SeenEnd.Completed, OneTurn.Answer), (seen.End, string.Concat(seen.Pieces.Select(piece => piece.Text))));
        Assert.Equal(first.Address.ToString(), Assert.Single(seen.Breaks).Address);
        Assert.Equal("r1", Assert.Single(record.RequestIds).Key);
        Assert.NotEmpty(second.Calls);
    }

    [Fact]
    public async Task A_piece_that_is_left_out_is_not_made_good()
    {
        await using var server = await BreakingServer.Start(new(), (Break.Skip, 4));
        var seen = await Ask(TimeSpan.FromSeconds(30), server);
        Assert.Equal(DefectKind.StreamGaps, Assert.Single(Checker.Check([seen], [Recorded], [], default, default).Defects).Kind);
    }

    [Fact]
    public async Task A_turn_that_nobody_answers_is_given_up_at_its_deadline()
    {
        var servers = new[] { await BreakingServer.Start(new()), await BreakingServer.Start(new()) };
        foreach (var server in servers) await server.DisposeAsync();
        var seen = await Ask(TimeSpan.FromSeconds(1), servers);
        Assert.Equal((SeenEnd.GivenUp, 0), (seen.End, seen.Index));
        Assert.Equal(servers.Length, seen.Breaks.Select(broken => broken.Address).Distinct().Count());
    }

    [Fact]
    public async Task A_refusal_is_told_with_its_reason()
    {
        await using var server = await BreakingServer.Start(new());
        server.Refusal = BreakingServer.Refused(Google.Rpc.Code.ResourceExhausted, "MODEL_QUEUE_FULL", "64 requests wait");
        var seen = await Ask(TimeSpan.FromSeconds(30), server);
        Assert.Equal((SeenEnd.Refused, "MODEL_QUEUE_FULL"), (seen.End, seen.Reason));
    }

    private static async Task<SeenTurn> Ask(TimeSpan turnTime, params BreakingServer[] at)
    {
        using var servers = new LoadTests.Clients.Servers([.. at.Select(server => server.Address.ToString())]);
        var question = new Question("test", Recorded.Conversation, Recorded.RequestId, "How much?");
        return await new TurnClient(servers, token: null, new(turnTime, ObeysAdvice: false), at: 0).Ask(new(question, Stopwatch.GetTimestamp()), CancellationToken.None);
    }
}
