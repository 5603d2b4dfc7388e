using CsCheck;
using R1Grains.Engine.Tests.Scripted;

namespace R1Grains.Engine.Tests;

/// <summary>
/// Random lives of a batcher, step by step and without threads: requests come, are cancelled, run out of time, fail.
/// The checks stand outside of the code: they look at plans and at what was emitted.
/// </summary>
public sealed class BatcherSimulation
{
    private static readonly Model Model = ScriptedModel.Create(contextLength: 256);
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Whatever_happens_the_rules_of_the_house_hold() => Gen.Int[1, int.MaxValue].Sample(Simulate, iter: 300);

    private static void Simulate(int seed)
    {
        var random = new Random(seed);
        var (rows, capacity) = (random.Next(1, 5), random.Next(256, 700));
        var slots = new KvSlots(rows, capacity);
        var batcher = new Batcher(slots, chunkLength: 16);
        var (all, held) = (new List<Sequence>(), new Dictionary<int, Sequence>());
        var admitted = new List<Sequence>();

        for (var step = 0; step < 150 || !batcher.IsIdle; step++)
        {
            Assert.True(step < 20_000, "It never comes to rest.");
            var now = Start.AddSeconds(step);
            if (step < 150 && random.Next(3) == 0) Arrive(now);
            if (all.Count > 0 && random.Next(10) == 0) all[random.Next(all.Count)].Cancel();

            var plan = batcher.Plan(now);
            foreach (var slot in plan.Released)
                if (held.Remove(slot, out var left))
                    Assert.NotNull(left.Completion);
            foreach (var sequence in plan.Decodes.Append(plan.Prefill).OfType<Sequence>())
            {
                Assert.Null(sequence.Completion);
                if (held.TryAdd(sequence.Slot, sequence)) admitted.Add(sequence);
                Assert.Same(sequence, held[sequence.Slot]);
                Assert.True(sequence.Computed < sequence.Length);
            }
            Assert.Equal(plan.Decodes.Select(s => s.Slot).Order().Distinct(), plan.Decodes.Select(s => s.Slot));
            Assert.InRange(slots.Reserved, 0, capacity);
            Assert.InRange(held.Count, 0, rows);
            if (plan.Prefill is { } next) Assert.True(next.IsPrefilling && plan.ChunkLength is >= 2 and <= 16 && next.Computed % 8 == 0);

            foreach (var sequence in plan.Decodes.Append(plan.CompletesPrefillOf()).OfType<Sequence>())
                if (random.Next(40) == 0) sequence.Finish(FinishReason.Failed, "simulated");
                else sequence.Sampled = random.Next(12) == 0 ? ScriptedModel.End : 'x';
            batcher.Commit(plan);
        }

        Assert.Equal(0, slots.Reserved);
        Assert.Equal(admitted, admitted.OrderBy(all.IndexOf)); // First come, first served.
        foreach (var sequence in all) CheckEmissions(sequence);

        void Arrive(DateTimeOffset now)
        {
            var sequence = new Sequence(Model, new GenerationRequest
            {
                Id = $"{all.Count}",
                Prompt = [.. Enumerable.Repeat((int)'p', random.Next(2, 120))],
                Sampling = new SamplingOptions { MaxTokens = random.Next(1, 60) },
                Deadline = random.Next(4) == 0 ? now.AddSeconds(random.Next(1, 80)) : null,
            }, places: 1000, numerics: "");
            all.Add(sequence);
            batcher.Add(sequence);
        }
    }

    private static void CheckEmissions(Sequence sequence)
    {
        var emissions = new List<Emission>();
        while (sequence.Emissions.TryRead(out var emission)) emissions.Add(emission);
        Assert.Same(sequence.Completion, emissions[^1].Completion);
        Assert.Equal(1, emissions.Count(e => e.Kind == EmissionKind.Finished));
        Assert.Equal(emissions.Select(e => e.Kind).Order(), emissions.Select(e => e.Kind)); // Admitted, queued, prefilling, tokens, end.
        Assert.Equal(sequence.Completion!.Usage.ReasoningTokens + sequence.Completion.Usage.AnswerTokens, emissions.Count(e => e.Kind == EmissionKind.Token));
    }
}

file static class Plans
{
    public static Sequence? CompletesPrefillOf(this StepPlan plan) => plan.Prefill is not null && plan.CompletesPrefill ? plan.Prefill : null;
}
