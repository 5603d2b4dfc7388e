namespace R1Grains.Engine;

/// <summary>
/// Decides what the next step computes and takes in what it brought. It never touches the device, waits for nothing and
/// knows the time only as an argument. Nobody is ever preempted, because a slot is given only with room for the whole
/// prompt and the longest possible reply; who makes room for a more urgent request is put aside whole and goes on later
/// where it stood.
/// </summary>
internal sealed class Batcher(KvSlots slots, Pace pace, IModelRunner runner)
{
    /// <summary>A batch request gives way to interactive ones that come within so long after it, and to no later ones.</summary>
    public static readonly TimeSpan BatchPatience = TimeSpan.FromSeconds(10);

    /// <summary>A reply that was begun elsewhere passes those that came so long before it and are not begun: somebody has half of it and waits.</summary>
    public static readonly TimeSpan BegunLead = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Of the time of steps without prefill: so much longer may chunks make them. The steps themselves take a little longer
    /// too, because a chunk drives the weights out of the cache; together a token takes no more than half as long again.
    /// </summary>
    private const double PrefillShare = 0.35;

    /// <summary>For each such time that prompts behind the one that is computed will take, it gets its share once more.</summary>
    private const double BacklogSeconds = 0.01;

    /// <summary>However many wait, others pause no longer than this from token to token.</summary>
    private const double PauseSeconds = 0.05;

    /// <summary>Attention takes ids of a chunk in blocks of a multiple of this; how many depends on head size and cache.</summary>
    public const int BlockUnit = 16;

    /// <summary>Longer chunks leave the cache: 512 ids at once took a tenth longer than twice 256.</summary>
    private const int LongestChunk = 256;

    /// <summary>Shorter ones cost hardly less: on a prompt of 6,000 ids, 8 took as long as 25 do in long chunks.</summary>
    private const int ShortChunk = 32;

    /// <summary>What is taken where a short one would be a pause that is noticed.</summary>
    private const int ShortestChunk = 8;

    // By Due, the most urgent first.
    private readonly List<Sequence> _waiting = [];
    private readonly List<Sequence> _paused = [];

    // In order of admission.
    private readonly List<Sequence> _running = [];
    private readonly StepPlan _plan = new();
    private TimeSpan _held;

    // Of the eldest that runs, as of the last plan.
    private TimeSpan _holding;

    // Seconds spent on rows that nobody needed, since the last one was closed.
    private double _wasted;

    // Seconds that prefill may take, earned by the steps of those who generate.
    private double _credit;

    public int Running => _running.Count;

    /// <summary>Waiting for a slot, or put aside.</summary>
    public int Waiting => _waiting.Count + _paused.Count;

    public int Paused => _paused.Count;

    /// <summary>Nothing runs, nothing waits.</summary>
    public bool IsIdle => _running.Count + _waiting.Count + _paused.Count == 0;

    /// <summary>Requests that can hold a slot at once: all rows, or fewer while keys and values have no room for the next.</summary>
    public int Places => _waiting.Count == 0 || slots.HasRoom(_waiting[0]) ? runner.Rows : Math.Max(1, _running.Count + _paused.Count);

    /// <summary>Prompt ids still to be computed.</summary>
    public int QueuedTokens { get; private set; }

    /// <summary>
    /// How long a request holds a row: a moving average over the last dozen, but no less than the eldest of those that
    /// run has held its own, which is all there is to go by until one has ended.
    /// </summary>
    public TimeSpan Held => _held > _holding ? _held : _holding;

    /// <summary>Who has left and was not measured yet.</summary>
    public List<Sequence> Ended { get; } = [];

    /// <summary>
    /// A request is due when it comes, later by as long as its prompt takes, and by <see cref="BatchPatience"/> if nobody
    /// waits for it: short prompts pass a long one, but for no longer than that one takes itself. One that goes on with a
    /// reply is due sooner, by <see cref="BegunLead"/>.
    /// </summary>
    public void Add(Sequence sequence)
    {
        var patience = sequence.Request.Priority == Priority.Batch ? BatchPatience : sequence.Request.Recorded.Length > 0 ? -BegunLead : TimeSpan.Zero;
        sequence.Due = sequence.ArrivedAt + patience + TimeSpan.FromSeconds(pace.Prefill(sequence.PrefillLength));
        QueuedTokens += sequence.PrefillLength;
        Enqueue(_waiting, sequence);
    }

