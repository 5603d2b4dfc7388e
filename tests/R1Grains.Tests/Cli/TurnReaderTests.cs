extern alias cli;

using System.Net;
using System.Net.Sockets;
using cli::R1Grains.Cli;
using cli::R1Grains.V1;
using Google.Rpc;
using Kind = cli::R1Grains.V1.TurnEvent.EventOneofCase;

namespace R1Grains.Tests.Cli;

/// <summary>Reads one turn over real connections that break at chosen places.</summary>
public sealed class TurnReaderTests
{
    private const int Events = 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly RecordedTurn _record = new();

    public static TheoryData<Break, int> Places
    {
        get
        {
            var places = new TheoryData<Break, int>();
            foreach (var how in new[] { Break.Connection, Break.Stream, Break.End, Break.Draining, Break.Skip })
                for (var after = 0; after < Events; after++)
                    // A skipped event that is no text is nobody's loss.
                    if (how is not Break.Skip || after is >= 2 and not 5 and < Events - 1)
                        places.Add(how, after);
            return places;
        }
    }

    [Theory]
    [MemberData(nameof(Places))]
    public async Task A_turn_that_breaks_anywhere_is_read_to_its_end(Break how, int after)
    {
        await using var server = await BreakingServer.Start(_record, (how, after));
        using var connection = new Connection([server.Address]);

        await AssertWhole(Ask(new(connection, TimeProvider.System)));

        Assert.Equal(2, server.Calls.Count);
        Assert.Single(_record.RequestIds);
        if (after == 0)
            Assert.Equal(["stream", "stream"], server.Calls);
    }

    [Fact]
    public async Task A_turn_that_breaks_again_and_again_is_read_to_its_end()
    {
        (Break, int)[] plan = [(Break.Connection, 0), (Break.Draining, 0), (Break.Connection, 1), (Break.End, 3), (Break.Stream, 0), (Break.Connection, 2), (Break.Connection, 4), (Break.Skip, 2)];
        await using var server = await BreakingServer.Start(_record, plan);
        using var connection = new Connection([server.Address]);
        var breaks = 0;

        await AssertWhole(Ask(new(connection, TimeProvider.System) { Broken = _ => breaks++ }));

        Assert.Equal(plan.Length, breaks);
        Assert.Equal(plan.Length + 1, server.Calls.Count);
        Assert.Single(_record.RequestIds);
    }

    [Fact]
    public async Task The_second_address_takes_over_what_the_first_accepted()
    {
        await using var first = await BreakingServer.Start(_record, (Break.Connection, 4));
        await using var second = await BreakingServer.Start(_record);
        using var connection = new Connection([first.Address, second.Address]);

        await AssertWhole(Ask(new(connection, TimeProvider.System)));

        Assert.Equal(["stream"], first.Calls);
        Assert.Single(second.Calls, call => call.StartsWith("resume", StringComparison.Ordinal) || call == "stream");
        Assert.Single(_record.RequestIds);
    }

    [Fact]
    public async Task An_address_where_nobody_listens_is_passed_over()
    {
        await using var server = await BreakingServer.Start(_record);
        using var connection = new Connection([Nobody(), server.Address]);

        await AssertWhole(Ask(new(connection, TimeProvider.System)));
    }

    [Fact]
    public async Task A_turn_is_resumed_after_the_piece_that_was_shown_before()
    {
        await using var server = await BreakingServer.Start(_record, (Break.Connection, 3));
        using var connection = new Connection([server.Address]);

        var events = await Read(new TurnReader(connection, TimeProvider.System).Resume(RecordedTurn.Name, 2, CancellationToken.None));

        Assert.Equal(string.Concat(RecordedTurn.Pieces[2..]), Text(events));
        Assert.Equal("resume 2", server.Calls.First());
    }

    [Fact]
    public async Task An_accepted_turn_that_falls_silent_is_resumed()
    {
        await using var server = await BreakingServer.Start(_record, (Break.Silence, 4));
        using var connection = new Connection([server.Address]);
        var silent = false;
        var time = new InstantTime(due => due < TimeSpan.FromSeconds(5) || silent);
        var reader = new TurnReader(connection, time) { Broken = _ => silent = false };

        var text = "";
        await foreach (var turnEvent in Ask(reader))
        {
            text += turnEvent.TextDelta;
            if (turnEvent is { EventCase: Kind.TextDelta, Sequence: 2 })
                silent = true;
        }

        Assert.Equal(RecordedTurn.Answer, text);
        Assert.Equal(["stream", "resume 2"], server.Calls);
    }

    [Fact]
    public async Task Looking_for_a_server_ends_with_its_address_and_the_time_it_took()
    {
        var time = new InstantTime(due => due < TimeSpan.FromSeconds(10));
        var server = await BreakingServer.Start(_record, (Break.Connection, 4));
        using var connection = new Connection([server.Address], time: time);
        var attempts = 0;
        var reader = new TurnReader(connection, time)
        {
            Broken = _ =>
            {
                if (attempts++ == 0)
                    server.DisposeAsync().AsTask().Wait(Patience);
            },
        };

        var unreachable = await Assert.ThrowsAsync<UnreachableException>(() => Read(Ask(reader)));

        Assert.Contains(server.Address.Authority, unreachable.Message, StringComparison.Ordinal);
        Assert.InRange(time.Passed, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(120));
        Assert.InRange(attempts, 30, 100);
    }

    [Fact]
    public async Task A_refused_turn_is_not_sent_again()
    {
        await using var server = await BreakingServer.Start(_record);
        server.Refusal = BreakingServer.Refused(Code.InvalidArgument, "INPUT_TOO_LONG", "5000 tokens are more than 1024");
        using var connection = new Connection([server.Address]);

        var refused = await Assert.ThrowsAsync<RefusedException>(() => Read(Ask(new(connection, TimeProvider.System))));

        Assert.Equal("INPUT_TOO_LONG", refused.Refusal.Reason);
        Assert.Equal(["stream"], server.Calls);
    }

    private static IAsyncEnumerable<TurnEvent> Ask(TurnReader reader) =>
        reader.Ask(new() { Conversation = "tenants/demo/conversations/c1", RequestId = Guid.NewGuid().ToString(), Input = new() { Text = "年费？" } }, CancellationToken.None);

    private static async Task AssertWhole(IAsyncEnumerable<TurnEvent> turn)
    {
        var events = await Read(turn);
        var pieces = events.Where(e => e.EventCase is Kind.TextDelta).ToArray();
        Assert.Equal(Enumerable.Range(1, RecordedTurn.Pieces.Length).Select(n => (long)n), pieces.Select(e => e.Sequence));
        Assert.Equal(RecordedTurn.Answer, Text(events));
        Assert.Single(events, e => e.EventCase is Kind.Accepted);
        Assert.Equal(Kind.Completed, events[^1].EventCase);
    }

    private static string Text(IEnumerable<TurnEvent> events) => string.Concat(events.Select(e => e.TextDelta));

    private static async Task<List<TurnEvent>> Read(IAsyncEnumerable<TurnEvent> turn)
    {
        using var patience = new CancellationTokenSource(Patience);
        var events = new List<TurnEvent>();
        await foreach (var turnEvent in turn.WithCancellation(patience.Token))
            events.Add(turnEvent);
        return events;
    }

    private static Uri Nobody()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new($"http://{listener.LocalEndpoint}");
    }
}
