using System.Diagnostics;
using System.Runtime.CompilerServices;
using R1Grains.Compliance;
using R1Grains.Inference;
using R1Grains.Knowledge;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Conversations;

/// <summary>
/// One turn's life, from its place in the queue to its closing record. It runs on its activation's scheduler, so
/// nothing here happens in parallel, and no client holds it: readers come and go while it goes on.
/// </summary>
internal sealed class RunningTurn
{
    private readonly ConversationParts _parts;
    private readonly Transcript _transcript;
    private readonly EventLog<WatchedEvent> _watched;
    private readonly EventLog<TurnEvent> _events;
    private readonly StopSignal _stop = new();
    private readonly UserTurn? _asked;
    private readonly TurnRecord? _left;
    private readonly DateTimeOffset _since;

    // What asked for the turn, or woke it.
    private readonly ActivityContext _trace;

    // Both set by the opening.
    private TurnOpened? _opened;
    private Answer? _answer;

    // Null where a model is asked.
    private Instead? _instead;

    /// <summary>A turn that a client asks for.</summary>
    public RunningTurn(ConversationParts parts, Transcript transcript, EventLog<WatchedEvent> watched, UserTurn asked)
        : this(parts, transcript, watched)
    {
        (_asked, _trace) = (asked, asked.Trace);
        (RequestId, Payload) = (asked.RequestId, new(asked.PayloadHash));
    }

    /// <summary>A turn that the record shows open.</summary>
    /// <param name="held">The turn that it decides about, if it does.</param>
    public RunningTurn(ConversationParts parts, Transcript transcript, EventLog<WatchedEvent> watched, TurnRecord left, int[] prompt, TurnRecord? held)
        : this(parts, transcript, watched)
    {
        (_left, _trace) = (left, Tracing.Here);
        (RequestId, Payload) = (left.Opened.RequestId, left.Opened.PayloadHash);
        var guardrail = GuardrailFor(left.Opened, held);
        _instead = InsteadOf(guardrail, left, held);
        Opened(left.Opened, new(parts, transcript, left.Opened, prompt, guardrail, _stop, Publish, _instead));
        foreach (var happened in Views.Events(left)) _events.Append(happened);
    }

    private RunningTurn(ConversationParts parts, Transcript transcript, EventLog<WatchedEvent> watched)
    {
        (_parts, _transcript, _watched) = (parts, transcript, watched);
        (_events, _since) = (new(parts.Time), parts.Time.GetUtcNow());
        RequestId = "";
    }

    public string RequestId { get; }

    public Digest Payload { get; }

    /// <summary>Null before the opening.</summary>
    public int? Index => _opened?.Turn;

    /// <summary>Until it is disposed, lines of the log carry the turn's ids; of a turn that is next.</summary>
    public IDisposable? Scope() => Log.InTurn(_parts.Log, _transcript.Key, Expected);

    public long LastSequence => _answer?.Pieces ?? 0;

    public bool IsCancelled => _stop.IsCancelled;

    public bool IsEnded => _events.IsEnded;

    /// <summary>Completes when the turn has ended, was refused, or was abandoned.</summary>
    public Task Ended => _events.Ended;

    public TurnView View => new(
        _opened!.Turn, RequestId, _answer!.IsQueued ? TurnState.Queued : TurnState.Running, _opened.Input, RecordedItems.Masked(_opened), _answer.Text, _answer.Pieces,
        Completed: null, Failure: null, _opened.Time, _answer.FirstText, EndTime: null, _opened.Disclosure?.Notice ?? "", Views.IsGenerated(_opened, _answer.Text));

    /// <summary>Returns when the turn has ended or was refused; what it throws means that the record is lost to this activation.</summary>
    public async Task Run()
    {
        using var span = Tracing.Begin("turn", _trace, _since);
        span?.SetTag("gen_ai.conversation.id", _transcript.Key.ToString())
            .SetTag("r1grains.turn.index", Expected)
            .SetTag("r1grains.turn.resumed", _left is not null)
            .AddEvent(new("begun", _parts.Now));
        try
        {
            await (_asked is not null ? Begin(_asked) : Continue(_left!));
            _events.End();
        }
        catch (RefusedException refused) when (_opened is null)
        {
            span.Fail($"{refused.Refusal.Reason}");
            _events.End(refused.Refusal.With(Refusal.LanguageKey, _transcript.Language));
        }
        catch (Exception exception)
        {
            span.Fail(exception.GetType().FullName!);
            throw;
        }
    }

    /// <summary>What was released stays, what is held is dropped. A turn that still waits will be opened and closed.</summary>
    /// <remarks>What a person has decided is told in any case: its request id is the decision's only one.</remarks>
    public void Cancel(string caller)
    {
        if (Review.Of(RequestId) is null) _stop.Cancel(caller);
    }

