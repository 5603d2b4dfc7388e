using Microsoft.Extensions.Time.Testing;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Retention;

namespace R1Grains.Ledger.Tests;

/// <summary>A record in a folder, whose erasures can be held up between two steps. Time is passed as it is waited for.</summary>
internal sealed class ErasingDesk : IAsyncDisposable
{
    private static readonly RetentionRules Rules = new() { Minimum = Term.None };

    private readonly RecordFolder _folder = new();
    private readonly FakeTimeProvider _time = new(Samples.Start.AddHours(1));
    private TaskCompletionSource _stopped = new(), _goesOn = new();
    private Step? _stopsBefore;
    private int _looks;

    /// <summary>What an erasure asks for once the keys are gone.</summary>
    public enum Step
    {
        Index,
        Certificate,
    }

    public KeyRing Keys { get; private set; } = null!;

    public SqliteRecord Record { get; private set; } = null!;

    public LegalHolds Holds { get; private set; } = null!;

    public Erasures Erasures { get; private set; } = null!;

    public ErasureWork Work { get; private set; } = null!;

    public string Folder => _folder.Path;

    /// <summary>It waits where <see cref="StopBefore"/> says.</summary>
    public Task Stopped => _stopped.Task;

    /// <summary>How often time was waited for.</summary>
    public int Looks => Volatile.Read(ref _looks);

    public async Task OpenAsync()
    {
        Keys = await KeyRing.OpenBesideAsync(_folder.Path);
        Record = await SqliteRecord.OpenAsync(_folder.Path, keys: Keys);
        Holds = new(Record.Registry, _time);
        Erasures = new(Record, Rules, Holds, _time);
        Work = new(Record, Keys, Erasures, _time, (_, _, _) => At(Step.Index), (_, _) => At(Step.Certificate));
    }

    public void StopBefore(Step step) => (_stopsBefore, _stopped, _goesOn) = (step, new(), new());

    public void GoOn()
    {
        _stopsBefore = null;
        _goesOn.SetResult();
    }

    public async Task<Extent> OfCustomerAsync(string customer) => Extent.OfCustomer((await Keys.SubjectsAsync("demo", customer)).Select(subject => subject.Hash));

    public async Task<RequestedErasure> RequestAsync(string customer) =>
        await Erasures.RequestAsync("demo", Erasures.IdOf("steve", customer), await OfCustomerAsync(customer), waits: false, "steve", "request");

    public async Task<Erasure> ApproveAsync(string customer)
    {
        var asked = await RequestAsync(customer);
        return (await Erasures.ApproveAsync("demo", asked.Proposal.Id, asked.Proposal.PayloadHash, "xenia", "checked")).Erasure!;
    }

    public async Task<Erasure?> FindAsync(string id) => (await Erasures.FindAsync("demo", id))?.Erasure;

    /// <summary>As the process that erases does, once.</summary>
    public async Task<int> AdvanceAsync()
    {
        var advancing = Work.AdvanceAsync("demo");
        while (!advancing.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(500));
            Interlocked.Increment(ref _looks);
            await Task.WhenAny(advancing, Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System));
        }
        return await advancing;
    }

    /// <summary>A conversation with a turn, at the beginning of time.</summary>
    public async Task SayAsync(string name, string customer)
    {
        var key = Samples.Key(name);
        await Record.CreateConversationAsync(Samples.Opened(key) with { Customer = customer, Channel = "chat", RequestId = $"open-{name}" });
        await Record.AppendTurn(key, 1, (await Record.TakeOverAsync(key))!.Epoch, 1);
    }

    public async Task<IReadOnlyList<string>> ErasedAsync() =>
        [.. (await Record.ListConversationsAsync("demo", 1_000)).Items.Where(one => one.IsErased).Select(one => one.Key.Conversation).Order(StringComparer.Ordinal)];

    public async ValueTask DisposeAsync()
    {
        await Record.DisposeAsync();
        await Keys.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>What runs is ended before the keys go as well; that is not waited at.</summary>
    private async Task At(Step step)
    {
        if (step != _stopsBefore || !(await Record.Registry.ListAsync("demo", Erasure.Kind, 100)).Select(Erasure.Decode).Any(erasure => erasure.State is ErasureState.Destroying))
            return;
        _stopped.TrySetResult();
        await _goesOn.Task;
    }
}
