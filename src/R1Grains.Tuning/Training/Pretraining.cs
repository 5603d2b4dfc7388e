using R1Grains.Tuning.Qwen2;

namespace R1Grains.Tuning.Training;

/// <summary>How long a run goes on: whichever of the two bounds is reached first.</summary>
public sealed record Budget(double MinutesMax, long StepsMax)
{
    /// <summary>Spent fraction, 1 when the run is over.</summary>
    public double Progress(RunState state) => Math.Max(state.ElapsedSeconds / (60 * MinutesMax), (double)state.Step / StepsMax);
}

/// <summary>What one step was like.</summary>
public sealed record StepReport(RunState State, double Progress, double Loss, double Rate);

/// <summary>Training from the newest checkpoint of a run folder, or from the start, to the end of the budget.</summary>
/// <param name="validation">Called between steps every <paramref name="validationEvery"/>; its time does not count.</param>
public sealed class Pretraining(
    Qwen2Model model, IReadOnlyList<Sample> samples, Schedule schedule, Budget budget, string runFolder,
    int tokensPerStep, int seed, TimeSpan checkpointEvery, TimeSpan validationEvery, TimeProvider time)
{
    public Optimizer Optimizer { get; } = new(model.Weights());

    /// <summary>Runs to the end of the budget and leaves a checkpoint there.</summary>
    /// <param name="from">A checkpoint folder whose weights are already in the model, or null.</param>
    public RunState Run(string? from, Action<StepReport> report, Action<Trainer, RunState> validation, CancellationToken cancellation)
    {
        var state = from is null ? RunState.Start : RunState.Restore(from, Optimizer);
        var trainer = new Trainer(model, Optimizer);
        var plan = new BatchPlan(samples, tokensPerStep, seed);
        var batches = plan.Epoch(state.Epoch);
        long saved = time.GetTimestamp(), validated = saved;
        while (budget.Progress(state) is < 1 and var progress && !cancellation.IsCancellationRequested)
        {
            var started = time.GetTimestamp();
            var batch = batches[state.Batch];
            var rate = schedule.Rate(progress);
            var loss = trainer.Step([.. batch.Select(i => samples[i])], rate);
            if (!double.IsFinite(loss))
                throw new InvalidOperationException($"The loss became {loss} at step {state.Step}; resume from {RunState.Newest(runFolder) ?? "the start"} with a lower --rate.");
            state = state with
            {
                Step = state.Step + 1,
                Batch = state.Batch + 1,
                Tokens = state.Tokens + batch.Sum(i => samples[i].Ids.Length),
                ElapsedSeconds = state.ElapsedSeconds + time.GetElapsedTime(started).TotalSeconds,
            };
            if (state.Batch == batches.Count)
            {
                state = state with { Epoch = state.Epoch + 1, Batch = 0 };
                batches = plan.Epoch(state.Epoch);
            }
            report(new StepReport(state, progress, loss, rate));
            if (time.GetElapsedTime(validated) >= validationEvery)
            {
                validation(trainer, state);
                validated = time.GetTimestamp();
            }
            if (time.GetElapsedTime(saved) >= checkpointEvery)
            {
                state.Save(runFolder, model, Optimizer);
                saved = time.GetTimestamp();
            }
        }
        validation(trainer, state);
        state.Save(runFolder, model, Optimizer);
        return state;
    }
}
