namespace R1Grains.Engine;

/// <summary>What one step computes: decided by <see cref="Batcher.Plan"/>, carried out by the engine, then committed or failed.</summary>
internal sealed class StepPlan
{
    public DateTimeOffset Now { get; set; }

    /// <summary>Sequences that get one more id, in ascending order of slots.</summary>
    public List<Sequence> Decodes { get; } = [];

    /// <summary>The sequence whose next <see cref="ChunkLength"/> prompt ids are computed.</summary>
    public Sequence? Prefill { get; set; }

    public int ChunkLength { get; set; }

    /// <summary>Slots whose content nobody needs any more; released before anything is run.</summary>
    public List<int> Released { get; } = [];

    public bool CompletesPrefill => Prefill!.Computed + ChunkLength == Prefill.PrefillLength;
}
