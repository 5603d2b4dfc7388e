using System.CommandLine;
using Grpc.Core;
using R1Grains.V1;

namespace R1Grains.Cli;

/// <summary><c>r1 turns</c></summary>
internal static class TurnsCommand
{
    private static readonly Argument<string> Conversation = new("conversation") { Description = "The conversation's id, or its full name." };

    private static readonly Argument<int> Number = new("turn") { Description = "The turn's number, from 1." };

    public static Command Create()
    {
        var list = new ExampledCommand("list", "Lists the turns of a conversation, in their order.", """
            r1 turns list 3f2a
            r1 turns list tenants/demo/conversations/3f2a --json
            r1 turns list 3f2a --lift-masks "callback on request 17"
            """) { Conversation, PurposeOption.Lifting, Listing.Limit, Listing.Json };
        list.SetAction(List);

        var get = new ExampledCommand("get", "Shows a turn: question, answer, and how it ended.", "r1 turns get 3f2a 2") { Conversation, Number, PurposeOption.Lifting, Listing.Json };
        get.SetAction((parsed, cancellation) => Show(parsed, connection => connection.Call(
            c => c.Turns.GetTurnAsync(new() { Name = NameOf(parsed), LiftMasks = Lifting(parsed) is not null, Purpose = Lifting(parsed) ?? "" }, cancellationToken: cancellation), cancellation)));

        var cancel = new ExampledCommand("cancel", "Stops a turn that runs or waits; what was shown stays. An ended turn stays as it is.", "r1 turns cancel 3f2a 2") { Conversation, Number, Listing.Json };
        cancel.SetAction((parsed, cancellation) =>
        {
            var request = new CancelTurnRequest { Name = NameOf(parsed), RequestId = Guid.NewGuid().ToString() };
            return Show(parsed, connection => connection.Call(
                c => c.Turns.CancelTurnAsync(request, cancellationToken: cancellation), cancellation));
        });

        var watch = new ExampledCommand("watch", "Follows a conversation from now on, until it is completed.", """
            r1 turns watch 3f2a
            r1 turns watch 3f2a --json
            """) { Conversation, Listing.Json };
        watch.SetAction(Watch);

        return new ExampledCommand("turns", "Lists, shows, cancels and follows the turns of a conversation.", """
            r1 turns list 3f2a
            r1 turns get 3f2a 2
            r1 turns watch 3f2a
            """) { list, get, cancel, watch }.WithServer();
    }

    private static async Task<int> List(ParseResult parsed, CancellationToken cancellation)
    {
        using var connection = parsed.Connect();
        var parent = ConversationOf(parsed);
        var all = Listing.Pages<Turn>(parsed.GetValue(Listing.Limit), async (size, token) =>
        {
            var page = await connection.Call(c => c.Turns.ListTurnsAsync(
                new() { Parent = parent, PageSize = size, PageToken = token, LiftMasks = Lifting(parsed) is not null, Purpose = Lifting(parsed) ?? "" }, cancellationToken: cancellation), cancellation);
            return (page.Turns, page.NextPageToken);
        });
        await new Listing(parsed.GetValue(Listing.Json)).Write(
            all,
            ["Turn", "State", "Asked", "Question", "Answer"],
            turn => [Listing.Text(turn.Index), $"{turn.State}", Listing.Text(turn.CreateTime), turn.Input?.Text ?? "", turn.Output]);
        return ExitCode.Done;
    }

    private static async Task<int> Show(ParseResult parsed, Func<Connection, Task<Turn>> call)
    {
        using var connection = parsed.Connect();
        var turn = await call(connection);
        new Listing(parsed.GetValue(Listing.Json)).Write(
            turn,
            ("name", turn.Name),
            ("state", $"{turn.State}"),
            ("request id", turn.RequestId),
            ("question", turn.Input?.Text ?? ""),
            ("notice", turn.Notice),
            ("answer", turn.Output),
            ("by a model", turn.HasAiGenerated ? turn.AiGenerated ? "yes" : "no" : ""),
            ("pieces", Listing.Text(turn.LastSequence)),
            ("asked", Listing.Text(turn.CreateTime)),
            ("first text", Listing.Text(turn.FirstTextTime)),
            ("ended", Listing.Text(turn.EndTime)),
            ("ending", turn.Completed is { } completed ? Ending.Usage(completed) : ""),
            ("failure", turn.Failure is { } failure ? $"{Refusal.Of(failure)}" : ""));
        return ExitCode.Done;
    }

    private static async Task<int> Watch(ParseResult parsed, CancellationToken cancellation)
    {
        using var connection = parsed.Connect();
        var json = parsed.GetValue(Listing.Json);
        var request = new WatchConversationRequest { Conversation = ConversationOf(parsed) };
        var outage = new Outage(TimeProvider.System, TurnReader.Patience);
        while (true)
        {
            Refusal broken;
            try
            {
                using var call = connection.Conversations.WatchConversation(request, cancellationToken: cancellation);
                await foreach (var happened in call.ResponseStream.ReadAllAsync(cancellation))
                {
                    outage.Ended();
                    if (json)
                        Console.WriteLine(Listing.JsonOf(happened));
                    else if (Words(happened.Event) is { } words)
                        Console.WriteLine(Listing.Line([Names.Id(happened.Turn), .. words]));
                }
                return ExitCode.Done;
            }
            catch (RpcException exception)
            {
                cancellation.ThrowIfCancellationRequested();
                broken = Refusal.Of(exception);
            }
            if (!broken.IsTransient)
                throw new RefusedException(broken);
            Console.Error.WriteLine($"r1: the connection is lost, what happens now is missed ('r1 turns list' has it): {broken.Detail}");
            connection.MoveOn();
            await outage.Break(broken, connection, cancellation);
        }
    }

    /// <summary>Kind and text of an event; null where it says nothing to people.</summary>
    private static string[]? Words(TurnEvent happened) => happened.EventCase switch
    {
        TurnEvent.EventOneofCase.Accepted => ["accepted", ""],
        TurnEvent.EventOneofCase.TextDelta => ["text", happened.TextDelta],
        TurnEvent.EventOneofCase.Completed => ["completed", $"{happened.Completed.FinishReason}"],
        TurnEvent.EventOneofCase.Failed => ["failed", Refusal.Of(happened.Failed).Reason],
        _ => null,
    };

    private static string? Lifting(ParseResult parsed) => parsed.GetValue(PurposeOption.Lifting);

    private static string ConversationOf(ParseResult parsed) => Names.Conversation(parsed.TenantName(), parsed.GetRequiredValue(Conversation));

    private static string NameOf(ParseResult parsed) => $"{ConversationOf(parsed)}/turns/{parsed.GetRequiredValue(Number)}";
}
