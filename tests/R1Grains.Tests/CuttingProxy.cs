using System.Net;
using System.Net.Sockets;

namespace R1Grains.Tests;

/// <summary>Stands between a client and a server, and cuts the first connections as a failing network does.</summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Uri _server;
    private readonly Task _accepting;
    private int _cuts;

    /// <param name="cuts">How many connections to close before they carry anything.</param>
    public CuttingProxy(string server, int cuts)
    {
        (_server, _cuts) = (new(server), cuts);
        _listener.Start();
        _accepting = Accept();
    }

    public string Address => $"http://{_listener.LocalEndpoint}";

    /// <summary>Connections cut so far.</summary>
    public int Cut { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting;
        _end.Dispose();
    }

    private async Task Accept()
    {
        var links = new List<Task>();
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_end.Token);
                if (_cuts-- > 0)
                {
                    client.Dispose();
                    Cut++;
                }
                else
                {
                    links.Add(Link(client));
                }
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(links);
        }
    }

    private async Task Link(TcpClient client)
    {
        using var inner = client;
        using var outer = new TcpClient();
        await outer.ConnectAsync(_server.Host, _server.Port);
        var (near, far) = (inner.GetStream(), outer.GetStream());
        try
        {
            await Task.WhenAny(near.CopyToAsync(far, _end.Token), far.CopyToAsync(near, _end.Token));
        }
        catch (OperationCanceledException)
        {
        }
    }
}
