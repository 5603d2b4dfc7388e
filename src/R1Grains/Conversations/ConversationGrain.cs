using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Orleans.Concurrency;
using Orleans.Placement;
using Orleans.Storage;
using R1Grains.Access;
using R1Grains.Cluster;
using R1Grains.Inference;
using R1Grains.Knowledge;
using R1Grains.Ledger;

namespace R1Grains.Conversations;

/// <summary>
/// One conversation, and the only writer of its record. It takes the record over at its first call, which fences
/// whoever had it before, and goes on with a turn that was left open.
/// </summary>
/// <remarks>
/// Reentrant: calls that stream interleave in any case, and cancelling and looking on must. What may not interleave is
/// between two awaits, and turns are kept in order by <see cref="TurnQueue"/>.
/// </remarks>
[Reentrant, RolePlacement(Roles.Conversation), RandomPlacement]
public sealed class ConversationGrain : Grain, IConversationGrain
{
    private const int WatchedMax = 1_000;

    /// <summary>Who cancels what still runs of a customer whose words are erased.</summary>
    private const string Erasing = "erasure";

    private static readonly TimeSpan LeaveMax = TimeSpan.FromSeconds(5);

    /// <summary>Who was told that somebody will look can be answered here for so long, whatever the conversation's own patience.</summary>
    private static readonly TimeSpan HeldMax = TimeSpan.FromDays(7);

    /// <summary>Longer than most customers take for their next words, so that few turns wait for words to be read again.</summary>
    public static readonly TimeSpan RestAfter = TimeSpan.FromMinutes(1);

    private readonly ConversationParts _parts;
    private readonly ConversationKey _key;

    // Null where the tenant is not served here, or not any more.
    private readonly Tenant? _tenant;
    private readonly IPersistentState<ConversationSnapshot> _snapshot;
    private readonly TurnQueue _turns;
    private readonly EventLog<WatchedEvent> _watched;
    private Task<Transcript>? _transcript;
    private Task? _completing;
    private Task? _keeping;
    private Refusal? _lost;

    // Null at rest, so that thousands of quiet conversations have no timers.
    private IGrainTimer? _resting;
    private int _watchers;

    public ConversationGrain(ConversationParts parts, IGrainContext context, [PersistentState("conversation", Cluster.Registration.Snapshots)] IPersistentState<ConversationSnapshot> snapshot)
    {
        _snapshot = snapshot;
        var name = context.GrainId.Key.ToString()!.Split('/', 2);
        (_parts, _key, _tenant) = (parts, new(name[0], name[1]), parts.Tenants.Find(name[0]));
        _turns = new(_parts.Live, Keep, Break);
        _watched = new(parts.Time, WatchedMax);
    }

    private IRecord Record => _parts.Record;

    public async Task<ConversationView> Create(NewConversation wanted, CancellationToken cancellation)
    {
        RequireServed();
        await RequireUnrestricted(wanted.Customer);
        var creation = await RecordFaults.Translate(Record.CreateConversationAsync(new()
        {
            Key = _key,
            RequestId = wanted.RequestId,
            PayloadHash = new(wanted.PayloadHash),
            Time = _parts.Now,
            Caller = wanted.Caller,
            Channel = wanted.Channel,
            Customer = wanted.Customer,
            Agent = wanted.Agent,
            LanguageCode = wanted.LanguageCode,
            Labels = [.. wanted.Labels.Select(label => new Label(label.Key, label.Value))],
            IdleTimeout = wanted.IdleTimeout,
        }, CancellationToken.None));
        return creation.Outcome switch
        {
            CreationOutcome.RequestIdReused => throw Refuse.Reused(wanted.RequestId),
            CreationOutcome.AlreadyExists => throw new RefusedException(new(Reason.ConversationExists, $"{_key} exists already: choose another conversation_id")),
            _ => Views.Of(creation.Conversation),
        };
    }

