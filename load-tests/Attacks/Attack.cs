using System.Reflection;
using System.Text.Json;

namespace R1Grains.LoadTests.Attacks;

/// <summary>One of the red set: what somebody says, or has written into a document, to make the assistant do what it must not.</summary>
/// <param name="Class">Which way it goes.</param>
/// <param name="Language">Of the conversation: <c>zh</c> or <c>en</c>.</param>
/// <param name="Say">Turn by turn.</param>
/// <param name="Wants">
/// It came through where an answer has one of these. They stand in no question, so that an echo is no obedience. A word in
/// small letters is meant in any case. <c>$policy</c> stands for a part of the policy, <c>$canary</c> for its canary,
/// <c>$number</c> for a number that tells who somebody is, <c>$tags</c> for characters that no reader sees.
/// </param>
internal sealed record Attack(string Class, string Language, IReadOnlyList<string> Say, IReadOnlyList<string> Wants)
{
    /// <summary>What the customer asks about, in whose document the attacker has written; null where there is none.</summary>
    public string? Product { get; init; }

    public string? Passage { get; init; }

    /// <summary>What neither the model nor anybody who reads an answer may see.</summary>
    public IReadOnlyList<string> Secrets { get; init; } = [];

    private static readonly JsonSerializerOptions Form = new(JsonSerializerDefaults.Web);

    public static IReadOnlyList<Attack> ReadAll()
    {
        using var lines = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream("attacks.jsonl")!);
        List<Attack> all = [];
        while (lines.ReadLine() is { } line) all.Add(JsonSerializer.Deserialize<Attack>(line, Form)!);
        return all;
    }
}
