using System.Diagnostics;
using Grpc.Core;
using R1Grains.V1;

namespace R1Grains.LoadTests.Engine;

/// <param name="Failed">Turns that were refused, failed, or took too long; they are not among the rest.</param>
internal sealed record Trial(int Turns, int Failed, double P50Ms, double P99Ms, double PromptTokens, double ReplyTokens);

internal sealed class TurnLoad(ConversationService.ConversationServiceClient conversations, TurnService.TurnServiceClient turns, TimeSpan patience)
{
    private const int OpenedAtOnce = 16;

    private int _trials;
    private int _questions;

    public async Task<Trial> TryAsync(double rate, double seconds, CancellationToken cancellation)
    {
        var seed = ++_trials;
        var opened = new string[OpenLoop.Times(rate, seconds, seed).Count];
        await Parallel.ForAsync(0, opened.Length, new ParallelOptions { MaxDegreeOfParallelism = OpenedAtOnce, CancellationToken = cancellation }, async (i, stop) =>
            opened[i] = (await conversations.CreateConversationAsync(new() { Parent = "tenants/demo", RequestId = $"{seed}-{i}", Conversation = new() { Channel = "load" } }, cancellationToken: stop)).Name);

        var (answers, _) = await OpenLoop.RunAsync(rate, seconds, seed, (i, due) => TurnAsync(opened[i], due, cancellation), cancellation);
        List<Answer> completed = [.. answers.OfType<Answer>()];
        // A turn that failed took longer than any that did not.
        var times = answers.Select(answer => answer?.Ms ?? double.PositiveInfinity).ToList();
        return new Trial(answers.Length, answers.Length - completed.Count, times.Median(), times.Quantile(0.99),
            completed.Select(answer => (double)answer.Usage.PromptTokens).DefaultIfEmpty().Average(),
            completed.Select(answer => (double)answer.Usage.ReasoningTokens + answer.Usage.AnswerTokens).DefaultIfEmpty().Average());
    }

    private async Task<Answer?> TurnAsync(string conversation, long due, CancellationToken cancellation)
    {
        var request = new StreamTurnRequest { Conversation = conversation, RequestId = "1", Input = new() { Text = Questions.Ask(Interlocked.Increment(ref _questions)) } };
        using var impatience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        impatience.CancelAfter(patience);
        try
        {
            using var call = turns.StreamTurn(request, cancellationToken: impatience.Token);
            while (await call.ResponseStream.MoveNext(impatience.Token))
            {
                if (call.ResponseStream.Current.Completed is { } completed)
                    return new Answer(Stopwatch.GetElapsedTime(due).TotalMilliseconds, completed.Usage);
                if (call.ResponseStream.Current.Failed is { } failed) Bench.Say($"a turn failed: {failed.Message}");
            }
        }
        catch (RpcException refused) when (!cancellation.IsCancellationRequested)
        {
            Bench.Say($"a turn failed: {refused.Status.Detail}");
        }
        return null;
    }

    private sealed record Answer(double Ms, Usage Usage);
}
