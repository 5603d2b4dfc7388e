using Grpc.Core;
using Grpc.Net.Client;
using R1Grains.Access;
using R1Grains.Tests.Scripted;
using R1Grains.V1;
using Kind = R1Grains.V1.TurnEvent.EventOneofCase;

namespace R1Grains.Tests.Gateway;

public sealed class TurnTests
{
    private const string LongAnswer = "An answer of several sentences. It goes on for a while, so that it is released in pieces. 最后一句。";

    [Fact]
    public async Task A_turn_streams_numbered_text_between_accepted_and_completed_and_keeps_its_reasoning()
    {
        await using var host = await EmbeddedHost.Start(new(Reasoning: "SECRET thoughts", Answer: LongAnswer));
        var conversation = await host.Open();
        var events = await host.Say(conversation, "1").Rest();

        Assert.Equal(Kind.Accepted, events[0].EventCase);
        Assert.Equal($"{conversation}/turns/1", events[0].Accepted.Turn);
        Assert.Equal(Kind.Completed, events[^1].EventCase);
        Assert.Equal(Completed.Types.FinishReason.Stop, events[^1].Completed.FinishReason);
        Assert.Equal(LongAnswer, events.Text());
        Assert.DoesNotContain(events, e => e.ToString().Contains("SECRET", StringComparison.Ordinal));
        var deltas = events.Where(e => e.EventCase is Kind.TextDelta).ToArray();
        Assert.True(deltas.Length > 1);
        Assert.Equal(Enumerable.Range(1, deltas.Length), deltas.Select(e => (int)e.Sequence));

        var turn = await host.Turns.GetTurnAsync(new() { Name = $"{conversation}/turns/1" });
        Assert.Equal((LongAnswer, Turn.Types.State.Completed, deltas.Length), (turn.Output, turn.State, (int)turn.LastSequence));
        Assert.Equal(events[^1].Completed, turn.Completed);
    }

    [Fact]
    public async Task A_turn_ends_when_the_time_that_is_set_for_turns_is_over()
    {
        await using var host = await EmbeddedHost.Start(new(Answer: new string('x', 600), TokensPerSecond: 20), settings: "--R1:TurnTimeout=00:00:01");
        var events = await host.Say(await host.Open(), "1").Rest();
        Assert.Equal("DEADLINE_EXCEEDED", events[^1].Failed.GetDetail<Google.Rpc.ErrorInfo>().Reason);
    }

    [Fact]
    public async Task A_refused_turn_is_a_call_without_headers_and_an_accepted_one_has_them()
    {
        await using var host = await EmbeddedHost.Start();
        var conversation = await host.Open();
        var seen = new List<bool>();
        using var channel = GrpcChannel.ForAddress(host.Address, new() { HttpHandler = new TrailersOnly(seen) });
        var turns = new TurnService.TurnServiceClient(channel);
        await Assert.ThrowsAsync<RpcException>(() => turns.StreamTurn(Talk.Turn(conversation, "")).Next());
        await turns.StreamTurn(Talk.Turn(conversation, "1")).Rest();
        Assert.Equal([true, false], seen);
    }

    [Fact]
    public async Task A_broken_stream_does_not_cancel_its_turn_and_is_resumed_after_what_was_read()
    {
        using var gate = new SemaphoreSlim(0);
        await using var host = await EmbeddedHost.Start(new(Answer: LongAnswer) { Gate = gate });
        var conversation = await host.Open();
        using (var broken = host.Say(conversation, "1"))
            await broken.Next();
        gate.Release(10_000);

        var whole = await host.Turns.ResumeTurn(new() { Turn = $"{conversation}/turns/1" }).Rest();
        Assert.Equal(LongAnswer, whole.Text());
        Assert.Equal(Kind.Completed, whole[^1].EventCase);
        foreach (var after in whole.Where(e => e.EventCase is Kind.TextDelta).Select(e => e.Sequence))
        {
            var rest = await host.Turns.ResumeTurn(new() { Turn = $"{conversation}/turns/1", AfterSequence = after }).Rest();
            Assert.Equal(whole.Where(e => e.Sequence > after).Text(), rest.Text());
        }
    }

    [Fact]
    public async Task A_retry_replays_the_turn_and_takes_no_new_one()
    {
        await using var host = await EmbeddedHost.Start();
        var conversation = await host.Open();
        var first = await host.Say(conversation, "1", "words").Rest();
        var again = await host.Say(conversation, "1", "words").Rest();
        var sent = await host.Turns.SendTurnAsync(new() { Conversation = conversation, RequestId = "1", Input = new() { Text = "words" } });
        Assert.Equal("You said: words", first.Text());
        Assert.Equal(first.Text(), again.Text());
        Assert.Equal((first.Text(), 1), (sent.Output, sent.Index));
        Assert.Equal(1, (await host.Conversations.GetConversationAsync(new() { Name = conversation })).TurnCount);
    }

    [Fact]
    public async Task A_cancelled_turn_ends_and_keeps_what_was_released()
    {
        await using var host = await EmbeddedHost.Start(new(Answer: string.Concat(Enumerable.Repeat(LongAnswer, 20)), TokensPerSecond: 200));
        var conversation = await host.Open();
        using var call = host.Say(conversation, "1");
        while ((await call.Next()).EventCase is not Kind.TextDelta)
        {
        }
        var cancelled = await host.Turns.CancelTurnAsync(new() { Name = $"{conversation}/turns/1", RequestId = "stop" });
        Assert.Equal(Turn.Types.State.Cancelled, cancelled.State);
        Assert.NotEmpty(cancelled.Output);
        Assert.Equal(Completed.Types.FinishReason.Cancelled, (await call.Rest())[^1].Completed.FinishReason);
        Assert.Equal(cancelled, await host.Turns.GetTurnAsync(new() { Name = cancelled.Name }));
    }

