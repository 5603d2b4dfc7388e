namespace R1Grains.Conversations;

/// <summary>
/// One turn runs, a few wait. Streaming grain methods interleave in Orleans, so this, not the scheduler, keeps turns
/// one after the other.
/// </summary>
/// <param name="live">Counts them.</param>
/// <param name="ended">Told after each turn.</param>
/// <param name="broken">Told when a turn threw: its record is lost to this activation.</param>
internal sealed class TurnQueue(LiveTurns live, Action ended, Action<Exception> broken)
{
    public const int WaitingMax = 8;

    /// <summary>Superseded turns leave one by one, so they count for a while.</summary>
    private const int PlacesMax = 2 * (WaitingMax + 1);

    // The first one runs.
    private readonly List<RunningTurn> _turns = [];

    /// <summary>Completes when nothing runs any more.</summary>
    public Task Drained { get; private set; } = Task.CompletedTask;

    /// <summary>Whether a turn runs or waits.</summary>
    public bool IsBusy => _turns.Exists(turn => !turn.IsEnded);

    /// <summary>Whether no more can wait in order.</summary>
    public bool IsFull => _turns.Count(turn => !turn.IsEnded && !turn.IsCancelled) > WaitingMax;

    public bool IsOverrun => _turns.Count >= PlacesMax;

    public RunningTurn? Running => _turns.Find(turn => !turn.IsEnded);

    /// <summary>Turns that will take a number before one that is added now.</summary>
    public int Unopened => _turns.Count(turn => !turn.IsEnded && turn.Index is null);

    public RunningTurn? Find(string requestId) => _turns.Find(turn => turn.RequestId == requestId);

    public RunningTurn? Find(int index) => _turns.Find(turn => turn.Index == index && !turn.IsEnded);

    public void Add(RunningTurn turn)
    {
        _turns.Add(turn);
        live.Began();
        if (_turns.Count == 1) Drained = Run();
    }

    public void CancelAll(string caller)
    {
        foreach (var turn in LastFirst()) turn.Cancel(caller);
    }

    public void AbandonAll(Refusal why)
    {
        foreach (var turn in LastFirst()) turn.Abandon(why);
    }

    /// <summary>A copy, because a turn that is told to stop may end, and leave, within the call; then the next must know already.</summary>
    private RunningTurn[] LastFirst() => [.. _turns.AsEnumerable().Reverse()];

    private async Task Run()
    {
        while (_turns.Count > 0)
        {
            using var scope = _turns[0].Scope();
            try
            {
                await _turns[0].Run();
            }
            catch (OperationCanceledException) when (_turns[0].IsEnded)
            {
                // Abandoned.
            }
            catch (Exception exception)
            {
                broken(exception);
            }
            _turns.RemoveAt(0);
            live.Ended();
            ended();
        }
    }
}
