using R1Grains.Compliance;
using R1Grains.Inference;
using R1Grains.Knowledge;
using R1Grains.Ledger;

namespace R1Grains.Conversations;

/// <summary>
/// What an activation knows of its conversation: taken over from the record, then kept in step with what the
/// activation appends. The record stays the truth; this is only what the next turn needs of it. Words, of which there is
/// no end, are there while somebody speaks: <see cref="Rest"/> lets go of them, <see cref="Recall"/> reads them again.
/// </summary>
internal sealed class Transcript
{
    // Bounds the memory of an endless conversation; older request ids are looked up in the record.
    private const int TurnsMax = IRecord.PageSizeMax;

    // Null at rest.
    private Words? _words;
    private Task? _recalling;

    public Transcript(TakenOver taken, Tenant? tenant, ContextWindow window)
    {
        (Conversation, Epoch, NextTurn, Tenant, Window) = (taken.Conversation, taken.Epoch, taken.NextTurn, tenant, window);
        _words = new(taken.Turns, window);
    }

    /// <summary>Null where it is not served any more: then nothing begins, and what is open ends.</summary>
    public Tenant? Tenant { get; }

    public ContextWindow Window { get; }

    public Conversation Conversation { get; private set; }

    public ConversationKey Key => Conversation.Key;

    public string Language => Conversation.Opened.LanguageCode;

    public long Epoch { get; }

    public int NextTurn { get; private set; }

    /// <summary>What the device that answered last has computed.</summary>
    public Prefix? Prefix { get; set; }

    /// <summary>Turns that brought an answer, or the beginning of one, oldest first, as the model may see them. Not at rest.</summary>
    public IReadOnlyList<Exchange> Said => _words!.Said;

    /// <summary>False while there are turns whose request ids only the record knows.</summary>
    public bool KnowsEveryRequest => (_words?.Requests.Count ?? 0) == NextTurn - 1;

    public (int Turn, Digest Payload)? FindRequest(string requestId) => _words?.Requests.TryGetValue(requestId, out var found) == true ? found : null;

    /// <summary>Only while no turn runs or waits.</summary>
    public void Rest() => _words = null;

    /// <summary>Ends a rest.</summary>
    /// <exception cref="RefusedException">The record cannot be read.</exception>
    public async Task Recall(IRecord record)
    {
        if (_words is not null) return;
        try
        {
            await (_recalling ??= Read());
        }
        finally
        {
            _recalling = null;
        }

        async Task Read()
        {
            var turns = await RecordFaults.Translate(record.ListTurnsAsync(Key, TurnsMax, after: Math.Max(0, Conversation.TurnCount - TurnsMax)));
            // Whoever took over since may have gone on; what this activation writes is refused then.
            _words ??= new(turns.Items.TakeWhile(turn => turn.Opened.Turn < NextTurn), Window);
        }
    }

    public void Opened(TurnOpened opened)
    {
        var requests = _words!.Requests;
        if (requests.Count == TurnsMax) requests.Clear();
        requests.Add(opened.RequestId, (opened.Turn, opened.PayloadHash));
        NextTurn++;
        Conversation = Conversation with { LastActivity = opened.Time, TurnCount = opened.Turn, TurnIsOpen = true };
    }

    public void Closed(TurnOpened opened, TurnClosed closed)
    {
        if (IsSaid(opened, closed))
        {
            var said = _words!.Said;
            if (said.Count == TurnsMax) said.RemoveRange(0, TurnsMax / 2);
            said.Add(AsSaid(Window, opened, closed));
        }
        Conversation = Conversation with { LastActivity = closed.Time, TurnIsOpen = false };
    }

    public void Completed(ConversationCompleted completed) =>
        Conversation = Conversation with { LastActivity = completed.Time, Completed = completed };

    /// <summary>An input that was kept from the model is kept from it later, too. Of what waits for a person its release is said, and nothing else.</summary>
    private static bool IsSaid(TurnOpened opened, TurnClosed? closed) =>
        closed is { Answer.Length: > 0 } && !Guardrail.Blocks(opened.Hits) && !Views.IsHeld(closed) && Review.Of(opened.RequestId) is not { Releases: false };

    private static Exchange AsSaid(ContextWindow window, TurnOpened opened, TurnClosed closed) =>
        window.Said(opened.Turn, Guardrail.ForModel(opened), closed.Answer);

    private sealed class Words(IEnumerable<TurnRecord> turns, ContextWindow window)
    {
        public Dictionary<string, (int Turn, Digest Payload)> Requests { get; } = turns.ToDictionary(turn => turn.Opened.RequestId, turn => (turn.Opened.Turn, turn.Opened.PayloadHash));

        public List<Exchange> Said { get; } = [.. turns.Where(turn => IsSaid(turn.Opened, turn.Closed)).Select(turn => AsSaid(window, turn.Opened, turn.Closed!))];
    }
}
