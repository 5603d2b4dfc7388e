using System.Diagnostics;
using Grpc.Core;
using R1Grains.V1;
using Kind = R1Grains.V1.TurnEvent.EventOneofCase;

namespace R1Grains.LoadTests.Clients;

/// <param name="TurnTime">From the first attempt to the turn's deadline.</param>
/// <param name="ObeysAdvice">Waits and asks again where the server refuses with retry advice; else that is the answer.</param>
/// <param name="ReadPause">How long the client takes over each event before it reads the next.</param>
internal sealed record ClientRules(TimeSpan TurnTime, bool ObeysAdvice, TimeSpan ReadPause = default);

/// <summary>
/// One contact-centre connection as the contract wants it: until a turn is accepted the same request is sent again,
/// then it is resumed after the last piece, at the next address, until its deadline. It shows everything that came and
/// mends nothing.
/// </summary>
/// <param name="at">The address it begins with.</param>
internal sealed class TurnClient(Servers servers, string? token, ClientRules rules, int at)
{
    /// <summary>An accepted turn says something every three seconds at least; before, pings alone tell a dead server.</summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(6);

    /// <summary>How a turn ended at its deadline can be read for so long.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private int _at = at;

    /// <returns>The same turn, as it ended for the client; it throws only when cancelled.</returns>
    public async Task<SeenTurn> Ask(SeenTurn seen, CancellationToken cancellation)
    {
        var began = Stopwatch.GetTimestamp();
        var deadline = TimeProvider.System.GetUtcNow() + rules.TurnTime;
        for (var breaks = 0; ; breaks++)
        {
            if (Stopwatch.GetElapsedTime(began) > rules.TurnTime + (seen.Index > 0 ? Grace : TimeSpan.Zero))
                return End(seen, SeenEnd.GivenUp, seen.Breaks.LastOrDefault()?.Reason ?? "DEADLINE");
            var had = seen.Pieces.Count;
            if (await Read(seen, deadline, cancellation) is not { } trouble) return seen;
            if (!trouble.IsTransient && !(rules.ObeysAdvice && trouble.RetryAfter is not null))
                return End(seen, seen.Index > 0 ? SeenEnd.GivenUp : SeenEnd.Refused, trouble.Reason);

            seen.Breaks.Add(new(Stopwatch.GetTimestamp(), servers.Address(_at), trouble.Reason, seen.Pieces.Count > 0 ? seen.Pieces[^1].At : null));
            if (seen.Pieces.Count > had) breaks = 0;
            if (trouble.IsTransient) _at++;
            // Each address is tried once before the pauses grow.
            var pause = FirstPause * Math.Pow(2, Math.Min(breaks / servers.Addresses.Count, 8));
            if (!trouble.IsTransient) pause = trouble.RetryAfter!.Value;
            await Task.Delay(pause < LongestPause ? pause : LongestPause, TimeProvider.System, cancellation);
        }
    }

    /// <summary>One connection's part of the turn. Null when the turn has ended.</summary>
    private async Task<Trouble?> Read(SeenTurn seen, DateTimeOffset deadline, CancellationToken cancellation)
    {
        var (question, client) = (seen.Question, servers.Turns(_at, token));
        try
        {
            using var call = seen.Index == 0
                ? client.StreamTurn(new() { Conversation = question.Conversation, RequestId = question.RequestId, Input = new() { Text = question.Words } },
                    deadline: deadline.UtcDateTime, cancellationToken: cancellation)
                : client.ResumeTurn(new() { Turn = seen.Name, AfterSequence = seen.LastSequence },
                    deadline: (deadline + Grace).UtcDateTime, cancellationToken: cancellation);
            while (await call.ResponseStream.MoveNext(cancellation).WaitAsync(seen.Index > 0 ? LongestSilence : Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation))
            {
                if (Take(seen, call.ResponseStream.Current))
                {
                    await Leave(call, cancellation);
                    return null;
                }
                if (rules.ReadPause > TimeSpan.Zero) await Task.Delay(rules.ReadPause, TimeProvider.System, cancellation);
            }
            return Trouble.Broken("STREAM_ENDED", "the stream ended before its turn");
        }
        catch (TimeoutException)
        {
            return Trouble.Broken("SILENCE", $"silence for {LongestSilence.TotalSeconds:0} s");
        }
        catch (RpcException exception)
        {
            cancellation.ThrowIfCancellationRequested();
            return Trouble.Of(exception);
        }
    }

    /// <summary>After the last event the server ends the stream: who leaves before that cancels it, as no client does that reads to the end.</summary>
    private static async Task Leave(AsyncServerStreamingCall<TurnEvent> call, CancellationToken cancellation)
    {
        try
        {
            await call.ResponseStream.MoveNext(cancellation).WaitAsync(LongestSilence, TimeProvider.System, cancellation);
        }
        catch (Exception late) when (late is RpcException or TimeoutException)
        {
            // The turn has ended all the same.
        }
    }

    /// <summary>True when it was the last event.</summary>
    private static bool Take(SeenTurn seen, TurnEvent happened)
    {
        var now = Stopwatch.GetTimestamp();
        switch (happened.EventCase)
        {
            case Kind.Accepted when seen.Index == 0:
                (seen.Index, seen.AcceptedAt) = (happened.Accepted.Index, now);
                break;
            case Kind.Accepted when happened.Accepted.Index != seen.Index:
                seen.OtherIndexes.Add(happened.Accepted.Index);
                break;
            case Kind.TextDelta:
                seen.Pieces.Add(new(happened.Sequence, happened.TextDelta, now));
                break;
            case Kind.Completed:
                if (happened.Completed.Usage is { } usage)
                    (seen.Tokens, seen.ReasoningTokens, seen.PromptTokens) = (usage.ReasoningTokens + usage.AnswerTokens, usage.ReasoningTokens, usage.PromptTokens);
                End(seen, SeenEnd.Completed, reason: null);
                return true;
            case Kind.Failed:
                End(seen, SeenEnd.Failed, Trouble.Of(happened.Failed).Reason);
                return true;
        }
        return false;
    }

    private static SeenTurn End(SeenTurn seen, SeenEnd end, string? reason)
    {
        (seen.End, seen.Reason, seen.EndedAt) = (end, reason, Stopwatch.GetTimestamp());
        return seen;
    }
}
