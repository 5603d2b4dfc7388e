using R1Grains.Inference;
using R1Grains.Knowledge;
using R1Grains.Ledger;

namespace R1Grains.Conversations;

/// <summary>
/// What an activation knows of its conversation: taken over from the record, then kept in step with what the
/// activation appends. The record stays the truth; this is only what the next turn needs of it.
/// </summary>
internal sealed class Transcript
{
    // Bounds the memory of an endless conversation; older request ids are looked up in the record.
    private const int TurnsMax = IRecord.PageSizeMax;

    private readonly Dictionary<string, (int Turn, Digest Payload)> _requests;
    private readonly List<Exchange> _said;

    public Transcript(TakenOver taken, Tenant? tenant, ContextWindow window)
    {
        (Conversation, Epoch, NextTurn, Tenant, Window) = (taken.Conversation, taken.Epoch, taken.NextTurn, tenant, window);
        _requests = taken.Turns.ToDictionary(turn => turn.Opened.RequestId, turn => (turn.Opened.Turn, turn.Opened.PayloadHash));
        _said = [.. taken.Turns.Where(turn => turn.Closed is { Answer.Length: > 0 }).Select(turn => window.Said(turn.Opened.Turn, turn.Opened.Input, turn.Closed!.Answer))];
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

    /// <summary>Turns that brought an answer, or the beginning of one, oldest first.</summary>
    public IReadOnlyList<Exchange> Said => _said;

    /// <summary>False while there are turns whose request ids only the record knows.</summary>
    public bool KnowsEveryRequest => _requests.Count == NextTurn - 1;

    public (int Turn, Digest Payload)? FindRequest(string requestId) => _requests.TryGetValue(requestId, out var found) ? found : null;

    public void Opened(TurnOpened opened)
    {
        if (_requests.Count == TurnsMax) _requests.Clear();
        _requests.Add(opened.RequestId, (opened.Turn, opened.PayloadHash));
        NextTurn++;
        Conversation = Conversation with { LastActivity = opened.Time, TurnCount = opened.Turn, TurnIsOpen = true };
    }

    public void Closed(TurnOpened opened, TurnClosed closed)
    {
        if (closed.Answer.Length > 0)
        {
            if (_said.Count == TurnsMax) _said.RemoveRange(0, TurnsMax / 2);
            _said.Add(Window.Said(opened.Turn, opened.Input, closed.Answer));
        }
        Conversation = Conversation with { LastActivity = closed.Time, TurnIsOpen = false };
    }

    public void Completed(ConversationCompleted completed) =>
        Conversation = Conversation with { LastActivity = completed.Time, Completed = completed };
}
