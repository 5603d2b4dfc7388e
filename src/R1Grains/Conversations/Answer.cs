using System.Text;
using R1Grains.Compliance;
using R1Grains.Engine;
using R1Grains.Inference;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Conversations;

/// <summary>
/// The answer to an opened turn: it reads the reply from the device, records each unit before it is shown, and closes
/// the turn. Where the guardrail stops it, or lets no device be asked, its words are the last unit.
/// </summary>
/// <param name="publish">Shows an event.</param>
/// <param name="instead">Null where a model is asked.</param>
internal sealed class Answer(ConversationParts parts, Transcript transcript, TurnOpened opened, int[] prompt, Guardrail guardrail, StopSignal stop, Action<TurnEvent> publish, Instead? instead = null)
{
    private static readonly TimeSpan HeldMax = TimeSpan.FromMilliseconds(300);

    /// <summary>Where a device is so busy that its steps come gathered, text that would be due before the next one goes with this one, as that of its neighbours does: what is released together is recorded together.</summary>
    private static readonly TimeSpan HeldEnough = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan ProgressEvery = TimeSpan.FromSeconds(1);

    /// <summary>How often a lost device is replaced before the turn fails.</summary>
    private const int LossesMax = 5;

    /// <summary>How long there may be no device at all; the only one may be on its way back.</summary>
    private static readonly TimeSpan WithoutMax = TimeSpan.FromSeconds(30);

    /// <summary>So often somebody who waits for a row looks for a device that has one, such as one that has just come back.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time = parts.Time;
    private readonly Reply _reply = new(parts.Model, opened.Sampling.StopStrings, guardrail, instead);
    private readonly StringBuilder _text = new();
    private readonly List<ResumePoint> _resumePoints = [];

    // All that were sampled; the first _recorded of them are in a piece.
    private readonly List<int> _ids = [];
    private int _recorded;

    // So many of the resume points are in a piece.
    private int _resumed;
    private DateTimeOffset? _firstToken;
    private int? _queuePosition;

    // A device that has a row for the reply, which waits for one elsewhere.
    private string? _idle;

    // Timestamps; null while nothing is held, before the reasoning was first reported, and while nothing waits for a row.
    private long? _heldSince;
    private long? _reported;
    private long? _looked;

    /// <summary>Released so far.</summary>
    public string Text => _text.ToString();

    public int Pieces { get; private set; }

    public DateTimeOffset? FirstText { get; private set; }

    /// <summary>Whether the device has put the request into its queue.</summary>
    public bool IsQueued => _queuePosition is not null;

    /// <summary>Goes through what an earlier activation recorded.</summary>
    /// <returns>The first piece whose ids do not give its text, or null.</returns>
    public Piece? Replay(IReadOnlyList<Piece> pieces)
    {
        Piece? wrong = null;
        foreach (var piece in pieces)
        {
            _ids.AddRange(piece.TokenIds);
            _resumePoints.AddRange(piece.ResumePoints);
            Recorded(piece);
            if (!_reply.Replay(piece.TokenIds, piece.Text)) wrong ??= piece;
        }
        _firstToken = FirstText;
        return wrong;
    }

    /// <summary>Submits the request, with the ids that have come so far, and returns when it is admitted.</summary>
    /// <exception cref="RefusedException">It is not.</exception>
    public async Task<Generation> Submit()
    {
        var (request, idle) = (opened.Request(prompt, [.. _ids]), _idle);
        (_idle, _looked, _queuePosition) = (null, null, null);
        var span = ReplySpan.Begin(opened, _ids.Count);
        try
        {
            request = request with { Trace = span?.Context ?? default };
            var generation = idle is null ? await parts.Router.Submit(request, transcript.Prefix) : await parts.Router.Submit(request, idle);
            span?.SetTag("r1grains.device", generation.Device);
            generation.Span = span;
            transcript.Prefix = new(generation.Device, opened.Context.Policy + opened.Context.History);
            return generation;
        }
        catch (Exception exception)
        {
            span.Fail(exception is RefusedException refused ? $"{refused.Refusal.Reason}" : exception.GetType().FullName!);
            span?.Dispose();
            throw;
        }
    }