    /// <summary>The plan is the batcher's own and valid until the next call.</summary>
    public StepPlan Plan(DateTimeOffset now)
    {
        _plan.Begun = _plan.Now = now;
        End(now);
        while (Schedule(now)) ;
        for (var i = 0; i < _waiting.Count; i++) _waiting[i].ReportPosition(i);
        _holding = TimeSpan.Zero;
        foreach (var sequence in _running)
            if (!sequence.WasPaused && now - sequence.AdmittedAt > _holding) _holding = now - sequence.AdmittedAt;
        CloseHole();

        _plan.Decodes.Clear();
        _plan.Prefill = null;
        foreach (var sequence in _running)
            if (!sequence.IsPrefilling) _plan.Decodes.Add(sequence);
            else if (_plan.Prefill is null || sequence.Due < _plan.Prefill.Due) _plan.Prefill = sequence;
        _plan.Decodes.Sort(static (a, b) => a.Slot.CompareTo(b.Slot));
        _plan.ChunkLength = _plan.Prefill is { } next ? Chunk(next.PrefillLength - next.Computed) : 0;
        if (_plan.ChunkLength == 0) _plan.Prefill = null;
        return _plan;
    }

    /// <summary>The step is done: positions advance, sampled ids are emitted, ended sequences leave.</summary>
    public void Commit(StepPlan plan)
    {
        foreach (var sequence in plan.Decodes)
            if (sequence.Completion is null) sequence.CommitDecode();
        if (plan.Prefill is { Completion: null } prefilled)
        {
            QueuedTokens -= plan.ChunkLength;
            prefilled.CommitPrefill(plan.ChunkLength, plan.Now);
            if (!prefilled.IsPrefilling) slots.Prefilled(prefilled);
        }
        Leave(plan.Now);
    }

    /// <summary>Ends everything, at the end of the engine.</summary>
    public void FailAll(string error, DateTimeOffset now)
    {
        foreach (var sequence in _running.Concat(_waiting).Concat(_paused))
        {
            if (sequence.Completion is null) sequence.Finish(FinishReason.Failed, error);
            sequence.EndedAt = now;
            Ended.Add(sequence);
        }
        _running.Clear();
        _waiting.Clear();
        _paused.Clear();
    }

    private static void Enqueue(List<Sequence> queue, Sequence sequence)
    {
        var at = queue.Count;
        while (at > 0 && queue[at - 1].Due > sequence.Due) at--;
        queue.Insert(at, sequence);
    }

    private void End(DateTimeOffset now)
    {
        End(_running, now);
        End(_waiting, now);
        End(_paused, now);
        Leave(now);
    }

    private static void End(List<Sequence> sequences, DateTimeOffset now)
    {
        foreach (var sequence in sequences)
            if (sequence.Completion is not null) continue;
            else if (sequence.IsCancelled) sequence.Finish(FinishReason.Cancelled);
            else if (sequence.Request.Deadline <= now) sequence.Finish(FinishReason.Deadline);
    }

    private void Leave(DateTimeOffset now)
    {
        Leave(_running, now);
        Leave(_waiting, now);
        Leave(_paused, now);
    }

    private void Leave(List<Sequence> sequences, DateTimeOffset now)
    {
        var left = 0;
        for (var i = 0; i < sequences.Count; i++)
        {
            var sequence = sequences[i];
            if (sequence.Completion is null)
            {
                sequences[left++] = sequence;
                continue;
            }
            sequence.EndedAt = now;
            Ended.Add(sequence);
            QueuedTokens -= Math.Max(0, sequence.PrefillLength - sequence.Computed);
            if (sequence.Slot < 0) continue;
            slots.Leave(sequence);
            if (sequence.WasPaused) continue;
            var held = now - sequence.AdmittedAt;
            _held = _held == TimeSpan.Zero ? held : _held + (held - _held) / 12;
        }
        sequences.RemoveRange(left, sequences.Count - left);
    }

    /// <summary>
    /// Lets the most urgent of those without a row have one, at the cost of a less urgent batch request if need be; false
    /// when nobody's turn has come. A prompt is let in when it is next to be computed and no sooner, so that it finds
    /// what was computed until then.
    /// </summary>
    private bool Schedule(DateTimeOffset now)
    {
        if (_waiting.Count > 0 && (_paused.Count == 0 || _waiting[0].Due < _paused[0].Due))
        {
            var next = _waiting[0];
            if (IsPromptBefore(next)) return false;
            if (slots.HasRoom(next) && HasRow(next))
            {
                slots.Admit(next);
                next.AdmittedAt = now;
                QueuedTokens -= next.Computed;
                _waiting.RemoveAt(0);
                _running.Add(next);
                return true;
            }
        }
        if (_paused.Count == 0 || !slots.HasRow(_paused[0])) return false;
        slots.Resume(_paused[0]);
        _running.Add(_paused[0]);
        _paused.RemoveAt(0);
        return true;
    }