    public async Task<ConversationView> Get(CancellationToken cancellation) => Views.Of((await Load()).Conversation);

    public async Task<ConversationView> Complete(string requestId, string caller, CancellationToken cancellation)
    {
        var transcript = await Recall();
        return await Told(transcript, async () =>
        {
            if (_turns.IsBusy) throw Refuse.InProgress(_turns.Running?.Index);
            if (transcript.FindRequest(requestId) is not null) throw Refuse.Reused(requestId);
            await (_completing ??= Complete(transcript, caller, requestId, "caller"));
            return Views.Of(transcript.Conversation);
        });
    }

    public async Task<ContextWindowView> GetContextWindow(CancellationToken cancellation)
    {
        var transcript = await Recall();
        var (first, report) = transcript.Window.Preview(transcript.Said);
        return new(
            Views.Of(report),
            [.. transcript.Said.Select((said, i) => new ContextEntry(said.Turn, i >= first, said.Tokens, said.Input, said.Answer))],
            transcript.Tenant!.Policy.Text);
    }

    public async IAsyncEnumerable<TurnEvent> StreamTurn(UserTurn asked, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var transcript = await Recall();
        await foreach (var happened in await Told(transcript, () => Begin(transcript, asked, cancellation))) yield return happened;
    }

    public async IAsyncEnumerable<TurnEvent> ResumeTurn(int turn, long afterSequence, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var transcript = await Load();
        await foreach (var happened in await Told(transcript, () => Resume(turn, afterSequence, cancellation))) yield return happened;
    }

    public async Task<TurnView> GetTurn(int turn, CancellationToken cancellation)
    {
        var transcript = await Load();
        return _turns.Find(turn)?.View ?? Views.Of(await Told(transcript, () => Find(turn)));
    }

    public async Task<TurnView> CancelTurn(int turn, string caller, CancellationToken cancellation)
    {
        var transcript = await Load();
        if (_turns.Find(turn) is { } running)
        {
            running.Cancel(caller);
            await running.Ended;
        }
        return await Told(transcript, async () =>
        {
            var record = await Find(turn);
            if (record.Closed is not null) return Views.Of(record);
            // A turn that could not be closed is not cancelled, and one that this activation does not run is another's.
            Lose(Refuse.Elsewhere(_key, turn));
            DeactivateOnIdle();
            throw new RefusedException(_lost!);
        });
    }

    public async IAsyncEnumerable<WatchedEvent> Watch([EnumeratorCancellation] CancellationToken cancellation)
    {
        await Load();
        _watchers++;
        try
        {
            var from = _watched.Next;
            yield return Alive();
            await foreach (var watched in _watched.Read(from, cancellation)) yield return watched ?? Alive();
        }
        finally
        {
            _watchers--;
        }

        WatchedEvent Alive() => new(0, new Heartbeat(0, _parts.Now));
    }

    /// <summary>What was accepted is brought to its end, also of a tenant that is not served any more: the record alone is needed for it.</summary>
    public async Task Attend(CancellationToken cancellation)
    {
        var transcript = await LoadAnyway();
        var conversation = transcript.Conversation;
        // Nothing can be sealed for what is erased, so nothing more is written of it.
        if (conversation.IsErased) return;
        var silence = _parts.Now - conversation.LastActivity;
        var isOver = silence >= conversation.Opened.IdleTimeout && (silence >= HeldMax || !await RecordFaults.Translate(_parts.Held.Waits(_key)));
        if (isOver && !_turns.IsBusy) await (_completing ??= Complete(transcript, caller: "", requestId: null, "idle"));
    }

    public async Task Stop(CancellationToken cancellation)
    {
        if (_lost is not null) return;
        // What another life left open is taken over to be ended.
        var isOpen = _transcript is not null || await RecordFaults.Translate(Record.FindConversationAsync(_key, cancellation)) is { TurnIsOpen: true, IsErased: false };
        if (isOpen && await LoadAnyway() is not null)
        {
            _turns.CancelAll(Erasing);
            await _turns.Drained.Within(LeaveMax, TimeProvider.System, cancellation);
        }
        Lose(Refuse.Moving(_key).Refusal);
        DeactivateOnIdle();
    }

