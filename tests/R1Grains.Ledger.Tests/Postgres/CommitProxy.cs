using System.Net;
using System.Net.Sockets;

namespace R1Grains.Ledger.Tests.Postgres;

/// <summary>Stands between a record and its server, and cuts the connection at a commit, once it is told to.</summary>
internal sealed class CommitProxy : IAsyncDisposable
{
    private static readonly byte[] Committed = "COMMIT\0"u8.ToArray();

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _serverPort;
    private readonly Task _accepting;
    private volatile Cut _armed;

    public CommitProxy(int serverPort)
    {
        _serverPort = serverPort;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public enum Cut
    {
        None,

        /// <summary>The server has committed, and its answer is lost.</summary>
        Answer,

        /// <summary>The server's first answer in the transaction arrives, and nothing of what follows reaches it.</summary>
        Request,
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Cuts { get; private set; }

    public void Arm(Cut cut) => _armed = cut;

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception stopped) when (stopped is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var server = new TcpClient();
        using (client)
        {
            await server.ConnectAsync(IPAddress.Loopback, _serverPort);
            var begun = false;
            await Task.WhenAny(
                Pump(client, server, _ => _armed is Cut.Request && begun),
                Pump(server, client, answer =>
                {
                    begun |= answer.IndexOf("BEGIN\0"u8) >= 0;
                    return _armed is Cut.Answer && answer.IndexOf(Committed) >= 0;
                }));
        }
    }

    private async Task Pump(TcpClient from, TcpClient to, Func<ReadOnlySpan<byte>, bool> cuts)
    {
        var buffer = new byte[65_536];
        try
        {
            while (await from.GetStream().ReadAsync(buffer) is > 0 and var length)
            {
                if (cuts(buffer.AsSpan(0, length)))
                {
                    _armed = Cut.None;
                    Cuts++;
                    return;
                }
                await to.GetStream().WriteAsync(buffer.AsMemory(0, length));
            }
        }
        catch (Exception cut) when (cut is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // One of the two has gone.
        }
    }
}
