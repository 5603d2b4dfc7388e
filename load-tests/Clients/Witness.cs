using System.Collections.Concurrent;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace R1Grains.LoadTests.Clients;

/// <summary>Keeps what every client saw, from the moment it asked.</summary>
internal sealed class Witness
{
    private static readonly JsonSerializerOptions JsonOptions = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseUpper) },
    };

    private readonly ConcurrentQueue<SeenTurn> _turns = [];

    public IReadOnlyList<SeenTurn> Turns => [.. _turns];

    public SeenTurn Expect(Question question, long due)
    {
        var seen = new SeenTurn(question, due);
        _turns.Enqueue(seen);
        return seen;
    }

    /// <summary>One turn a line, so that another eye can go over it.</summary>
    public async Task Write(string path, CancellationToken cancellation)
    {
        await using var file = File.CreateText(path);
        foreach (var turn in _turns)
            await file.WriteLineAsync(JsonSerializer.Serialize(turn, JsonOptions).AsMemory(), cancellation);
    }
}
