using R1Grains.Conversations;
using R1Grains.Ledger;
using R1Grains.Tests.Scripted;
using static R1Grains.Tests.Scripted.ScriptedSilo;

namespace R1Grains.Tests.Conversations;

/// <summary>Conversations in which nobody has spoken for a while.</summary>
public sealed class RestTests : IAsyncLifetime
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(47);

    private readonly TemporaryFolder _folder = new();
    private readonly RecordedReads _reads = new();
    private readonly RestingTime _time = new(Soon);
    private ScriptedSilo _silo = null!;

    public async Task InitializeAsync()
    {
        var record = await SqliteRecord.OpenAsync(Path.Combine(_folder.Path, "data"));
        _silo = await Start(_folder.Path, _time, record: _reads.Of(record), registry: record.Registry, restAfter: Soon);
    }

    public async Task DisposeAsync()
    {
        await _silo.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task What_was_said_is_let_go_of_and_read_again()
    {
        var grain = await _silo.Open("c");
        await grain.StreamTurn(Ask("r1", "say:First.")).All();
        await grain.StreamTurn(Ask("r2", "say:Second.")).All();
        await _time.Rested();
        var reads = _reads.Lists;
        var window = await grain.GetContextWindow();
        Assert.Equal(reads + 1, _reads.Lists);
        Assert.Equal([(1, "say:First.", "First."), (2, "say:Second.", "Second.")], window.Turns.Select(turn => (turn.Turn, turn.Input, turn.Answer)));
        Assert.Equal(2, window.Report.TurnsKept);
    }

    [Fact]
    public async Task A_turn_after_a_rest_remembers_and_is_the_next_one()
    {
        var grain = await _silo.Open("c");
        await grain.StreamTurn(Ask("r1", "say:First.")).All();
        await _time.Rested();
        var reads = _reads.Lists;
        var events = await grain.StreamTurn(Ask("r2", "say:Second.")).All();
        Assert.Equal(reads + 1, _reads.Lists);
        Assert.Equal((2, "Second."), (Assert.IsType<Accepted>(events[0]).Turn, events.Text()));
        var prompt = _silo.Service<R1Grains.Engine.Model>().Tokenizer.Decode((await _silo.Record.ReadPromptAsync(new("demo", "c"), 2))!, showSpecials: true);
        Assert.Contains("First.", prompt);
        Assert.Equal(1, (await _silo.Record.TakeOverAsync(new("demo", "c")))!.Epoch - 1);
    }

    [Fact]
    public async Task A_request_from_before_a_rest_is_replayed_and_its_id_is_not_given_away()
    {
        var grain = await _silo.Open("c");
        await grain.StreamTurn(Ask("r1", "say:First.")).All();
        await _time.Rested();
        Assert.Equal("First.", (await grain.StreamTurn(Ask("r1", "say:First.")).All()).Text());
        await _time.Rested();
        Assert.Equal(Reason.RequestIdReused, (await grain.StreamTurn(Ask("r1", "say:Other.")).Refused()).Refusal.Reason);
        await _time.Rested();
        Assert.Equal(Reason.RequestIdReused, (await Assert.ThrowsAsync<RefusedException>(() => grain.Complete("r1", "anna"))).Refusal.Reason);
        Assert.Equal(1, (await grain.Get()).TurnCount);
    }

    [Fact]
    public async Task Whoever_watches_through_a_rest_misses_nothing_of_what_was_before_it()
    {
        var grain = await _silo.Open("c");
        await grain.StreamTurn(Ask("r1", "say:First.")).All();
        await using var watch = grain.Watch().GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync().AsTask().WaitAsync(Patience));
        await grain.StreamTurn(Ask("r2", "say:Second.")).All();
        await _time.Rested();
        await grain.StreamTurn(Ask("r3", "say:Third.")).All();
        var text = "";
        while (!text.Contains("Third.", StringComparison.Ordinal) && await watch.MoveNextAsync().AsTask().WaitAsync(Patience)) text += (watch.Current.Event as TextReleased)?.Text;
        Assert.Equal("Second.Third.", text);
    }
}
