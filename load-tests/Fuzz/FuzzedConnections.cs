using System.Net;
using System.Net.Sockets;

namespace R1Grains.LoadTests.Fuzz;

/// <summary>Connections that speak HTTP/2 badly: each may be broken by the server at any time, and must disturb no other.</summary>
internal static class FuzzedConnections
{
    private const int AtOnce = 32;
    private const int FramesMax = 40;
    private static readonly byte[] Preface = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8];
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(50);

    public static Task Open(IPEndPoint server, int count, int seed, CancellationToken cancellation) =>
        Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation }, async (i, stop) =>
        {
            var random = new Random(HashCode.Combine(seed, i));
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, LingerState = new(random.Next(2) == 0, 0) };
            try
            {
                await socket.ConnectAsync(server, stop);
                await socket.SendAsync(Said(random), stop);
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
                patience.CancelAfter(Patience);
                var answer = new byte[4_096];
                while (await socket.ReceiveAsync(answer, patience.Token) > 0)
                {
                }
            }
            catch (Exception broken) when (broken is SocketException || (broken is OperationCanceledException && !stop.IsCancellationRequested))
            {
                // As it may be.
            }
        });

    /// <summary>A preface that is right as a rule, and frames of every kind with flags, streams and lengths by chance.</summary>
    private static byte[] Said(Random random)
    {
        var said = new List<byte>(random.Next(10) == 0 ? Mutations.Of(Preface, random) : Preface);
        if (random.Next(10) > 0) said.AddRange([0, 0, 0, 4, 0, 0, 0, 0, 0]);
        for (var frames = random.Next(FramesMax); frames > 0; frames--)
        {
            var payload = new byte[random.Next(5) == 0 ? random.Next(2_000) : random.Next(16)];
            random.NextBytes(payload);
            var length = random.Next(20) == 0 ? random.Next(1 << 24) : payload.Length;
            var stream = random.Next(4) switch { 0 => 0, 1 => random.Next(), _ => 2 * random.Next(20) + 1 };
            said.AddRange([(byte)(length >> 16), (byte)(length >> 8), (byte)length, (byte)random.Next(random.Next(10) == 0 ? 256 : 10), (byte)random.Next(256), (byte)(stream >> 24), (byte)(stream >> 16), (byte)(stream >> 8), (byte)stream]);
            // Headers that are some: a request for a method.
            said.AddRange(random.Next(3) == 0 ? [0x83, 0x86, 0x84, 0x41, 1, (byte)'x'] : payload);
        }
        return [.. said];
    }
}
