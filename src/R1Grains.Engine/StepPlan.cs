namespace R1Grains.Engine;

/// <summary>What one step computes: decided by <see cref="Batcher.Plan"/>, carried out by <see cref="StepLoop"/>, then committed or failed.</summary>
internal sealed class StepPlan
{
    /// <summary>When it was decided.</summary>
    public DateTimeOffset Begun { get; set; }

    /// <summary>When it was decided; once it was carried out, when that was done.</summary>
    public DateTimeOffset Now { get; set; }

    /// <summary>Sequences that get one more id, in ascending order of slots.</summary>
    public List<Sequence> Decodes { get; } = [];

    /// <summary>The sequence whose next <see cref="ChunkLength"/> prompt ids are computed.</summary>
    public Sequence? Prefill { get; set; }

    public int ChunkLength { get; set; }

    public bool CompletesPrefill => Prefill!.Computed + ChunkLength == Prefill.PrefillLength;

    public bool IsEmpty => Decodes.Count == 0 && Prefill is null;
}
