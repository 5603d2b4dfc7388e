using R1Grains.Ledger;

namespace R1Grains.LoadTests.Checks;

/// <summary>Where the checker reads what was recorded.</summary>
internal interface IRecordedTurns
{
    /// <summary>All turns of a conversation, in order; none where there is no such conversation.</summary>
    /// <param name="conversation">tenants/{tenant}/conversations/{conversation}</param>
    Task<IReadOnlyList<RecordedTurn>> Of(string conversation, CancellationToken cancellation);
}

/// <summary>The record itself, without any server in between.</summary>
internal sealed class RecordOnDisk(IRecord record) : IRecordedTurns
{
    public async Task<IReadOnlyList<RecordedTurn>> Of(string conversation, CancellationToken cancellation)
    {
        var turns = new List<RecordedTurn>();
        var name = conversation.Split('/');
        var key = new ConversationKey(name[1], name[3]);
        for (long? after = null; ;)
        {
            var page = await record.ListTurnsAsync(key, IRecord.PageSizeMax, after, cancellation);
            turns.AddRange(page.Items.Select(turn => Of(conversation, turn)));
            if (page.Next is null) return turns;
            after = page.Next;
        }
    }

    private static RecordedTurn Of(string conversation, TurnRecord turn) => new(
        conversation,
        turn.Opened.Turn,
        turn.Opened.RequestId,
        [.. turn.Pieces.Select(piece => piece.Text)],
        turn.Closed?.Outcome switch
        {
            null => RecordedEnd.Open,
            Outcome.Completed => RecordedEnd.Completed,
            Outcome.Cancelled => RecordedEnd.Cancelled,
            Outcome.Blocked => RecordedEnd.Blocked,
            Outcome.Interrupted => RecordedEnd.Interrupted,
            _ => RecordedEnd.Failed,
        },
        turn.Opened.Time,
        turn.Opened.Deadline,
        turn.Pieces.Count > 0 ? turn.Pieces[0].Time : null,
        turn.Closed?.Time,
        turn.Closed?.ResumePoints.Count);
}
