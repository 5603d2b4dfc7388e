using System.Diagnostics;
using Grpc.Core;
using R1Grains.V1;

namespace R1Grains.LoadTests.Clients;

/// <summary>The clients of one run: each belongs to a tenant, begins at another address, and is seen by the witness.</summary>
/// <param name="run">Stands in every conversation's id, so that runs do not meet.</param>
internal sealed class Crowd(Servers servers, IReadOnlyList<(string Name, string? Token)> tenants, ClientRules rules, Witness witness, string run)
{
    private const int OpenedAtOnce = 16;
    private static readonly TimeSpan OpenPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan OpenPause = TimeSpan.FromMilliseconds(200);

    private int _opened;

    public Witness Witness => witness;

    /// <summary>Opens so many conversations.</summary>
    public async Task<Caller[]> Open(int count, CancellationToken cancellation)
    {
        var callers = new Caller[count];
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = OpenedAtOnce, CancellationToken = cancellation }, async (i, stop) => callers[i] = await Open(stop));
        return callers;
    }

    /// <exception cref="TroubleException">No server opened it.</exception>
    public async Task<Caller> Open(CancellationToken cancellation)
    {
        var number = Interlocked.Increment(ref _opened);
        var (tenant, token) = tenants[number % tenants.Count];
        var began = Stopwatch.GetTimestamp();
        for (var at = number; ; at++)
        {
            try
            {
                var opened = await servers.Conversations(at, token).CreateConversationAsync(
                    new() { Parent = $"tenants/{tenant}", ConversationId = $"{run}-{number}", RequestId = $"{run}-{number}", Conversation = new() { Channel = "load" } },
                    cancellationToken: cancellation);
                return new(opened.Name, new TurnClient(servers, token, rules, at), witness);
            }
            catch (RpcException exception) when (!cancellation.IsCancellationRequested)
            {
                var trouble = Trouble.Of(exception);
                if (!trouble.IsTransient || Stopwatch.GetElapsedTime(began) > OpenPatience) throw new TroubleException(trouble);
                await Task.Delay(OpenPause, TimeProvider.System, cancellation);
            }
        }
    }

    /// <summary>Whether the conversation takes another turn: it is accepted, and ends when it is cancelled.</summary>
    public async Task<bool> TakesAnotherTurn(string conversation, CancellationToken cancellation)
    {
        var token = tenants.First(tenant => tenant.Name == conversation.Split('/')[1]).Token;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(rules.TurnTime);
        var probe = witness.Expect(new("probe", conversation, $"probe-{Guid.NewGuid():n}", "?"), Stopwatch.GetTimestamp());
        for (var at = 0; !patience.IsCancellationRequested; at++)
        {
            try
            {
                using var call = servers.Turns(at, token).StreamTurn(
                    new() { Conversation = conversation, RequestId = probe.Question.RequestId, Input = new() { Text = probe.Question.Words } }, cancellationToken: patience.Token);
                while (await call.ResponseStream.MoveNext(patience.Token))
                    if (call.ResponseStream.Current.Accepted is { } accepted)
                    {
                        probe.Index = accepted.Index;
                        var ended = await servers.Turns(at, token).CancelTurnAsync(new() { Name = accepted.Turn, RequestId = "probe" }, cancellationToken: patience.Token);
                        return ended.State is not (Turn.Types.State.Queued or Turn.Types.State.Running);
                    }
            }
            catch (RpcException) when (!cancellation.IsCancellationRequested)
            {
            }
            await Task.Delay(OpenPause, TimeProvider.System, cancellation);
        }
        return false;
    }
}

/// <summary>A conversation, and the client that speaks in it.</summary>
internal sealed class Caller(string conversation, TurnClient client, Witness witness)
{
    private int _asked;

    public string Conversation => conversation;

    /// <summary>A new turn.</summary>
    public Task<SeenTurn> Ask(string kind, string words, long due, CancellationToken cancellation, string? answer = null) =>
        Ask(new(kind, conversation, $"turn-{Interlocked.Increment(ref _asked)}", words, answer), due, cancellation);

    /// <summary>Whatever was asked before with this id.</summary>
    public Task<SeenTurn> Ask(Question question, long due, CancellationToken cancellation) => client.Ask(witness.Expect(question, due), cancellation);
}
