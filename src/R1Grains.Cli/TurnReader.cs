using System.Runtime.CompilerServices;
using Grpc.Core;
using R1Grains.V1;

namespace R1Grains.Cli;

/// <summary>
/// Reads one turn to its end over any number of broken connections. Text comes as it stands in the record: pieces
/// 1, 2, 3 … without gap or repeat. Until the turn is accepted the same request is sent again; from then on it is resumed
/// after the last piece.
/// </summary>
internal sealed class TurnReader(Connection connection, TimeProvider time)
{
    /// <summary>How long a broken turn looks for a server: longer than one takes to be started again.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>An accepted turn that is silent for so long has lost its server, which else says something every three seconds.</summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(6);

    /// <summary>A stream that held for so long ends an outage even if it brought nothing new.</summary>
    private static readonly TimeSpan Steady = TimeSpan.FromSeconds(10);

    /// <summary>Told about every break, before the next attempt.</summary>
    public Action<Refusal>? Broken { get; init; }

    /// <inheritdoc cref="Read"/>
    public IAsyncEnumerable<TurnEvent> Ask(StreamTurnRequest request, CancellationToken cancellation) =>
        Read(request, "", 0, cancellation);

    /// <param name="afterSequence">Of the last piece of text at hand; 0 for none.</param>
    /// <inheritdoc cref="Read"/>
    public IAsyncEnumerable<TurnEvent> Resume(string turn, long afterSequence, CancellationToken cancellation) =>
        Read(null, turn, afterSequence, cancellation);

    /// <returns>The turn's events; the last is <c>completed</c> or <c>failed</c>.</returns>
    /// <exception cref="RefusedException"/>
    /// <exception cref="UnreachableException"/>
    private async IAsyncEnumerable<TurnEvent> Read(
        StreamTurnRequest? request, string turn, long sequence, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var outage = new Outage(time, Patience);
        var reasoning = 0;
        while (true)
        {
            using var call = turn is ""
                ? connection.Turns.StreamTurn(request, cancellationToken: cancellation)
                : connection.Turns.ResumeTurn(new() { Turn = turn, AfterSequence = sequence }, cancellationToken: cancellation);
            var began = time.GetTimestamp();
            Refusal? broken;
            while (true)
            {
                broken = await Next(call.ResponseStream, accepted: turn is not "", cancellation);
                if (broken is not null)
                    break;

                var turnEvent = call.ResponseStream.Current;
                switch (turnEvent.EventCase)
                {
                    case TurnEvent.EventOneofCase.Accepted when turn is not "":
                        continue;
                    case TurnEvent.EventOneofCase.Accepted:
                        turn = turnEvent.Accepted.Turn;
                        outage.Ended();
                        break;
                    case TurnEvent.EventOneofCase.TextDelta when turnEvent.Sequence <= sequence:
                        continue;
                    case TurnEvent.EventOneofCase.TextDelta when turnEvent.Sequence == sequence + 1:
                        sequence++;
                        outage.Ended();
                        break;
                    case TurnEvent.EventOneofCase.ReasoningProgress when turnEvent.ReasoningProgress.Tokens > reasoning:
                        reasoning = turnEvent.ReasoningProgress.Tokens;
                        outage.Ended();
                        break;
                }
                // Text is missing: what comes now must not be shown before it.
                if (turnEvent.Sequence > sequence)
                {
                    broken = Transport($"piece {turnEvent.Sequence} came after piece {sequence} of {turn}");
                    break;
                }

                yield return turnEvent;
                if (turnEvent.EventCase is TurnEvent.EventOneofCase.Completed or TurnEvent.EventOneofCase.Failed)
                    yield break;
            }

            if (!broken.IsTransient)
                throw new RefusedException(broken);
            if (time.GetElapsedTime(began) >= Steady)
                outage.Ended();
            Broken?.Invoke(broken);
            connection.MoveOn();
            await outage.Break(broken, connection, cancellation);
        }
    }

    /// <summary>Null once the next event is there, else why none will come.</summary>
    private async Task<Refusal?> Next(IAsyncStreamReader<TurnEvent> stream, bool accepted, CancellationToken cancellation)
    {
        try
        {
            var next = stream.MoveNext(cancellation);
            // A turn that waits behind others is silent until it is accepted.
            return await (accepted ? next.WaitAsync(LongestSilence, time, cancellation) : next)
                ? null
                : Transport("the stream ended before its turn");
        }
        catch (TimeoutException)
        {
            return Transport($"silence for {LongestSilence.TotalSeconds:0} s");
        }
        catch (RpcException exception)
        {
            cancellation.ThrowIfCancellationRequested();
            return Refusal.Of(exception);
        }
    }

    private static Refusal Transport(string detail) => new(StatusCode.Unavailable, "CONNECTION_BROKEN", detail, null, null, IsServers: false);
}
