namespace R1Grains.Engine;

/// <summary>
/// Decides what the next step computes and takes in what it brought. It never touches the device, waits for nothing
/// and knows the time only as an argument. First come, first served; nobody is ever preempted, because a row is given
/// only with room for the whole prompt and the longest possible reply.
/// </summary>
internal sealed class Batcher(KvSlots slots, int chunkLength)
{
    /// <summary>
    /// Interior cuts of a prompt lie at multiples of this, so that its rows meet the same kernels in chunks as in one
    /// piece: those for quantised weights take rows two or four at a time and treat odd ones at the end differently.
    /// </summary>
    public const int CutGrid = 8;

    private readonly List<Sequence> _waiting = [];

    // In order of admission.
    private readonly List<Sequence> _running = [];
    private readonly List<int> _freed = [];
    private readonly StepPlan _plan = new();
    private TimeSpan _held;

    // Of the eldest that runs, as of the last plan.
    private TimeSpan _holding;

    public int Running => _running.Count;

    public int Waiting => _waiting.Count;

    /// <summary>Nothing runs, nothing waits, no slot is left to be released.</summary>
    public bool IsIdle => _running.Count + _waiting.Count + _freed.Count == 0;

    public int QueuedTokens => _waiting.Sum(s => s.PrefillLength) + _running.Sum(s => Math.Max(0, s.PrefillLength - s.Computed));

    public int ReservedTokens => slots.Reserved;

    /// <summary>
    /// How long a request holds a row: a moving average over the last dozen, but no less than the eldest of those that
    /// run has held its own, which is all there is to go by until one has ended.
    /// </summary>
    public TimeSpan Held => _held > _holding ? _held : _holding;

    public void Add(Sequence sequence) => _waiting.Add(sequence);

    /// <summary>The plan is the batcher's own and valid until the next call.</summary>
    public StepPlan Plan(DateTimeOffset now)
    {
        _plan.Now = now;
        End(now);
        _plan.Released.Clear();
        _plan.Released.AddRange(_freed);
        _freed.Clear();
        Admit(now);
        _holding = _running.Count == 0 ? TimeSpan.Zero : now - _running[0].AdmittedAt;

        _plan.Decodes.Clear();
        foreach (var sequence in _running)
            if (!sequence.IsPrefilling)
                _plan.Decodes.Add(sequence);
        _plan.Decodes.Sort(static (a, b) => a.Slot.CompareTo(b.Slot));
        _plan.Prefill = _running.Find(s => s.IsPrefilling);
        _plan.ChunkLength = _plan.Prefill is { } next ? Cut(next.PrefillLength - next.Computed) : 0;
        return _plan;
    }

    /// <summary>The step is done: positions advance, sampled ids are emitted, ended sequences leave.</summary>
    public void Commit(StepPlan plan)
    {
        foreach (var sequence in plan.Decodes)
            if (sequence.Completion is null) sequence.CommitDecode();
        if (plan.Prefill is { Completion: null } prefilled) prefilled.CommitPrefill(plan.ChunkLength);
        Leave(plan.Now);
    }

    /// <summary>Ends everything, at the end of the engine.</summary>
    public void FailAll(string error)
    {
        foreach (var sequence in _running.Concat(_waiting).Where(s => s.Completion is null)) sequence.Finish(FinishReason.Failed, error);
        _running.Clear();
        _waiting.Clear();
    }

    /// <summary>
    /// The next chunk of <paramref name="remaining"/> ids. One id alone takes other kernels than a chunk does and gives
    /// other bits, so no chunk is one id long and none leaves one id over.
    /// </summary>
    private int Cut(int remaining) =>
        remaining <= chunkLength ? remaining : remaining - chunkLength == 1 ? chunkLength - CutGrid : chunkLength;

    private void End(DateTimeOffset now)
    {
        foreach (var sequence in _running.Concat(_waiting))
            if (sequence.Completion is not null) continue;
            else if (sequence.IsCancelled) sequence.Finish(FinishReason.Cancelled);
            else if (sequence.Request.Deadline <= now) sequence.Finish(FinishReason.Deadline);
        Leave(now);
    }

    private void Leave(DateTimeOffset now)
    {
        _waiting.RemoveAll(s => s.Completion is not null);
        foreach (var sequence in _running)
        {
            if (sequence.Completion is null) continue;
            slots.Free(sequence.Slot);
            _freed.Add(sequence.Slot);
            var held = now - sequence.AdmittedAt;
            _held = _held == TimeSpan.Zero ? held : _held + (held - _held) / 12;
        }
        _running.RemoveAll(s => s.Completion is not null);
    }

    private void Admit(DateTimeOffset now)
    {
        while (_waiting.Count > 0 && slots.TryTake(_waiting[0].Reserve, out var slot))
        {
            var sequence = _waiting[0];
            (sequence.Slot, sequence.AdmittedAt) = (slot, now);
            _waiting.RemoveAt(0);
            _running.Add(sequence);
        }
        for (var i = 0; i < _waiting.Count; i++) _waiting[i].ReportPosition(i);
    }
}