    private bool IsPromptBefore(Sequence next)
    {
        foreach (var sequence in _running)
            if (sequence.IsPrefilling && sequence.Due <= next.Due)
                return true;
        return false;
    }

    private bool HasRow(Sequence next) => slots.HasRow(next) || (LeastUrgentBatch(next) is { } less && TryPause(less));

    /// <summary>The least urgent batch request that generates in a row which would hold <paramref name="next"/>, if it is less urgent.</summary>
    private Sequence? LeastUrgentBatch(Sequence next)
    {
        Sequence? least = null;
        if (next.Request.Priority != Priority.Interactive) return null;
        foreach (var sequence in _running)
            if (sequence.Request.Priority == Priority.Batch && !sequence.IsPrefilling && sequence.Due > (least ?? next).Due && slots.WouldHold(sequence, next))
                least = sequence;
        return least;
    }

    private bool TryPause(Sequence sequence)
    {
        if (!slots.TryPause(sequence)) return false;
        _running.Remove(sequence);
        sequence.WasPaused = true;
        Enqueue(_paused, sequence);
        return true;
    }

    /// <summary>
    /// Closes a hole between rows once running it has cost as much as moving the row at the edge does: whatever comes
    /// after, that is at most twice what the better choice would have cost.
    /// </summary>
    private void CloseHole()
    {
        if (slots.Holes == 0)
        {
            _wasted = 0;
            return;
        }
        _wasted += slots.Holes * pace.Decode(_running.Count) / _running.Count;
        var edge = slots.Edge;
        if (edge.IsPrefilling || _wasted < pace.Copy(edge.Computed)) return;
        slots.Close(edge);
        _wasted = 0;
    }

    /// <summary>
    /// The length of the next chunk of <paramref name="remaining"/> ids, <paramref name="longest"/> at most unless that is
    /// off the grid. Attention takes the ids of a chunk in blocks, and one that is alone in its block takes the kernel of
    /// decoding, which gives other bits; so no chunk ends with a lone id and none leaves one over.
    /// </summary>
    public static int Cut(int remaining, int longest, int cutGrid)
    {
        var length = Math.Min(remaining, longest);
        var isLone = remaining == length ? length % BlockUnit == 1 : remaining - length == 1;
        var shorter = (Math.Min(remaining, longest + 1) - 2) / cutGrid * cutGrid;
        return !isLone ? length : shorter > 1 ? shorter : remaining;
    }

    private int Chunk(int remaining)
    {
        var longest = Affordable(remaining);
        if (longest == 0) return 0;
        if (!runner.HasFixedCuts) return Cut(remaining, longest, runner.CutGrid);
        return remaining <= runner.CutGrid + 1 ? remaining : runner.CutGrid;
    }

    /// <summary>
    /// Beside others that generate, one prompt gets so little time that their tokens come at most half as long again apart.
    /// Where others wait behind it, it gets more, and the others pause for whole chunks: a queue that grew would cost
    /// everybody more, and a device at its limit runs the fewer steps the more rows there are in each. Where the shortest
    /// chunk takes longer than one step's share, it waits until several have come together.
    /// </summary>
    private int Affordable(int remaining)
    {
        var longest = Math.Min(remaining, Math.Min(LongestChunk, runner.ChunkLength));
        if (_plan.Decodes.Count == 0)
        {
            _credit = 0;
            return longest;
        }
        if (pace.Chunk(longest) <= _credit) _plan.Decodes.Clear();
        else _credit = Math.Min(_credit + PrefillShare * pace.Decode(_plan.Decodes.Count) * (1 + Backlog() / BacklogSeconds), Math.Max(PauseSeconds, pace.Chunk(longest)));
        var (grid, shortest) = (Math.Max(2, runner.CutGrid), pace.Chunk(ShortChunk) <= PauseSeconds ? ShortChunk : ShortestChunk);
        while (pace.Chunk(longest) > _credit)
        {
            if (longest / 2 < Math.Max(grid, shortest)) return 0;
            longest = longest / 2 / grid * grid;
        }
        _credit -= pace.Chunk(longest);
        return longest;
    }

    /// <summary>Seconds of prefill that people wait for, without the prompt that is computed and without what a prefix may save.</summary>
    private double Backlog()
    {
        var ids = 0;
        foreach (var sequence in _waiting) ids += Awaited(sequence);
        foreach (var sequence in _running) ids += Awaited(sequence);
        return pace.Prefill(ids);

        int Awaited(Sequence sequence) =>
            sequence.Request.Priority == Priority.Interactive && sequence != _plan.Prefill ? Math.Max(0, sequence.PrefillLength - sequence.Computed) : 0;
    }
}
