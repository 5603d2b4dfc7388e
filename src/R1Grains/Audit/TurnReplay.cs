using R1Grains.Conversations;
using R1Grains.Engine;
using R1Grains.Inference;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Audit;

/// <summary>Runs ended turns again and compares what is sampled with what is recorded. It reads the record and writes nothing into it.</summary>
public sealed class TurnReplay(IRecord record, InferenceRouter router, Model model, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan ProgressEvery = TimeSpan.FromSeconds(1);

    // One replay at a time: however many are asked for, the devices' queues stay the customers'.
    private readonly SemaphoreSlim _place = new(1);

    /// <param name="deadline">When the caller stops waiting; null for as long as it takes.</param>
    /// <param name="progress">Told how many tokens were found identical, of how many: at first when a device has admitted the replay.</param>
    /// <exception cref="RefusedException">There is no such turn, it has not ended, or no device takes or finishes the replay.</exception>
    public async Task<Verdict> Run(ConversationKey key, int number, DateTimeOffset? deadline, Func<int, int, Task> progress, CancellationToken stop)
    {
        var turn = await Find(key, number, stop);
        var closed = turn.Closed ?? throw new RefusedException(new(Reason.TurnInProgress, $"{key}/turns/{number} is in progress: replay it when it has ended"));
        var (prompt, altered) = await ReadPrompt(key, number, stop);
        var devices = await router.Numerics();
        int[] ids = [.. turn.TokenIds];
        var verdict = new Verdict(turn, model, [.. devices.Values.Select(numerics => numerics.ToString())], Segment.Of(turn.Opened, closed, ids.Length), ids.Length);
        if (Obstacle(verdict, prompt, altered) is { } obstacle) return verdict with { Obstacle = obstacle };

        await _place.WaitAsync(stop);
        try
        {
            foreach (var segment in verdict.Segments)
            {
                var request = turn.Opened.Request(prompt!, ids[..segment.First]) with { Id = $"replays/{Guid.NewGuid():n}", Priority = Priority.Batch, Deadline = deadline, Trace = Tracing.Here };
                using var generation = await router.Submit(request, devices.First(device => device.Value == segment.Numerics).Key);
                var ends = closed.Outcome is Outcome.Completed && segment == verdict.Segments[^1];
                if (await Compare(generation, ids, segment, ends, at => progress(at, ids.Length), stop) is { } difference)
                    return verdict with { Compared = difference.Index, Difference = difference };
            }
            return verdict with { Compared = ids.Length };
        }
        finally
        {
            _place.Release();
        }
    }

    public void Dispose() => _place.Dispose();

    /// <param name="ends">Whether the reply has to end after the segment.</param>
    private async Task<Difference?> Compare(Generation generation, int[] ids, Segment segment, bool ends, Func<int, Task> progress, CancellationToken stop)
    {
        if (generation.Numerics != segment.Numerics)
            throw new RefusedException(new(Reason.ModelUnavailable, $"inference device {generation.Device} has another arithmetic than a moment ago: send the same request again"));
        long? told = null;
        for (var at = segment.First; at < segment.End || ends;)
        {
            if (told is not { } before || time.GetElapsedTime(before) >= ProgressEvery)
            {
                told = time.GetTimestamp();
                await progress(at);
            }
            // Not on the thread that reads for all.
            var happened = await generation.Next(ProgressEvery, stop).AsTask().ConfigureAwait(ConfigureAwaitOptions.ForceYielding | ConfigureAwaitOptions.ContinueOnCapturedContext);
            stop.ThrowIfCancellationRequested();
            switch (happened)
            {
                case { Kind: EmissionKind.Token, TokenId: var id } when at == segment.End || id != ids[at]:
                    return new(at, at < ids.Length ? ids[at] : null, id);
                case { Kind: EmissionKind.Token }:
                    at++;
                    break;
                case { Kind: EmissionKind.Finished, Completion: var completion }:
                    RequireEnd(completion!);
                    return at < segment.End ? new(at, ids[at], null) : null;
            }
        }
        return null;
    }

    private async Task<TurnRecord> Find(ConversationKey key, int number, CancellationToken stop)
    {
        if (await record.FindConversationAsync(key, stop) is null) throw Refuse.Missing(key);
        var turn = await record.FindTurnAsync(key, number, stop) ?? throw Refuse.MissingTurn(key, number);
        return turn.IsErased ? throw Refuse.Erased(key) : turn;
    }

    /// <summary>What was altered is told as such: it may be what the replay was asked for to find out.</summary>
    private async Task<(int[]? Prompt, string? Altered)> ReadPrompt(ConversationKey key, int number, CancellationToken stop)
    {
        try
        {
            return (await record.ReadPromptAsync(key, number, stop), null);
        }
        catch (RecordDamagedException damaged)
        {
            return (null, damaged.Message);
        }
    }

    private static Obstacle? Obstacle(Verdict verdict, int[]? prompt, string? altered)
    {
        var (release, present) = (verdict.Turn.Opened.Release, verdict.Present);
        var missing = verdict.Segments.FirstOrDefault(segment => !verdict.PresentNumerics.Contains($"{segment.Numerics}"));
        return verdict.Recorded == 0 ? new(Incomparability.NothingSampled, "the turn ended before its first token")
            : release.ModelHash.ToString() != present.Hash ? new(Incomparability.OtherModel, $"{release.ModelName} ({release.ModelHash}) answered, {present.Name} ({present.Hash}) is served here: replay it where that model is served")
            : release.Template != present.Template.Name ? new(Incomparability.OtherTemplate, $"the chat template was {release.Template}, here it is {present.Template.Name}: replay it with the version that answered")
            : altered is not null ? new(Incomparability.PromptAltered, altered)
            : prompt is null ? new(Incomparability.PromptMissing, "the prompt's tokens are not kept with the turn any more")
            : missing is not null ? new(Incomparability.OtherNumerics, $"tokens {missing.First} to {missing.End - 1} were computed on numerics {missing.Numerics}, here is {string.Join(", ", verdict.PresentNumerics)}: replay it on the machine that answered, or one like it")
            : null;
    }

    private static void RequireEnd(Completion completion)
    {
        if (completion.Reason is Engine.FinishReason.Deadline)
            throw new RefusedException(new(Reason.DeadlineExceeded, "the deadline passed before the replay was complete: send the same request with a later one"));
        if (completion.Reason is Engine.FinishReason.Failed or Engine.FinishReason.Cancelled)
            throw new RefusedException(new(Reason.ModelUnavailable, completion.Error ?? "the device ended the replay"));
    }
}
