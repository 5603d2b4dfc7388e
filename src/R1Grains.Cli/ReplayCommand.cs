using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Grpc.Core;
using R1Grains.V1;
using Spectre.Console;

namespace R1Grains.Cli;

/// <summary><c>r1 replay</c></summary>
internal static class ReplayCommand
{
    private const int ShownHexDigits = 12;

    private static readonly Argument<string> Turn = new("turn") { Description = "The turn as conversation/turns/number, or its full name." };

    public static Command Create()
    {
        var command = new ExampledCommand(
            "replay",
            "Answers an ended turn again, from its recorded prompt, seed and settings, and compares every token with the record. Says IDENTICAL (exit code 0), DIFFERS and where (1), or NOT_COMPARABLE and why (2), e.g. where another model or another kind of machine answered. It changes nothing, and takes about as long as the answer took.",
            """
            r1 replay 3f2a/turns/2
            r1 replay tenants/demo/conversations/3f2a/turns/2 --json
            """) { Turn, Listing.Json }.WithServer();
        command.SetAction(Run);
        return command;
    }

    private static async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var connection = parsed.Connect();
        var request = new ReplayTurnRequest { Turn = Names.Turn(parsed.TenantName(), parsed.GetRequiredValue(Turn)) };
        var replay = await WithProgress(progress => Read(connection, request, progress, cancellation));
        Console.WriteLine(parsed.GetValue(Listing.Json) ? Listing.JsonOf(replay) : Words(replay));
        return replay.Result switch
        {
            Replay.Types.Result.Identical => ExitCode.Done,
            Replay.Types.Result.Differs => ExitCode.Refused,
            _ => ExitCode.Usage,
        };
    }

    /// <summary>Reads a replay to its end. One that breaks is asked for again: it changes nothing.</summary>
    private static async Task<Replay> Read(Connection connection, ReplayTurnRequest request, Action<ReplayProgress>? progress, CancellationToken cancellation)
    {
        var outage = new Outage(TimeProvider.System, TurnReader.Patience);
        var furthest = 0;
        while (true)
        {
            Refusal broken;
            try
            {
                using var call = connection.Transcripts.ReplayTurn(request, cancellationToken: cancellation);
                await foreach (var happened in call.ResponseStream.ReadAllAsync(cancellation))
                {
                    if (happened.Replay is { } replay)
                        return replay;
                    if (happened.Progress is not { } made)
                        continue;
                    progress?.Invoke(made);
                    // A server that breaks at the same place each time is not asked for ever.
                    if (made.ComparedTokens <= furthest)
                        continue;
                    furthest = made.ComparedTokens;
                    outage.Ended();
                }
                broken = new(StatusCode.Unavailable, "CONNECTION_BROKEN", "the stream ended before the replay", null, null, IsServers: false);
            }
            catch (RpcException exception)
            {
                cancellation.ThrowIfCancellationRequested();
                broken = Refusal.Of(exception);
            }
            if (!broken.IsTransient)
                throw new RefusedException(broken);
            connection.MoveOn();
            await outage.Break(broken, connection, cancellation);
        }
    }

    private static Task<Replay> WithProgress(Func<Action<ReplayProgress>?, Task<Replay>> read) =>
        Console.IsErrorRedirected || Console.IsOutputRedirected
            ? read(null)
            : AnsiConsole.Progress().AutoClear(true).StartAsync(context =>
            {
                var task = context.AddTask("tokens");
                return read(made => (task.MaxValue, task.Value) = (Math.Max(1, made.RecordedTokens), made.ComparedTokens));
            });

    private static string Words(Replay replay)
    {
        var answered = $"{replay.RecordedRelease.Model} {Short(replay.RecordedRelease.ModelHash)}, numerics {string.Join(", ", replay.Segments.Select(segment => Short(segment.Numerics)).Distinct())}";
        return replay.Result switch
        {
            Replay.Types.Result.Identical => string.Create(CultureInfo.InvariantCulture, $"IDENTICAL: {Count(replay.ComparedTokens, "token")} in {Count(replay.Segments.Count, "segment")}; {answered}"),
            Replay.Types.Result.Differs => string.Create(CultureInfo.InvariantCulture, $"DIFFERS at token {replay.Difference.Index} of {replay.RecordedTokens}: {Words(replay.Difference)}; {answered}"),
            _ => $"NOT_COMPARABLE: {JsonNamingPolicy.SnakeCaseUpper.ConvertName($"{replay.Obstacle.Reason}")}: {replay.Obstacle.Detail}",
        };
    }

    private static string Words(Replay.Types.Difference difference) =>
        !difference.HasReplayedTokenId ? string.Create(CultureInfo.InvariantCulture, $"recorded {difference.RecordedTokenId}, the replay ends there")
        : !difference.HasRecordedTokenId ? string.Create(CultureInfo.InvariantCulture, $"the recorded reply ends there, replayed {difference.ReplayedTokenId}")
        : string.Create(CultureInfo.InvariantCulture, $"recorded {difference.RecordedTokenId}, replayed {difference.ReplayedTokenId}");

    private static string Count(int count, string what) => string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");

    private static string Short(string hex) => hex[..Math.Min(ShownHexDigits, hex.Length)];
}
