using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace R1Grains.LoadTests.Cluster;

/// <summary>
/// Stands before a server at an address that stays, and passes on what comes. It can cut every connection at once, as a
/// failing network does, and let another server step into the place of the one behind it.
/// </summary>
/// <param name="server">Host and port; null while nobody is behind it, and connections are closed.</param>
/// <param name="bytesPerSecond">Of each connection, from the server; null for as fast as it goes.</param>
internal sealed class Door : IAsyncDisposable
{
    private const int BufferBytes = 16_384;

    // What a throttled reader leaves unread is to fill up soon.
    private const int ThrottledBufferBytes = 2_048;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentDictionary<Socket, Task> _links = [];
    private readonly int? _bytesPerSecond;
    private readonly Task _accepting;
    private volatile IPEndPoint? _server;

    public Door(string? server, int? bytesPerSecond = null)
    {
        (_bytesPerSecond, Server) = (bytesPerSecond, server);
        if (bytesPerSecond is not null) _listener.Server.SendBufferSize = ThrottledBufferBytes;
        _listener.Start();
        _accepting = Accept();
    }

    public string Address => $"127.0.0.1:{Port}";

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public string? Server
    {
        get => _server?.ToString();
        set => _server = value is null ? null : IPEndPoint.Parse(value);
    }

    /// <summary>Resets every connection that goes through; new ones are welcome.</summary>
    public void Cut()
    {
        foreach (var socket in _links.Keys) Reset(socket);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting;
        Cut();
        await Task.WhenAll(_links.Values);
        _end.Dispose();
    }

    private async Task Accept()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_end.Token);
                var link = new TaskCompletionSource();
                _links[client] = link.Task;
                _ = Task.Run(async () =>
                {
                    await Link(client);
                    _links.TryRemove(client, out _);
                    link.SetResult();
                }, CancellationToken.None);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>Until either side has ended; then the other one is ended in the same way.</summary>
    private async Task Link(Socket client)
    {
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        try
        {
            if (_bytesPerSecond is not null) server.ReceiveBufferSize = ThrottledBufferBytes;
            await server.ConnectAsync(_server ?? throw new SocketException((int)SocketError.ConnectionRefused), _end.Token);
            await await Task.WhenAny(Pass(client, server, bytesPerSecond: null), Pass(server, client, _bytesPerSecond));
        }
        catch (Exception broken) when (broken is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            Reset(client);
        }
        client.Dispose();
    }

    private async Task Pass(Socket from, Socket to, int? bytesPerSecond)
    {
        var buffer = new byte[bytesPerSecond is null ? BufferBytes : Math.Min(BufferBytes, bytesPerSecond.Value)];
        while (await from.ReceiveAsync(buffer, _end.Token) is var read and > 0)
        {
            for (var sent = 0; sent < read;) sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), _end.Token);
            if (bytesPerSecond is { } rate) await Task.Delay(TimeSpan.FromSeconds((double)read / rate), TimeProvider.System, _end.Token);
        }
    }

    private static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new(enable: true, seconds: 0);
            socket.Dispose();
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
        }
    }
}

/// <summary>A door before each of several servers.</summary>
internal sealed class Doors(IEnumerable<string> servers, int? bytesPerSecond) : IAsyncDisposable
{
    private readonly Door[] _doors = [.. servers.Select(server => new Door(new Uri(server).Authority, bytesPerSecond))];

    public IReadOnlyList<string> Addresses => [.. _doors.Select(door => $"http://{door.Address}")];

    public Task Cut()
    {
        foreach (var door in _doors) door.Cut();
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var door in _doors) await door.DisposeAsync();
    }
}