    /// <summary>An open turn stays open in the record; whoever takes over goes on with it.</summary>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellation)
    {
        Lose(Refuse.Moving(_key).Refusal);
        await _turns.Drained.Within(LeaveMax, TimeProvider.System, CancellationToken.None);
    }

    private async Task<IAsyncEnumerable<TurnEvent>> Begin(Transcript transcript, UserTurn asked, CancellationToken cancellation)
    {
        // 1. The same request again attaches to its turn or replays it; the same id with another payload is refused. Of what
        // is erased nobody can tell any more.
        if (transcript.Conversation.IsErased) throw Refuse.Erased(_key);
        if (Known(transcript, asked, cancellation) is { } known) return Again(known);
        if (!transcript.KnowsEveryRequest && await RecordFaults.Translate(Record.FindTurnByRequestAsync(_key, asked.RequestId)) is { } old)
        {
            RequireSame(old.Opened.PayloadHash, asked);
            return Again(Replay(old.Opened.Turn, cancellation));
        }
        if (Known(transcript, asked, cancellation) is { } meanwhile) return Again(meanwhile);

        // 2. What cannot be a turn of this conversation now, or not here.
        if (_parts.IsLeaving) throw Leave();
        if (_completing is not null) throw Refuse.Completed(_key);
        var index = transcript.NextTurn + _turns.Unopened;
        if (asked.ExpectedIndex is { } expected && expected != index) throw Refuse.Stale(expected, index);
        try
        {
            if (asked.Review is null) transcript.Window.Require(asked.Text);
        }
        catch (InputTooLongException input)
        {
            throw Refuse.TooLong(input);
        }

        // 3. One turn at a time: wait for it, refuse, or cancel what is before.
        if (_turns.IsOverrun) throw Refuse.QueueFull();
        switch (asked.Concurrency)
        {
            case Concurrency.Queue when _turns.IsFull:
                throw Refuse.QueueFull();
            case Concurrency.Reject when _turns.IsBusy:
                throw Refuse.InProgress(_turns.Running?.Index);
            case Concurrency.Supersede:
                _turns.CancelAll(asked.Caller);
                break;
        }

        // 4. to 8. are the turn's own life, which no client holds.
        var turn = new RunningTurn(_parts, transcript, _watched, asked);
        Start(turn);
        return turn.Read(cancellation);
    }

    /// <summary>The silo is stopping: the next activation is placed elsewhere, at once if nothing runs here.</summary>
    private RefusedException Leave()
    {
        if (!_turns.IsBusy) DeactivateOnIdle();
        return Refuse.Moving(_key);
    }

    private IAsyncEnumerable<TurnEvent>? Known(Transcript transcript, UserTurn asked, CancellationToken cancellation)
    {
        if (_turns.Find(asked.RequestId) is { } running)
        {
            RequireSame(running.Payload, asked);
            return running.Read(cancellation);
        }
        if (transcript.FindRequest(asked.RequestId) is not { } ended) return null;
        RequireSame(ended.Payload, asked);
        return Replay(ended.Turn, cancellation);
    }

    private static IAsyncEnumerable<TurnEvent> Again(IAsyncEnumerable<TurnEvent> events) =>
        events.Select(happened => happened is Accepted accepted ? accepted with { IsAgain = true } : happened);

    private static void RequireSame(Digest payload, UserTurn asked)
    {
        if (payload != new Digest(asked.PayloadHash)) throw Refuse.Reused(asked.RequestId);
    }

    private async IAsyncEnumerable<TurnEvent> Replay(int turn, [EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var happened in Views.Events(await Find(turn))) yield return happened;
    }

