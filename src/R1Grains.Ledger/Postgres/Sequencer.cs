using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Postgres;

/// <summary>Of all processes that write a record, one puts what is committed into the trees; the others stand by to take over.</summary>
internal sealed class Sequencer : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    private readonly Func<Task<SequencerSession>> _open;
    private readonly Action<Exception>? _failed;
    private readonly PeriodicTimer _timer;
    private readonly Task _loop;

    public Sequencer(Database database, AcknowledgedBatches acknowledged, LogIdentity identity, TimeProvider time)
    {
        _failed = identity.Failed;
        _open = () => SequencerSession.OpenAsync(database, acknowledged, identity, time);
        _timer = new PeriodicTimer(Interval, time);
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Publishes what is there before it leaves.</summary>
    public async ValueTask DisposeAsync()
    {
        _timer.Dispose();
        await _loop;
    }

    private async Task RunAsync()
    {
        SequencerSession? session = null;
        Exception? told = null;
        bool goesOn;
        do
        {
            goesOn = await _timer.WaitForNextTickAsync();
            try
            {
                session ??= await _open();
                while (await session.LeadAsync() && await session.RoundAsync(publish: !goesOn))
                {
                }
                told = null;
            }
            catch (Exception failure)
            {
                // Whatever it was: what is committed stays where it is, and the next attempt begins with what is there.
                if (told?.Message != failure.Message)
                    _failed?.Invoke(failure);
                told = failure;
                if (session is not null)
                    await session.DisposeAsync();
                session = null;
            }
        }
        while (goesOn);
        if (session is not null)
            await session.DisposeAsync();
    }
}