    [Fact]
    public async Task Turns_are_listed_in_order_page_by_page()
    {
        await using var host = await EmbeddedHost.Start();
        var conversation = await host.Open();
        for (var i = 1; i <= 5; i++)
            await host.Say(conversation, $"{i}", $"words {i}").Rest();
        var pages = new List<ListTurnsResponse>();
        do
            pages.Add(await host.Turns.ListTurnsAsync(new() { Parent = conversation, PageSize = 2, PageToken = pages.LastOrDefault()?.NextPageToken ?? "" }));
        while (pages[^1].NextPageToken.Length > 0);
        Assert.Equal([2, 2, 1], pages.Select(page => page.Turns.Count));
        Assert.Equal(Enumerable.Range(1, 5).Select(i => (i, $"words {i}", $"You said: words {i}")), pages.SelectMany(page => page.Turns).Select(t => (t.Index, t.Input.Text, t.Output)));
        Assert.Equal(pages[0].Turns[0], await host.Turns.GetTurnAsync(new() { Name = $"{conversation}/turns/1" }));
    }

    [Fact]
    public async Task A_page_of_long_turns_ends_early_and_the_next_one_goes_on_after_it()
    {
        await using var host = await EmbeddedHost.Start(new(Reasoning: "", Answer: "ok"));
        var conversation = await host.Open();
        for (var i = 1; i <= 92; i++)
            await host.Say(conversation, $"{i}", new string('x', 12_000)).Rest();

        var first = await host.Turns.ListTurnsAsync(new() { Parent = conversation, PageSize = 1_000 });
        var second = await host.Turns.ListTurnsAsync(new() { Parent = conversation, PageSize = 1_000, PageToken = first.NextPageToken });

        Assert.InRange(first.CalculateSize(), 1024 * 1024, 1024 * 1024 + 13_000);
        Assert.Equal("", second.NextPageToken);
        Assert.Equal(Enumerable.Range(1, 92), first.Turns.Concat(second.Turns).Select(turn => turn.Index));
    }

    private sealed class TrailersOnly(List<bool> seen) : DelegatingHandler(new SocketsHttpHandler())
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = await base.SendAsync(request, cancellationToken);
            seen.Add(response.Headers.Contains("grpc-status"));
            return response;
        }
    }

    [Fact]
    public async Task Who_the_customer_is_shows_only_to_those_who_lift_the_masks_and_say_why()
    {
        await using var host = await EmbeddedHost.Start();
        var conversation = await host.Open();
        await host.Say(conversation, "1", "I am at 13812345678, PIN 0420").Rest();
        var (turn, masked, whole) = ($"{conversation}/turns/1", "I am at 138****5678, PIN ****", "I am at 13812345678, PIN ****");
        Permission[] usual = [Permission.ReadTurns, Permission.SendTurns, Permission.CancelTurns, Permission.ReadContextWindows, Permission.ReadFull];
        var (ben, anna) = (host.Bearer("demo", "ben", usual), host.Bearer("demo", "anna", [.. usual, Permission.LiftMasks]));
        foreach (var headers in (Metadata[])[ben, anna])
        {
            Assert.Equal(masked, (await host.Turns.GetTurnAsync(new() { Name = turn }, headers)).Input.Text);
            Assert.Equal(masked, Assert.Single((await host.Turns.ListTurnsAsync(new() { Parent = conversation }, headers)).Turns).Input.Text);
            Assert.Equal(masked, (await host.Turns.CancelTurnAsync(new() { Name = turn, RequestId = "c" }, headers)).Input.Text);
            Assert.Equal(masked, (await host.Turns.SendTurnAsync(new() { Conversation = conversation, RequestId = "1", Input = new() { Text = "I am at 13812345678, PIN 0420" } }, headers)).Input.Text);
            // What the model sees is masked for everybody.
            Assert.Equal(masked, Assert.Single((await host.Conversations.GetContextWindowAsync(new() { Conversation = conversation }, headers)).Turns).Input);
            Assert.Equal("You said: " + masked, (await host.Turns.ResumeTurn(new() { Turn = turn }, headers).Rest()).Text());
        }
        Assert.Empty((await host.Registry.ListEntriesAsync("demo", 10)).Items);

        Assert.Equal(StatusCode.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(async () => await host.Turns.GetTurnAsync(new() { Name = turn, LiftMasks = true }, anna))).StatusCode);
        Assert.Equal(whole, (await host.Turns.GetTurnAsync(new() { Name = turn, LiftMasks = true, Purpose = "callback" }, anna)).Input.Text);
        Assert.Equal(whole, Assert.Single((await host.Turns.ListTurnsAsync(new() { Parent = conversation, LiftMasks = true, Purpose = "callback" }, anna)).Turns).Input.Text);
        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(async () => await host.Turns.GetTurnAsync(new() { Name = turn, LiftMasks = true, Purpose = "callback" }, ben))).StatusCode);
        Assert.Equal(
            [("anna", "masks.lift", turn, "callback", ""), ("anna", "masks.lift", conversation, "callback", "turns=1-1"), ("ben", "access.denied", turn, "", "method=/r1grains.v1.TurnService/GetTurn permission=lift_masks")],
            (await host.Registry.ListEntriesAsync("demo", 10)).Items.Select(entry => entry.Record)
                .Select(record => (record.Actor, record.Action, record.Resource, record.Purpose, string.Join(' ', record.Details.Select(detail => $"{detail.Name}={detail.Value}")))));
        var completed = (await host.Turns.GetTurnAsync(new() { Name = turn })).Completed;
        Assert.Equal(new() { ["mobile_number"] = 1, ["pin"] = 1 }, completed.PersonalData.ToDictionary());
    }
}
