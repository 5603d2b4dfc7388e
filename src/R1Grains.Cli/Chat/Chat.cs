using R1Grains.V1;

namespace R1Grains.Cli;

/// <summary>One conversation as its user meets it: asks, cancels, and finds what was left unfinished.</summary>
/// <param name="wanted">What a new conversation is opened with.</param>
internal sealed class Chat(Connection connection, string tenant, Conversation wanted, SeenTurns seen)
{
    /// <summary>Told about every break of a turn's stream, before the next attempt.</summary>
    public Action<Refusal>? Broken { get; set; }

    /// <summary>Its full name.</summary>
    public string Name { get; private set; } = "";

    public string Addresses => connection.Addresses;

    public string Tenant => tenant;

    /// <summary>Goes on with a conversation, or opens it.</summary>
    /// <param name="typed">An id or full name; null for a new one with an id of the server's choice.</param>
    public async Task Open(string? typed, CancellationToken cancellation)
    {
        if (typed is null)
        {
            await Create("", cancellation);
            return;
        }
        var name = Names.Conversation(tenant, typed);
        try
        {
            Name = (await connection.Call(c => c.Conversations.GetConversationAsync(new() { Name = name }, cancellationToken: cancellation), cancellation)).Name;
        }
        catch (RefusedException refused) when (refused.Refusal.Reason == "CONVERSATION_NOT_FOUND" && !typed.Contains('/'))
        {
            await Create(typed, cancellation);
        }
    }

    public IAsyncEnumerable<TurnEvent> Ask(string text, CancellationToken cancellation)
    {
        var request = new StreamTurnRequest { Conversation = Name, RequestId = NewRequestId(), Input = new() { Text = text } };
        return seen.Track(Name, new(request.RequestId), Reader.Ask(request, cancellation));
    }

    /// <summary>The events of a turn after those that were shown.</summary>
    public IAsyncEnumerable<TurnEvent> Resume(SeenTurn turn, CancellationToken cancellation) =>
        seen.Track(Name, turn, Reader.Resume(turn.Turn, turn.Sequence, cancellation));

    /// <summary>The turn that was begun here and not shown to its end; null if there is none.</summary>
    public async Task<(SeenTurn Seen, Turn Turn)?> FindUnfinished(CancellationToken cancellation)
    {
        if (seen.Find(Name) is not { } mark)
            return null;
        var turn = mark.Turn is not "" ? await Get(mark.Turn, cancellation) : await Last(cancellation);
        if (turn?.RequestId == mark.RequestId)
            return (mark with { Turn = turn.Name }, turn);
        // It was never accepted, or this is another conversation of that name.
        seen.Forget(Name);
        return null;
    }

    /// <summary>The turn that somebody's question keeps open now; null if there is none.</summary>
    public async Task<(SeenTurn Seen, Turn Turn)?> FindOpen(CancellationToken cancellation) =>
        await Last(cancellation) is { State: Turn.Types.State.Queued or Turn.Types.State.Running } turn
            ? (new(turn.RequestId, turn.Name), turn)
            : null;

    public Task<Turn> Cancel(string turn, CancellationToken cancellation)
    {
        var request = new CancelTurnRequest { Name = turn, RequestId = NewRequestId() };
        return connection.Call(c => c.Turns.CancelTurnAsync(request, cancellationToken: cancellation), cancellation);
    }

    public Task<ContextWindow> ContextWindow(CancellationToken cancellation) =>
        connection.Call(c => c.Conversations.GetContextWindowAsync(new() { Conversation = Name }, cancellationToken: cancellation), cancellation);

    private static string NewRequestId() => Guid.NewGuid().ToString();

    private TurnReader Reader => new(connection, TimeProvider.System) { Broken = Broken };

    private async Task Create(string id, CancellationToken cancellation)
    {
        var request = new CreateConversationRequest { Parent = $"tenants/{tenant}", ConversationId = id, RequestId = NewRequestId(), Conversation = wanted };
        Name = (await connection.Call(c => c.Conversations.CreateConversationAsync(request, cancellationToken: cancellation), cancellation)).Name;
    }

    private async Task<Turn?> Last(CancellationToken cancellation)
    {
        var conversation = await connection.Call(c => c.Conversations.GetConversationAsync(new() { Name = Name }, cancellationToken: cancellation), cancellation);
        return conversation.TurnCount == 0 ? null : await Get($"{Name}/turns/{conversation.TurnCount}", cancellation);
    }

    private async Task<Turn?> Get(string name, CancellationToken cancellation)
    {
        try
        {
            return await connection.Call(c => c.Turns.GetTurnAsync(new() { Name = name }, cancellationToken: cancellation), cancellation);
        }
        catch (RefusedException refused) when (refused.Refusal.Reason == "TURN_NOT_FOUND")
        {
            return null;
        }
    }
}
