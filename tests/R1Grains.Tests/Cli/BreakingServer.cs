using System.Collections.Concurrent;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using R1Grains.V1;
using Status = Google.Rpc.Status;

namespace R1Grains.Tests.Cli;

/// <summary>How a stream ends before its turn does.</summary>
public enum Break
{
    /// <summary>The connection is gone, with all that is on its way.</summary>
    Connection,

    /// <summary>Only this stream is reset, as proxies do.</summary>
    Stream,

    /// <summary>It ends well, but without the end of the turn.</summary>
    End,

    /// <summary>The server says that it stops.</summary>
    Draining,

    /// <summary>A piece of text is left out.</summary>
    Skip,

    /// <summary>Nothing more comes, and nothing is closed.</summary>
    Silence,
}

/// <summary>The one turn of these tests, as servers of one cluster record it.</summary>
internal sealed class RecordedTurn
{
    public const string Name = "tenants/demo/conversations/c1/turns/1";

    public static readonly string[] Pieces = ["年费", "是 200 元，", "首年免年费。", "Spending five times\n", "waives it. ", "👍"];

    public static readonly string Answer = string.Concat(Pieces);

    /// <summary>Each id that a turn was asked with, however often.</summary>
    public ConcurrentDictionary<string, int> RequestIds { get; } = [];
}

/// <summary>Answers a turn over real connections and breaks its first streams as planned; whatever it sends keeps the contract.</summary>
/// <param name="plan">For each call in order: how it breaks, and after how many events; 0 is before acceptance.</param>
internal sealed class BreakingServer : TurnService.TurnServiceBase, IAsyncDisposable
{
    private readonly ConcurrentQueue<(Break How, int After)> _plan;
    private readonly RecordedTurn _record;
    private readonly WebApplication _app;

    private BreakingServer(RecordedTurn record, IEnumerable<(Break, int)> plan)
    {
        (_record, _plan) = (record, new(plan));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(this);
        _app = builder.Build();
        _app.MapGrpcService<BreakingServer>();
    }

    /// <summary>What was called, e.g. "stream" or "resume 3".</summary>
    public ConcurrentQueue<string> Calls { get; } = [];

    /// <summary>Stays known after the end.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>Answers instead of accepting, if set.</summary>
    public Status? Refusal { get; set; }

    public static async Task<BreakingServer> Start(RecordedTurn record, params IEnumerable<(Break, int)> plan)
    {
        var server = new BreakingServer(record, plan);
        await server._app.StartAsync();
        server.Address = new(server._app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single());
        return server;
    }

    public override Task StreamTurn(StreamTurnRequest request, IServerStreamWriter<TurnEvent> responseStream, ServerCallContext context)
    {
        Calls.Enqueue("stream");
        if (Refusal is not null)
            throw Refusal.ToRpcException();
        _record.RequestIds.AddOrUpdate(request.RequestId, 1, (_, times) => times + 1);
        return Send(0, responseStream, context);
    }

    public override Task ResumeTurn(ResumeTurnRequest request, IServerStreamWriter<TurnEvent> responseStream, ServerCallContext context)
    {
        Assert.Equal(RecordedTurn.Name, request.Turn);
        Calls.Enqueue($"resume {request.AfterSequence}");
        return Send((int)request.AfterSequence, responseStream, context);
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    private async Task Send(int after, IServerStreamWriter<TurnEvent> stream, ServerCallContext context)
    {
        var (how, left) = _plan.TryDequeue(out var planned) ? planned : (default, int.MaxValue);
        foreach (var happened in Events(after))
        {
            if (left-- == 0)
            {
                if (how is not Break.Skip)
                {
                    await BreakOff(how, context);
                    return;
                }
                continue;
            }
            await stream.WriteAsync(happened);
        }
    }

    private static IEnumerable<TurnEvent> Events(int after)
    {
        yield return new() { Sequence = after, Accepted = new() { Turn = RecordedTurn.Name, Index = 1 } };
        yield return new() { Sequence = after, ReasoningProgress = new() { Tokens = 7 } };
        for (var n = after + 1; n <= RecordedTurn.Pieces.Length; n++)
        {
            yield return new() { Sequence = n, TextDelta = RecordedTurn.Pieces[n - 1] };
            if (n == 3)
                yield return new() { Sequence = n, Heartbeat = new() };
        }
        yield return new() { Sequence = RecordedTurn.Pieces.Length, Completed = new() { FinishReason = Completed.Types.FinishReason.Stop } };
    }

    private static async Task BreakOff(Break how, ServerCallContext context)
    {
        switch (how)
        {
            case Break.Connection:
                context.GetHttpContext().Features.GetRequiredFeature<IConnectionLifetimeFeature>().Abort();
                break;
            case Break.Stream:
                context.GetHttpContext().Abort();
                break;
            case Break.Draining:
                throw Refused(Code.Unavailable, "NODE_DRAINING", "this node is stopping").ToRpcException();
            case Break.Silence:
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.CancellationToken);
                break;
        }
    }

    public static Status Refused(Code code, string reason, string detail) => new()
    {
        Code = (int)code,
        Message = detail,
        Details = { Any.Pack(new ErrorInfo { Domain = "r1grains", Reason = reason }) },
    };
}