    /// <summary>Releases the answer. A device that is lost, or that has no row while another has one, is replaced, which goes on after the ids that have come.</summary>
    /// <param name="generation">Null when the turn was not submitted yet, or not by this activation.</param>
    public async Task<Ending> Release(Generation? generation)
    {
        long? without = null;
        for (var losses = 0; ;)
        {
            try
            {
                if (Stopped() is { } stopped) return stopped;
                if (_reply.IsStopped || _reply.IsTold) return await Conclude();
                generation ??= await Resume();
                without = null;
                if (await Read(generation) is { } ending) return ending;
                generation.Dispose();
                generation = null;
            }
            catch (RefusedException refused) when (refused.Refusal.Reason is Reason.ModelUnavailable or Reason.ModelQueueFull)
            {
                generation?.Span.Fail($"{refused.Refusal.Reason}");
                var isHopeless = generation is not null ? ++losses > LossesMax : _time.GetElapsedTime(without ??= _time.GetTimestamp()) >= WithoutMax;
                if (refused.Refusal.Reason is Reason.ModelUnavailable && isHopeless) return Ending.Failed(refused.Refusal);
                Log.Resubmitted(parts.Log, opened.Key, opened.Turn, _ids.Count, refused.Refusal.Detail);
                // Another device may be idle; only where none took the reply is there something to wait for.
                var pause = generation is null ? refused.Refusal.RetryAfter ?? TimeSpan.FromSeconds(1) : TimeSpan.Zero;
                generation?.Dispose();
                (generation, transcript.Prefix) = (null, null);
                await Task.Delay(pause, _time).Within(Timeout.InfiniteTimeSpan, _time, stop.Token);
            }
            catch (RefusedException refused)
            {
                return refused.Refusal.Reason is Reason.DeadlineTooShort ? TimedOut() : Ending.Failed(refused.Refusal);
            }
            finally
            {
                generation?.Dispose();
            }
        }
    }

    /// <summary>The closing record, then the last event.</summary>
    public async Task Close(Ending ending)
    {
        var closed = new TurnClosed
        {
            Key = opened.Key,
            Turn = opened.Turn,
            Epoch = transcript.Epoch,
            Time = parts.Now,
            Outcome = ending.Outcome,
            FinishReason = Views.Name(ending.Finish),
            Error = ending.Failure is { } failure ? Views.Error(failure) : null,
            CancelledBy = ending.Outcome is Outcome.Cancelled ? stop.CancelledBy : null,
            Usage = new(prompt.Length, _reply.ReasoningTokens, _reply.AnswerTokens),
            PieceCount = Pieces,
            TrailingTokenIds = [.. _ids.Skip(_recorded)],
            Reasoning = _reply.Reasoning,
            Answer = Text,
            FirstTokenTime = _firstToken,
            ResumePoints = _resumePoints,
            Lexicon = guardrail.Version,
            Hits = instead?.Found?.Hits ?? _reply.Hits,
            PersonalData = instead?.Found?.Items ?? _reply.Items,
            Held = ending == Ending.Held && instead is null ? _reply.Said.TrimEnd() : null,
        };
        Tracing.Span?
            .SetTag("r1grains.turn.outcome", $"{closed.Outcome}")
            .SetTag("r1grains.turn.finish_reason", closed.FinishReason)
            .SetTag("r1grains.turn.pieces", Pieces);
        Ledger.Receipt receipt;
        using (Tracing.Part("record closing")) receipt = await parts.Record.AppendAsync(closed);
        Log.Closed(parts.Log, opened.Key, opened.Turn, closed.Outcome, Pieces);
        parts.Kept.Count(opened, closed);
        transcript.Closed(opened, closed);
        publish(Views.End(opened, closed, receipt));
    }

    private async Task<Generation> Resume()
    {
        var generation = await Submit();
        _resumePoints.Add(new(_ids.Count, generation.Numerics));
        return generation;
    }

    /// <returns>Null when <see cref="_idle"/> is to go on with it.</returns>
    private async Task<Ending?> Read(Generation generation)
    {
        while (true)
        {
            if (Stopped() is { } stopped) return stopped;
            if (_looked is { } looked && _time.GetElapsedTime(looked) >= LookEvery)
            {
                if ((_idle = await parts.Router.FindIdle(generation.Device)) is not null) return null;
                _looked = _time.GetTimestamp();
            }
            if (HeldFor() >= HeldMax) await ReleaseDue();
            if (await generation.Next(Patience(), stop.Token) is not { } first) continue;
            var taken = 0;
            for (Emission? emission = first; emission is { } happened; emission = generation.TryNext(), taken++)
            {
                if (taken > 0 && Stopped() is { } meanwhile) return meanwhile;
                if (await Take(happened, generation) is { } ending) return ending;
            }
            if (taken > 1 && HeldFor() >= HeldEnough && !stop.Token.IsCancellationRequested) await ReleaseDue();
        }
    }