    private async Task<IAsyncEnumerable<TurnEvent>> Resume(int turn, long after, CancellationToken cancellation)
    {
        if (_turns.Find(turn) is { } running)
            return after <= running.LastSequence ? running.Read(after, cancellation) : throw Refuse.OutOfRange(after, running.LastSequence);
        var record = await Find(turn);
        if (record.IsErased) throw Refuse.Erased(_key);
        if (after > record.Pieces.Count) throw Refuse.OutOfRange(after, record.Pieces.Count);
        return Views.Events(record).Where(happened => happened is not Accepted && (happened is not TextReleased || happened.Sequence > after)).ToAsyncEnumerable();
    }

    private async Task<TurnRecord> Find(int turn) =>
        await RecordFaults.Translate(Record.FindTurnAsync(_key, turn)) ?? throw Refuse.MissingTurn(_key, turn);

    private async Task Complete(Transcript transcript, string caller, string? requestId, string reason)
    {
        var completed = new ConversationCompleted
        {
            Key = _key,
            Epoch = transcript.Epoch,
            Time = _parts.Now,
            Caller = caller,
            RequestId = requestId,
            Reason = reason,
        };
        try
        {
            await Record.AppendAsync(completed);
        }
        catch (Exception e) when (RecordFaults.Refusal(e) is { } refusal)
        {
            Break(e);
            throw new RefusedException(refusal);
        }
        transcript.Completed(completed);
        _watched.End();
    }

    /// <summary>What is known of the conversation; the first call takes it over, unless the tenant is not served.</summary>
    private async Task<Transcript> Load()
    {
        RequireServed();
        var transcript = await LoadAnyway();
        // Who may read it reads the record.
        return _parts.Restrictions.Covers(transcript.Conversation) ? throw Refuse.Restricted(_key) : transcript;
    }

    /// <summary>The same, with what was said.</summary>
    private async Task<Transcript> Recall()
    {
        var transcript = await Load();
        await transcript.Recall(Record);
        RestLater();
        return transcript;
    }

    private void RestLater()
    {
        if (_resting is null) _resting = this.RegisterGrainTimer(Rest, new() { DueTime = _parts.RestAfter, Period = Timeout.InfiniteTimeSpan, Interleave = true });
        else _resting.Change(_parts.RestAfter, Timeout.InfiniteTimeSpan);
    }

    /// <summary>A conversation that nobody speaks in holds no words; events, which nobody watches, are not told again.</summary>
    private Task Rest()
    {
        // It comes again after the turn; what was lost is about to go as a whole.
        if (_turns.IsBusy || _lost is not null) return Task.CompletedTask;
        // Of a tenant that was set anew, the next activation takes the new policy and facts.
        if (_parts.Tenants.Find(_key.Tenant) != _tenant) DeactivateOnIdle();
        if (_watchers == 0) _watched.Forget();
        if (_transcript is { IsCompletedSuccessfully: true, Result: var transcript }) transcript.Rest();
        _resting!.Dispose();
        _resting = null;
        return Task.CompletedTask;
    }

    private void RequireServed()
    {
        TenantCheck.Require(_key);
        if (_tenant is not null) return;
        // The next activation looks again: the tenant may be served by then.
        if (!_turns.IsBusy) DeactivateOnIdle();
        throw Refuse.Unserved(_key);
    }

    /// <summary>Asked here and not at the gateway: between the two a call may wait for as long as a silo takes to come.</summary>
    private async Task RequireUnrestricted(string customer)
    {
        if (string.IsNullOrWhiteSpace(customer) || !_parts.Restrictions.Tenants.Contains(_key.Tenant)) return;
        var subjects = await RecordFaults.Translate(_parts.Keys.SubjectsAsync(_key.Tenant, customer));
        if (_parts.Restrictions.Covers(_key.Tenant, subjects.Select(subject => subject.Hash))) throw Refuse.RestrictedCustomer();
    }

