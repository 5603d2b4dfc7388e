using System.Text;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace R1Grains.Tests.Operations;

/// <summary>A span as it was received, with the parts that tests ask about; ids in hex, attributes as text.</summary>
internal sealed record ReceivedSpan(string Trace, string Id, string Parent, string Name, string Process, IReadOnlyDictionary<string, string> Attributes);

/// <summary>An OpenTelemetry collector on loopback, for OTLP over HTTP.</summary>
internal sealed class TraceCollector : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly List<ReceivedSpan> _spans = [];
    private readonly StringBuilder _bodies = new();

    private TraceCollector(WebApplication app) => _app = app;

    public string Address => _app.Urls.Single();

    public IReadOnlyList<ReceivedSpan> Spans
    {
        get
        {
            lock (_spans) return [.. _spans];
        }
    }

    /// <summary>Everything that was received, byte for byte.</summary>
    public string Bodies
    {
        get
        {
            lock (_spans) return _bodies.ToString();
        }
    }

    public static async Task<TraceCollector> StartAsync()
    {
        var app = WebApplication.CreateSlimBuilder().Build();
        app.Urls.Add("http://127.0.0.1:0");
        var collector = new TraceCollector(app);
        app.MapPost("/v1/traces", (HttpRequest request) => collector.Take(request));
        app.MapPost("/v1/metrics", () => Results.Ok());
        await app.StartAsync();
        return collector;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task Take(HttpRequest request)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        var bytes = body.ToArray();
        lock (_spans)
        {
            _bodies.Append(Encoding.UTF8.GetString(bytes));
            foreach (var resource in Parts(bytes, 1)) _spans.AddRange(Of(resource));
        }
    }

    // The numbers are those of opentelemetry/proto/trace/v1/trace.proto.
    private static IEnumerable<ReceivedSpan> Of(byte[] resource)
    {
        var process = Attributes(Parts(resource, 1).Single(), 1).GetValueOrDefault("service.instance.id", "");
        foreach (var span in Parts(resource, 2).SelectMany(scope => Parts(scope, 2)))
            yield return new(Hex(span, 1), Hex(span, 2), Hex(span, 4), Encoding.UTF8.GetString(Parts(span, 5).Single()), process, Attributes(span, 9));
    }

    private static string Hex(byte[] message, int field) => Convert.ToHexStringLower(Parts(message, field).SingleOrDefault() ?? []);

    private static Dictionary<string, string> Attributes(byte[] message, int field) => Parts(message, field).ToDictionary(
        pair => Encoding.UTF8.GetString(Parts(pair, 1).Single()),
        pair => Value(Parts(pair, 2).Single()));

    private static string Value(byte[] any)
    {
        var input = new CodedInputStream(any);
        var tag = input.ReadTag();
        return WireFormat.GetTagWireType(tag) switch
        {
            WireFormat.WireType.LengthDelimited => input.ReadBytes().ToStringUtf8(),
            WireFormat.WireType.Varint => $"{input.ReadInt64()}",
            _ => $"{input.ReadDouble()}",
        };
    }

    /// <summary>The values of a field that has bytes, a text or messages.</summary>
    private static List<byte[]> Parts(byte[] message, int field)
    {
        var (input, parts) = (new CodedInputStream(message), new List<byte[]>());
        while (input.ReadTag() is var tag and not 0)
            if (WireFormat.GetTagFieldNumber(tag) == field) parts.Add(input.ReadBytes().ToByteArray());
            else input.SkipLastField();
        return parts;
    }
}