    /// <returns>Null while the reply goes on.</returns>
    private async ValueTask<Ending?> Take(Emission emission, Generation generation)
    {
        switch (emission.Kind)
        {
            case EmissionKind.Queued:
                ReportQueue(emission.Position);
                break;
            case EmissionKind.Prefilling:
                (_queuePosition, _looked) = (null, null);
                break;
            case EmissionKind.Token:
                await Take(emission.TokenId);
                if (_reply.IsStopped) return Ending.Blocked;
                break;
            case EmissionKind.Finished:
                ReplySpan.Finish(generation.Span, emission.Completion!);
                return await Finish(emission.Completion!);
        }
        return null;
    }

    private async ValueTask Take(int id)
    {
        (_queuePosition, _looked) = (null, null);
        _firstToken ??= parts.Now;
        _ids.Add(id);
        _reply.Append(id);
        await ReleaseUnits();
        ReportReasoning();
    }

    private async Task<Ending> Finish(Completion completion)
    {
        switch (completion.Reason)
        {
            case Engine.FinishReason.Failed or Engine.FinishReason.Cancelled:
                return Ending.Failed(new(Reason.ModelUnavailable, completion.Error ?? "the device ended the reply"));
            case Engine.FinishReason.Deadline:
                return TimedOut();
        }
        _reply.End();
        if (_reply.IsStopped || _reply.IsHeld) return await Conclude();
        await ReleaseUnits();
        if (Pieces == 0) return Ending.Failed(new(Reason.ModelUnavailable, "the model ended without an answer"));
        return Ending.Completed(completion.Reason switch
        {
            Engine.FinishReason.Length => FinishReason.Length,
            Engine.FinishReason.ReasoningBudget => FinishReason.ReasoningBudget,
            _ => FinishReason.Stop,
        });
    }

    /// <summary>What waits for a person is in their list before the customer is told so.</summary>
    private async Task<Ending> Conclude()
    {
        var ending = _reply.IsHeld ? Ending.Held : instead?.Ending ?? Ending.Blocked;
        if (ending == Ending.Held) await parts.Held.Hold(opened, instead is null ? HitPlace.Answer : HitPlace.Input, instead is null ? _reply.Hits : opened.Hits, parts.Now);
        await ReleaseUnits();
        return ending;
    }

    private async Task ReleaseUnits()
    {
        while (_reply.Next() is { } unit) await Release(unit);
        _heldSince = _reply.Holds ? _heldSince ?? _time.GetTimestamp() : null;
    }

    private async Task ReleaseDue()
    {
        if (_reply.Due() is { } unit) await Release(unit);
        _heldSince = _reply.Holds ? _time.GetTimestamp() : null;
    }

    /// <summary>Recorded before shown.</summary>
    private async Task Release(string unit)
    {
        var piece = new Piece
        {
            Key = opened.Key,
            Turn = opened.Turn,
            Number = Pieces + 1,
            Epoch = transcript.Epoch,
            Time = parts.Now,
            TokenIds = [.. _ids.Skip(_recorded)],
            Text = unit,
            ResumePoints = [.. _resumePoints.Skip(_resumed)],
        };
        await parts.Record.AppendAsync(piece);
        Recorded(piece);
        publish(Views.Released(opened, piece));
    }

    private void Recorded(Piece piece)
    {
        (_recorded, _resumed) = (_ids.Count, _resumePoints.Count);
        _heldSince = null;
        _text.Append(piece.Text);
        if (Pieces++ > 0) return;
        FirstText = piece.Time;
        Tracing.Span?.AddEvent(new("first text", piece.Time));
    }

    private void ReportQueue(int position)
    {
        if (_queuePosition == position) return;
        _queuePosition = position;
        _looked ??= _time.GetTimestamp();
        publish(new QueuePosition(parts.Now, position));
    }

    private void ReportReasoning()
    {
        if (!_reply.IsReasoning || (_reported is { } reported && _time.GetElapsedTime(reported) < ProgressEvery)) return;
        _reported = _time.GetTimestamp();
        publish(new ReasoningProgress(parts.Now, _reply.ReasoningTokens));
    }

    private Ending? Stopped()
    {
        stop.ThrowIfAbandoned();
        return stop.IsCancelled ? Ending.Cancelled
            : parts.Now >= opened.Deadline ? TimedOut()
            : null;
    }

    private static Ending TimedOut() => Ending.Interrupted(Reason.DeadlineExceeded, "the turn's deadline passed before its answer was complete");

    private TimeSpan HeldFor() => _heldSince is { } since ? _time.GetElapsedTime(since) : TimeSpan.Zero;

    /// <summary>Until held text is due, it is time to look for a row, or the deadline passes.</summary>
    private TimeSpan Patience()
    {
        var left = opened.Deadline - parts.Now;
        var due = _heldSince is null ? left : HeldMax - HeldFor();
        if (_looked is { } looked && LookEvery - _time.GetElapsedTime(looked) is var look && look < due) due = look;
        return due < left ? due : left;
    }
}
