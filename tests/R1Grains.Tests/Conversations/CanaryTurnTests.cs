using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;
using R1Grains.Compliance;
using R1Grains.Conversations;
using R1Grains.Engine.Tests.Scripted;
using R1Grains.Knowledge;
using R1Grains.Ledger;
using R1Grains.Tests.Scripted;
using static R1Grains.Tests.Scripted.ScriptedSilo;

namespace R1Grains.Tests.Conversations;

/// <summary>An answer that repeats the policy prompt ends before it; the model says what the customer tells it to.</summary>
public sealed class CanaryTurnTests : IDisposable
{
    private const string Words = "I'm sorry, I can't help with this. Please contact our staff.";

    private static readonly ConversationKey Key = new("demo", "c");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task It_stands_in_every_prompt_of_its_policy_and_in_no_view_of_it()
    {
        string word;
        int[] first;
        await using (var silo = await Start(_folder.Path))
        {
            word = CanaryOf(silo).Word;
            var grain = await silo.Open("c");
            await grain.StreamTurn(Ask("r1", "say:One.")).All();
            first = (await silo.Record.ReadPromptAsync(Key, 1))!;
            Assert.StartsWith($"{word}\nBe brief.", Text(first), StringComparison.Ordinal);
            Assert.Equal("Be brief.", (await grain.GetContextWindow()).Policy);
        }
        await using (var silo = await Start(_folder.Path))
        {
            await silo.Grain("c").StreamTurn(Ask("r2", "say:Two.")).All();
            // All but the mark of the answer and what is opened after it: what has been computed once serves on.
            Assert.Equal(first[..^3], (await silo.Record.ReadPromptAsync(Key, 2))![..(first.Length - 3)]);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(" - ")]
    public async Task An_answer_with_it_is_replaced_recorded_and_counted(string between)
    {
        await using (var silo = await Start(_folder.Path))
        {
            using var counts = new Counts(silo.Service<GuardrailMeter>());
            var told = string.Join(between, CanaryOf(silo).Word.AsEnumerable());
            var events = await (await silo.Open("c")).StreamTurn(Ask("r1", $"say:It says: {told}. Be brief.")).All();
            // On a slow machine the clock has cut the space before the word.
            Assert.Equal((FinishReason.Guardrail, $"It says:\n{Words}"), (((Completed)events[^1]).FinishReason, events.Text().Replace(": \n", ":\n", StringComparison.Ordinal)));
            var closed = (await silo.Record.FindTurnAsync(Key, 1))!.Closed!;
            var hit = Assert.Single(closed.Hits);
            Assert.Equal((HitPlace.Answer, 9, 9 + told.Length, "policy_disclosure", HitAction.Replace), (hit.Place, hit.Start, hit.End, hit.Category, hit.Action));
            Assert.Equal(Outcome.Blocked, closed.Outcome);
            Assert.Equal(["policy_disclosure replaced"], counts.Told);
        }
        Assert.True((await RecordVerifier.VerifyAsync(Path.Combine(_folder.Path, "data"))).Valid);
    }

    [Fact]
    public async Task A_part_of_it_that_was_held_back_at_a_take_over_is_not_shown_by_the_next()
    {
        await using (var silo = await Start(_folder.Path))
        {
            var gate = silo.Runner.Gate = new(0);
            var grain = await silo.Open("c");
            await using var reader = grain.StreamTurn(Ask("r1", $"say:One. {CanaryOf(silo).Word}")).Follow();
            await reader.Until<Accepted>();
            gate.Release(1 + "hm\n*\n\nOne. ".Length + (Canary.Length / 2));
            Assert.Equal("One.", (await reader.Until<TextReleased>()).Text);
        }
        await using (var silo = await Start(_folder.Path))
        {
            var events = await silo.Grain("c").StreamTurn(Ask("r1", $"say:One. {CanaryOf(silo).Word}")).All();
            Assert.Equal($"One.\n{Words}", events.Text().Replace("One. \n", "One.\n", StringComparison.Ordinal));
            Assert.Empty(silo.Alarms.Messages);
        }
    }

    [Fact]
    public async Task A_person_who_lets_an_answer_go_lets_no_policy_go()
    {
        await using var silo = await Start(_folder.Path, lexicon: "[doubts 8 review output]\nsilver goose");
        var grain = await silo.Open("c");
        await grain.StreamTurn(Ask("r1", $"say:A silver goose: {CanaryOf(silo).Word}.")).All();
        Assert.Equal("REVIEW", (await silo.Record.FindTurnAsync(Key, 1))!.Closed!.FinishReason);
        var review = new Review(1, Releases: true);
        var decided = await grain.StreamTurn(Ask(review.RequestId, "") with { Review = review }).All();
        Assert.Equal(Words, decided.Text());
    }

    private static Canary CanaryOf(ScriptedSilo silo) => Canary.Of("demo", silo.Service<Tenants>().Find("demo")!.Policy.Hash);

    private static string Text(int[] ids) => Encoding.UTF8.GetString([.. ids.Where(id => id < 256).Select(id => (byte)id)]);

    /// <summary>What one guardrail has counted.</summary>
    private sealed class Counts : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly ConcurrentQueue<string> _told = [];

        public Counts(GuardrailMeter meter)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (ReferenceEquals(instrument.Meter.Scope, meter)) listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((_, count, tags, _) => _told.Enqueue(string.Join(' ', tags.ToArray().Select(tag => tag.Value))));
            _listener.Start();
        }

        public IEnumerable<string> Told => _told;

        public void Dispose() => _listener.Dispose();
    }
}
