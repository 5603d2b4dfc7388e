using System.Diagnostics;
using R1Grains.Engine;

namespace R1Grains.LoadTests.Engine;

/// <summary>Rows that decode, reply after reply, until it is disposed of.</summary>
internal sealed class Neighbours : IAsyncDisposable
{
    private const int Prompt = 32;

    private readonly CancellationTokenSource _stop;
    private readonly Task<List<Reply>>[] _rows;

    private Neighbours(Serving serving, int rows, CancellationToken cancellation)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _rows = [.. Enumerable.Range(0, rows).Select(row => Task.Run(() => ReplyAsync(serving, row, _stop.Token), cancellation))];
    }

    /// <summary>Returns when all of them decode.</summary>
    public static async Task<Neighbours> StartAsync(Serving serving, int rows, CancellationToken cancellation)
    {
        var neighbours = new Neighbours(serving, rows, cancellation);
        while (serving.Engine.Status is var status && (status.Running < rows || status.QueuedTokens > 0))
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, cancellation);
        return neighbours;
    }

    /// <summary>Stops them and returns the times at which ids came, row by row.</summary>
    public async Task<IReadOnlyList<long>[]> StopAsync()
    {
        await _stop.CancelAsync();
        return [.. (await Task.WhenAll(_rows)).Select(replies => (IReadOnlyList<long>)[.. replies.SelectMany(reply => reply.Times)])];
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private static async Task<List<Reply>> ReplyAsync(Serving serving, int row, CancellationToken stop)
    {
        var replies = new List<Reply>();
        var sampling = new SamplingOptions { Temperature = 0, MaxTokens = serving.Engine.Model.ContextLength - Prompt };
        while (!stop.IsCancellationRequested)
            replies.Add(await serving.ReplyAsync(Prompts.Of(serving.Engine.Model, row, Prompt), sampling, scope: null, stop));
        return replies;
    }
}