    /// <summary>Releases nothing more, leaves the turn as it is in the record, and tells its readers why.</summary>
    public void Abandon(Refusal why)
    {
        _stop.Abandon();
        _events.End(why.With(Refusal.LanguageKey, _transcript.Language));
    }

    /// <summary>Every event, <see cref="Accepted"/> first, before which there are only signs of life; a refusal is thrown instead.</summary>
    public async IAsyncEnumerable<TurnEvent> Read([EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var happened in _events.Read(0, cancellation))
            if (happened is null) yield return Heartbeat();
            else if (IsNews(happened)) yield return happened;
    }

    /// <summary>The events after the text with this number.</summary>
    public async IAsyncEnumerable<TurnEvent> Read(long after, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var happened in _events.Read(0, cancellation))
            if (happened is null) yield return Heartbeat();
            else if (happened is not Accepted && (happened is not TextReleased || happened.Sequence > after) && IsNews(happened)) yield return happened;
    }

    /// <summary>The number that it has, or takes when it runs: turns run one at a time.</summary>
    private int Expected => Index ?? _transcript.NextTurn;

    private async Task Begin(UserTurn asked)
    {
        _stop.ThrowIfAbandoned();
        if (_parts.Restrictions.Covers(_transcript.Conversation)) throw Refuse.Restricted(_transcript.Key);
        var (key, index, now) = (_transcript.Key, _transcript.NextTurn, _parts.Now);
        if (asked.ExpectedIndex is { } expected && expected != index) throw Refuse.Stale(expected, index);
        var deadline = asked.Deadline < now + _parts.TurnTimeout ? asked.Deadline.Value : now + _parts.TurnTimeout;
        if (deadline <= now) throw Refuse.TooLate();

        // 4. What of the words may go on, what the tenant's documents say, and what of the conversation fits the window.
        await _transcript.Recall(_parts.Record);
        var tenant = _transcript.Tenant ?? throw Refuse.Unserved(key);
        var guardrail = GuardrailAt(now);
        var held = asked.Review is { } review ? await FindHeld(review.Turn) : null;
        var input = held?.Opened.Input ?? asked.Text;
        var hits = asked.Review is { Releases: true } ? Guardrail.Reviewed(guardrail.Input(input)) : guardrail.Input(input);
        var model = _parts.Model;
        var opened = new TurnOpened
        {
            Key = key,
            Turn = index,
            Epoch = _transcript.Epoch,
            RequestId = RequestId,
            PayloadHash = Payload,
            Time = now,
            Deadline = deadline,
            Caller = asked.Caller,
            Input = input,
            LanguageCode = _transcript.Language,
            Passages = [],
            Release = new(model.Name, Digest.Parse(model.Hash), model.Template.Name, tenant.Policy.Version, tenant.Policy.Hash),
            Sampling = Sampling.For(model, _transcript.Window, key, index, RequestId),
            Context = _transcript.Window.Unasked.Report,
            Lexicon = guardrail.Version,
            Hits = hits,
            PersonalData = held is null ? RecordedItems.Told(HitPlace.Input, asked.PersonalData) : held.Opened.PersonalData,
            Disclosure = tenant.Disclosure.At(index, _transcript.Language),
        };
        _instead = InsteadOf(GuardrailFor(opened, held), asked.Review, hits, held);
        var fitted = _instead is not null ? _transcript.Window.Unasked : Fit(tenant, Guardrail.ForModel(opened));
        opened = opened with { Passages = fitted.Passages, Context = fitted.Report };
        var answer = new Answer(_parts, _transcript, opened, fitted.Prompt, GuardrailFor(opened, held), _stop, Publish, _instead);

        // 5. The device admits or refuses; of a refused turn nothing is recorded, so the same request may come again.
        using var generation = IsCancelled || _instead is not null ? null : await answer.Submit();
        _stop.ThrowIfAbandoned();
        opened = opened with { Numerics = generation?.Numerics };

        // 6. The opening commits while the prompt is prefilled; only `accepted` waits for it. Where it fails, nobody knows
        // whether it is durable: the exception ends the activation, and the next one finds out.
        using (Tracing.Part("record opening")) await _parts.Record.AppendAsync(opened, fitted.Prompt);
        Log.Opened(_parts.Log, key, index, fitted.Prompt.Length);
        _transcript.Opened(opened);
        Opened(opened, answer);
        Publish(Views.Accepted(opened));

        // 7. Each unit is recorded, then shown. 8. The turn is closed.
        await answer.Close(await answer.Release(generation));
    }

    private Fitted Fit(Tenant tenant, string input)
    {
        var found = tenant.Facts.Find(input, _transcript.Said.Reverse().Select(exchange => exchange.Input));
        try
        {
            return _transcript.Window.Fit(_transcript.Said, found, input);
        }
        catch (InputTooLongException tooLong)
        {
            // The input fitted as it came; covers may take more tokens than what they cover.
            throw Refuse.TooLong(tooLong);
        }
    }

    private Guardrail GuardrailAt(DateTimeOffset opened) =>
        new(_parts.Tenants.Lexicons.InForce(_transcript.Key.Tenant).Lexicon, _transcript.Key.Tenant, DateOnly.FromDateTime(opened.UtcDateTime), _transcript.Language);

    /// <param name="held">The turn that it decides about, if it does.</param>
    private Guardrail GuardrailFor(TurnOpened opened, TurnRecord? held) => GuardrailAt(opened.Time) with
    {
        Shown = new([
            _transcript.Window.Policy,
            .. _transcript.Said.SelectMany(exchange => new[] { exchange.Input, exchange.Answer }),
            .. opened.Passages.Concat(held?.Opened.Passages ?? []).Select(passage => passage.Text),
            Guardrail.ForModel(opened),
        ]),
        // A held answer was given under the policy of its own turn.
        Canary = Canary.Of(opened.Key.Tenant, (held?.Closed?.Held is null ? opened : held.Opened).Release.PolicyHash),
    };

    /// <summary>What a turn that an earlier activation left open still lacks.</summary>
    private async Task Continue(TurnRecord left)
    {
        var (answer, release, model) = (_answer!, left.Opened.Release, _parts.Model);
        var wrong = answer.Replay(left.Pieces);
        // Where no model was asked it does not matter which one is served.
        if (_instead is not null)
        {
            await answer.Close(await answer.Release(generation: null));
        }
        // Another model's tokenizer may well give another text, and that is no alarm.
        else if (release.ModelHash.ToString() != model.Hash || release.Template != model.Template.Name)
        {
            await answer.Close(Ending.Interrupted(Reason.ModelUnavailable, $"model {release.ModelName} ({release.ModelHash}), which began the answer, is not served here any more"));
        }
        else if (wrong is not null)
        {
            Log.NotReproduced(_parts.Log, _transcript.Key, left.Opened.Turn, wrong.Number);
            await answer.Close(Ending.Interrupted(Reason.Internal, $"the recorded tokens of piece {wrong.Number} do not give its text"));
        }
        else
        {
            Log.Continued(_parts.Log, _transcript.Key, left.Opened.Turn, answer.Pieces);
            await answer.Close(await answer.Release(generation: null));
        }
    }

    /// <summary>What the customer gets where no model is asked.</summary>
    private static Instead? InsteadOf(Guardrail guardrail, Review? review, IReadOnlyList<LexiconHit> hits, TurnRecord? held) =>
        review is { Releases: false } ? new(guardrail.Discarded, Ending.Blocked)
        : guardrail.InsteadOf(hits) is { } instead ? instead
        : held?.Closed?.Held is { } answer ? guardrail.Released(answer)
        : null;

    /// <summary>The same of a turn that was left open. What was told stays, whatever the lexicon says by now.</summary>
    private static Instead? InsteadOf(Guardrail guardrail, TurnRecord left, TurnRecord? held)
    {
        var review = Review.Of(left.Opened.RequestId);
        var instead = InsteadOf(guardrail, review, left.Opened.Hits, held);
        if (instead is null || review is null || left.Pieces.Count == 0) return instead;
        var told = string.Concat(left.Pieces.Select(piece => piece.Text));
        return instead with { Text = told, Ending = told == guardrail.Words || !review.Releases ? Ending.Blocked : Ending.Completed(FinishReason.Stop) };
    }

    private async Task<TurnRecord> FindHeld(int turn) =>
        await RecordFaults.Translate(_parts.Record.FindTurnAsync(_transcript.Key, turn)) is { } found && Views.IsHeld(found.Closed) ? found : throw Refuse.NotHeld(_transcript.Key, turn);

    private void Opened(TurnOpened opened, Answer answer) => (_opened, _answer) = (opened, answer);

    private void Publish(TurnEvent happened)
    {
        if (_stop.IsAbandoned) return;
        _events.Append(happened);
        _watched.Append(new(_opened!.Turn, happened));
    }

    /// <summary>A state is news only until something else happens.</summary>
    private bool IsNews(TurnEvent happened) => happened is not (QueuePosition or ReasoningProgress) || happened == _events.Last;

    private Heartbeat Heartbeat() => new(LastSequence, _parts.Now);
}