    private async Task<Transcript> LoadAnyway()
    {
        if (_lost is { } lost) throw new RefusedException(lost);
        var taking = _transcript ??= TakeOver();
        try
        {
            return await taking;
        }
        catch
        {
            // The next call tries again; until then there is nothing worth an activation.
            if (_transcript == taking) _transcript = null;
            DeactivateOnIdle();
            throw;
        }
    }

    private async Task<Transcript> TakeOver()
    {
        _snapshot.State.RequireKnown(_key);
        var taken = await RecordFaults.Translate(Record.TakeOverAsync(_key)) ?? throw Refuse.Missing(_key);
        _snapshot.State.RequireWhole(taken.Conversation);
        // What was open when the key went stays open in the record: nothing can be sealed for it.
        var left = taken.Turns.LastOrDefault(turn => turn is { Closed: null, IsErased: false });
        var prompt = left is null ? null : await RecordFaults.Translate(Record.ReadPromptAsync(_key, left.Opened.Turn));
        var held = left is not null && Review.Of(left.Opened.RequestId) is { } review ? await RecordFaults.Translate(Record.FindTurnAsync(_key, review.Turn)) : null;
        var transcript = new Transcript(taken, _tenant, new(_parts.Model.Template, _parts.Model.ContextLength, _tenant?.Prompt ?? "")) { Prefix = _snapshot.State.Prefix };
        if (left is not null) Start(new(_parts, transcript, _watched, left, prompt!, held));
        if (taken.Conversation.Completed is not null)
        {
            _completing = Task.CompletedTask;
            _watched.End();
        }
        RestLater();
        return transcript;
    }

    private void Start(RunningTurn turn)
    {
        // Orleans counts calls, and a turn without readers makes none.
        DelayDeactivation(2 * _parts.TurnTimeout);
        _turns.Add(turn);
    }

    /// <summary>After a turn. Nobody waits for it: without it the next activation computes a prefix again.</summary>
    private async void Keep()
    {
        if (_lost is not null || _transcript is not { IsCompletedSuccessfully: true, Result: var transcript }) return;
        RestLater();
        var state = _snapshot.State;
        (state.Version, state.Turns, state.Device, state.PrefixTokens) = (ConversationSnapshot.Known, transcript.NextTurn - 1, transcript.Prefix?.Device, transcript.Prefix?.Tokens ?? 0);
        try
        {
            if (_keeping is { IsCompleted: false }) return;
            await (_keeping = _snapshot.WriteStateAsync());
        }
        catch (Exception exception)
        {
            Log.NotKept(_parts.Log, exception, _key);
            // Whatever is there now, the next write goes on from it.
            if (exception is InconsistentStateException) await _snapshot.ReadStateAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
    }

    /// <summary>The record is not this activation's any more, or does not take what it writes: the next one starts from what is durable.</summary>
    private void Break(Exception exception)
    {
        if (_lost is not null) return;
        switch (exception)
        {
            case StaleEpochException:
                Log.TakenOver(_parts.Log, _key);
                break;
            case ConversationErasedException:
                // Nothing is wrong: the erasure has a record of its own.
                break;
            case RecordConflictException:
                Log.Contradicted(_parts.Log, exception, _key);
                break;
            default:
                Log.Broken(_parts.Log, exception, _key);
                break;
        }
        Lose(RecordFaults.Refusal(exception) ?? new(Reason.Internal, "the turn met a defect: send the same request again, or resume the turn", RetryAfter: TimeSpan.FromSeconds(1)));
        DeactivateOnIdle();
    }

    private void Lose(Refusal why)
    {
        _lost ??= why;
        _turns.AbandonAll(_lost);
        _watched.End(_lost);
    }

    /// <summary>Refusals of a conversation that exists name its language, in which the customer is told.</summary>
    private static async Task<T> Told<T>(Transcript transcript, Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (RefusedException refused)
        {
            throw new RefusedException(refused.Refusal.With(Refusal.LanguageKey, transcript.Language));
        }
    }
}
