using System.Net;
using System.Net.Sockets;

namespace R1Grains.Tests.Servers;

internal static class Loopback
{
    /// <summary>A port that nobody listens on now; for servers that must know it before they start.</summary>
    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
