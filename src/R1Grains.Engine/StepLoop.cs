namespace R1Grains.Engine;

/// <summary>
/// One step of the device: what <see cref="Batcher.Plan"/> decided is run, sampled and committed. A run that fails ends
/// the sequences in it; all others go on.
/// </summary>
internal sealed class StepLoop(IModelRunner runner, Batcher batcher, KvSlots slots, Sampler sampler, Pace pace, TimeProvider time)
{
    private readonly DecodeRow[] _rows = new DecodeRow[runner.Rows];

    /// <summary>What made the last run fail; null as soon as a run succeeds.</summary>
    public string? Fault { get; private set; }

    public StepPlan Plan() => batcher.Plan(time.GetUtcNow());

    public void Run(StepPlan plan)
    {
        Change();
        if (plan.Decodes.Count > 0) Decode(plan.Decodes);
        if (plan.Prefill is not null) Prefill(plan);
        plan.Now = time.GetUtcNow();
        batcher.Commit(plan);
    }

    private void Change()
    {
        foreach (var change in slots.Changes)
        {
            if (change.IsTruncation)
            {
                runner.Truncate(change.To, change.Length);
                continue;
            }
            var start = time.GetTimestamp();
            runner.Copy(change.From, change.To, change.Length);
            if (change.Length > 0) pace.Copied(change.Length, time.GetElapsedTime(start).TotalSeconds);
        }
        slots.Changes.Clear();
    }

    private void Decode(List<Sequence> sequences)
    {
        for (var i = 0; i < sequences.Count; i++)
            _rows[i] = new DecodeRow(sequences[i].Slot, sequences[i].Computed, sequences[i].Ids(sequences[i].Computed, 1)[0]);
        try
        {
            var start = time.GetTimestamp();
            runner.Decode(_rows.AsSpan(0, sequences.Count));
            pace.Decoded(sequences.Count, time.GetElapsedTime(start).TotalSeconds);
            Fault = null;
        }
        catch (Exception fault)
        {
            Fault = fault.Message;
            foreach (var sequence in sequences) Fail(sequence, fault);
            return;
        }
        foreach (var sequence in sequences) Sample(sequence);
    }

    private void Prefill(StepPlan plan)
    {
        var sequence = plan.Prefill!;
        try
        {
            var start = time.GetTimestamp();
            runner.Prefill(sequence.Slot, sequence.Computed, sequence.Ids(sequence.Computed, plan.ChunkLength));
            pace.Prefilled(plan.ChunkLength, time.GetElapsedTime(start).TotalSeconds);
            Fault = null;
        }
        catch (Exception fault)
        {
            Fault = fault.Message;
            Fail(sequence, fault);
            return;
        }
        if (plan.CompletesPrefill) Sample(sequence);
    }

    private void Sample(Sequence sequence)
    {
        try
        {
            sequence.Sampled = sequence.Forced
                ?? sampler.Sample(runner.Logits(sequence.Slot), sequence.Request.Sampling, sequence.ReplyPosition, sequence.Seen);
        }
        catch (InvalidOperationException fault)
        {
            Fail(sequence, fault);
        }
    }

    private static void Fail(Sequence sequence, Exception fault) => sequence.Finish(FinishReason.Failed, $"The model's run failed: {fault.Message}");
}
