using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using R1Grains.V1;

namespace R1Grains.LoadTests.Fuzz;

/// <summary>Messages that are none, or nearly: each must get a status that says so, and none may be the server's fault.</summary>
internal sealed class FuzzedMessages : IDisposable
{
    private const int AtOnce = 64;

    // In tenths of a second the streams of what is right by chance have begun.
    private const string Deadline = "100m";
    private const string Internal = "13", Unknown = "2";

    private static readonly IReadOnlyList<MethodDescriptor> Methods = [.. ConversationService.Descriptor.Methods, .. TurnService.Descriptor.Methods, .. TranscriptService.Descriptor.Methods, .. GuardrailService.Descriptor.Methods, .. AccessService.Descriptor.Methods, .. TenantService.Descriptor.Methods, .. KeyService.Descriptor.Methods];

    private readonly HttpClient _http;
    private readonly string _address;

    public FuzzedMessages(string address)
    {
        _address = address;
        _http = new(new SocketsHttpHandler { EnableMultipleHttp2Connections = true });
    }

    /// <summary>By what calls ended with, empty where they ended without a status.</summary>
    public ConcurrentDictionary<string, int> Statuses { get; } = [];

    /// <summary>Calls that ended by the server's own fault, each with what was sent.</summary>
    public ConcurrentQueue<string> Blamed { get; } = [];

    /// <summary>The server's own faults.</summary>
    public int Faults => Statuses.GetValueOrDefault(Internal) + Statuses.GetValueOrDefault(Unknown);

    public Task Send(int count, int seed, CancellationToken cancellation) =>
        Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation }, async (i, stop) =>
        {
            // The same in every process, as hash codes are not.
            var random = new Random(unchecked(seed * 1_000_003 + i));
            var method = Methods[random.Next(Methods.Count)];
            var message = Framed(Mutations.Of(Valid(method.InputType), random), random);
            var status = await Call($"/{method.Service.FullName}/{method.Name}", message, stop);
            Statuses.AddOrUpdate(status, 1, (_, seen) => seen + 1);
            if (status is Internal or Unknown) Blamed.Enqueue($"{method.Name} with status {status} for {Convert.ToBase64String(message)}");
        });

    public void Dispose() => _http.Dispose();

    /// <summary>About a conversation and a turn that are there.</summary>
    private static byte[] Valid(MessageDescriptor type)
    {
        var request = (IMessage)Activator.CreateInstance(type.ClrType)!;
        foreach (var field in type.Fields.InDeclarationOrder())
        {
            object? value = field switch
            {
                { Name: "parent" } when type.Name is nameof(ListTurnsRequest) => Conversation,
                { Name: "parent" } => "tenants/demo",
                { Name: "name" } when type.Name is nameof(GetTurnRequest) or nameof(CancelTurnRequest) => $"{Conversation}/turns/1",
                // Nobody may end the conversation of the others.
                { Name: "name" } when type.Name is nameof(CompleteConversationRequest) => $"{Conversation}-ended",
                { Name: "turn" } => $"{Conversation}/turns/1",
                { Name: "name" or "conversation", FieldType: FieldType.String } => Conversation,
                { Name: "conversation_id" } => ConversationId,
                { Name: "request_id" } => "fuzz",
                { Name: "input" } => new TurnInput { Text = "请问年费是多少？" },
                { Name: "conversation" } => new V1.Conversation { Customer = "customers/1", LanguageCode = "zh", Labels = { ["branch"] = "7" } },
                { Name: "page_size" } => 10,
                _ => null,
            };
            if (value is not null) field.Accessor.SetValue(request, value);
        }
        return request.ToByteArray();
    }

    public const string ConversationId = "fuzz";
    private const string Conversation = $"tenants/demo/conversations/{ConversationId}";

    /// <summary>Behind gRPC's five bytes, which lie now and then.</summary>
    private static byte[] Framed(byte[] message, Random random)
    {
        var framed = new byte[5 + message.Length];
        framed[0] = random.Next(20) == 0 ? (byte)random.Next(256) : (byte)0;
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), random.Next(20) == 0 ? random.Next(int.MinValue, int.MaxValue) : message.Length);
        message.CopyTo(framed, 5);
        return framed;
    }

    private async Task<string> Call(string path, byte[] body, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _address + path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = new("application/grpc");
        request.Headers.Add("te", "trailers");
        request.Headers.Add("grpc-timeout", Deadline);
        request.Headers.Add("grpc-encoding", "gzip");
        try
        {
            using var response = await _http.SendAsync(request, stop);
            await response.Content.ReadAsByteArrayAsync(stop);
            return response.Headers.TryGetValues("grpc-status", out var values) || response.TrailingHeaders.TryGetValues("grpc-status", out values) ? values.Single() : "";
        }
        catch (HttpRequestException)
        {
            return "";
        }
    }
}
