using System.Threading.Channels;

namespace R1Grains.Engine;

/// <summary>
/// One request on its way: the only thing that the parts of the engine hand to each other. Owned by the engine's
/// thread, apart from <see cref="Cancel"/> and the reading end of <see cref="Emissions"/>.
/// </summary>
internal sealed class Sequence
{
    private readonly Channel<Emission> _channel;
    private readonly ReplyRules _rules;
    private readonly HashSet<int> _seen = [];

    // Prompt, recorded ids, then sampled ids up to Length.
    private readonly int[] _ids;
    private volatile bool _cancelled;
    private CancellationTokenRegistration _cancellation;
    private int _reportedPosition = -1;

    /// <param name="places">How many places there can be in the queue.</param>
    /// <exception cref="ArgumentException">The recorded ids cannot have been sampled with these options.</exception>
    public Sequence(Model model, GenerationRequest request, int places)
    {
        Request = request;
        _rules = new ReplyRules(model, request.Sampling);
        _ids = new int[Reserve];
        request.Prompt.CopyTo(_ids, 0);
        Length = request.Prompt.Length;
        if (Penalised) _seen.UnionWith(request.Prompt);
        // Room for everything the sequence can ever emit (places, chunks, ids, the end): no reader can hold up the engine.
        _channel = Channel.CreateBounded<Emission>(new BoundedChannelOptions(places + Reserve + 1) { SingleWriter = true });
        foreach (var id in request.Recorded) Replay(id);
        PrefillLength = Length;
    }

    public GenerationRequest Request { get; }

    public ChannelReader<Emission> Emissions => _channel.Reader;

    /// <summary>Positions a slot must have for the prompt and the longest possible reply.</summary>
    public int Reserve => Request.Prompt.Length + Request.Sampling.MaxTokens;

    /// <summary>The slot, or -1 while waiting and after the end.</summary>
    public int Slot { get; set; } = -1;

    public string Scope => Request.Scope;

    /// <summary>Null where nobody traces the request.</summary>
    public SequenceTrace? Trace { get; init; }

    public DateTimeOffset ArrivedAt { get; init; }

    public DateTimeOffset AdmittedAt { get; set; }

    public DateTimeOffset? FirstTokenAt { get; private set; }

    /// <summary>When it left the batcher, within the step that set <see cref="Completion"/>.</summary>
    public DateTimeOffset EndedAt { get; set; }

    /// <summary>Who is due sooner is served sooner.</summary>
    public DateTimeOffset Due { get; set; }

    /// <summary>Whether it was ever put aside, so that the time it has had its slot tells nothing of others.</summary>
    public bool WasPaused { get; set; }

    /// <summary>Ids known.</summary>
    public int Length { get; private set; }

    /// <summary>Ids to be computed by prefill: prompt and recorded ids.</summary>
    public int PrefillLength { get; }

    /// <summary>Positions in the slot that are computed and committed; below <see cref="Length"/>.</summary>
    public int Computed { get; private set; }

    /// <summary>The first of these, which an earlier prompt had computed.</summary>
    public int Reused { get; private set; }

    public bool IsPrefilling => Computed < PrefillLength;

    /// <summary>Sampled in the step under way, not yet committed.</summary>
    public int Sampled { get; set; }

    public int? Forced => _rules.Forced;

    /// <summary>Index in the reply of the id to be sampled next.</summary>
    public int ReplyPosition => _rules.Count;

    /// <summary>Distinct ids so far; kept only when there is a repetition penalty.</summary>
    public HashSet<int> Seen => _seen;

    /// <summary>Set once, when nothing more will happen to the sequence.</summary>
    public Completion? Completion { get; private set; }

    public bool IsCancelled => _cancelled;

    private bool Penalised => Request.Sampling.RepetitionPenalty != 1;

    /// <summary>A mark that the next step reads; from any thread.</summary>
    public void Cancel() => _cancelled = true;

    /// <summary>Cancels it with the token, whether anybody reads its emissions or not; until its end. Called before the engine's thread knows it.</summary>
    public void CancelWith(CancellationToken token) => _cancellation = token.UnsafeRegister(static s => ((Sequence)s!).Cancel(), this);

    public ReadOnlySpan<int> Ids(int start, int length) => _ids.AsSpan(start, length);

    public void ReportPosition(int position)
    {
        // Only forward: a more urgent request that comes in between is no news, and the channel has room for so many.
        if (_reportedPosition >= 0 && position >= _reportedPosition) return;
        _reportedPosition = position;
        Emit(Emission.Queued(position));
    }

    /// <summary>So many ids of the prompt need not be computed.</summary>
    public void Reuse(int count) => Computed = Reused = count;

    /// <summary>Commits a prefilled chunk; the last one brings the first sampled id.</summary>
    public void CommitPrefill(int count, DateTimeOffset now)
    {
        Computed += count;
        Emit(Emission.Prefilling(Computed, PrefillLength));
        if (IsPrefilling) return;
        FirstTokenAt = now;
        Accept(Sampled);
    }

    /// <summary>Commits a decoded position and the id sampled after it.</summary>
    public void CommitDecode()
    {
        Computed++;
        Accept(Sampled);
    }

    public void Finish(FinishReason reason, string? error = null)
    {
        var usage = new Usage(Request.Prompt.Length, _rules.ReasoningCount, _rules.Count - _rules.ReasoningCount);
        Completion = new Completion(reason, usage, _rules.StopString, error);
        _cancellation.Unregister();
        Emit(Emission.Finished(Completion));
        _channel.Writer.Complete();
    }

    private void Replay(int id)
    {
        if (Completion is not null || (Forced ?? id) != id)
            throw new ArgumentException($"Request {Request.Id}: recorded id {_rules.Count} ({id}) cannot follow with these sampling options.");
        if (Note(id) is { } reason) Finish(reason);
    }

    private void Accept(int id)
    {
        var reason = Note(id);
        Emit(Emission.Token(id));
        if (reason is not null) Finish(reason.Value);
    }

    private FinishReason? Note(int id)
    {
        _ids[Length++] = id;
        if (Penalised) _seen.Add(id);
        return _rules.Accept(id);
    }

    private void Emit(Emission emission)
    {
        if (!_channel.Writer.TryWrite(emission))
            throw new InvalidOperationException($"Request {Request.Id} emitted more than was reckoned with.");
    }
}
