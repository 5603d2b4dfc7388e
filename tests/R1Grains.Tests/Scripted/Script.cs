using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using R1Grains.Engine;
using R1Grains.Engine.Tests.Scripted;

namespace R1Grains.Tests.Scripted;

/// <summary>
/// What a model without weights says to every customer: <paramref name="Reasoning"/>, then <paramref name="Answer"/>,
/// a byte a token. In the answer {words} stands for what the customer said last, and {turn} for the number of the turn.
/// </summary>
/// <param name="TokensPerSecond">Pace of each turn; null for as fast as the machine goes.</param>
internal sealed record Script(string Reasoning = "Let me see.", string Answer = "You said: {words}", double? TokensPerSecond = null)
{
    private const int ContextLength = 16_384;
    private const int BeginsUser = 258;
    private const int BeginsAssistant = 259;

    /// <summary>When set, each step of the model waits for a permit.</summary>
    public SemaphoreSlim? Gate { get; init; }

    public IEnumerable<(string Name, string Value)> Environment =>
    [
        ("SCRIPT_REASONING", Reasoning),
        ("SCRIPT_ANSWER", Answer),
        ("SCRIPT_PACE", TokensPerSecond?.ToString(CultureInfo.InvariantCulture) ?? ""),
    ];

    public static Script FromEnvironment() => new(
        System.Environment.GetEnvironmentVariable("SCRIPT_REASONING")!,
        System.Environment.GetEnvironmentVariable("SCRIPT_ANSWER")!,
        System.Environment.GetEnvironmentVariable("SCRIPT_PACE") is { Length: > 0 } pace ? double.Parse(pace, CultureInfo.InvariantCulture) : null);

    /// <summary>Puts the script in the place of the shipped model.</summary>
    public void Configure(WebApplicationBuilder builder)
    {
        var model = ScriptedModel.Create(ContextLength);
        if (!Settings.From(builder.Configuration).Roles.HasFlag(Roles.Inference))
            builder.Services.AddSingleton(model);
        else
            builder.Services.AddSingleton(provider =>
            {
                var settings = provider.GetRequiredService<Settings>();
                var runner = new ScriptedRunner(model, Next, settings.Engine.Rows) { TokensPerSecond = TokensPerSecond, Gate = Gate };
                return new InferenceEngine(model, runner, settings.Engine, TimeProvider.System);
            });
    }

    private int Next(IReadOnlyList<int> ids)
    {
        // A reply begins after the last '<think>' and its line break.
        var begin = Last(ids, ScriptedModel.ThinkOpen, ids.Count) + 2;
        var end = Last(ids, BeginsAssistant, begin);
        var user = Last(ids, BeginsUser, end);
        var words = Encoding.UTF8.GetString([.. Enumerable.Range(user + 1, end - user - 1).Select(i => (byte)ids[i])]);
        var turn = ids.Take(end).Count(id => id == BeginsUser);
        var answer = Answer.Replace("{words}", words, StringComparison.Ordinal).Replace("{turn}", turn.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        int[] reply = [.. Bytes(Reasoning), ScriptedModel.ThinkClose, .. Bytes(answer), ScriptedModel.End];
        return reply[Math.Min(ids.Count - begin, reply.Length - 1)];
    }

    private static int Last(IReadOnlyList<int> ids, int id, int before)
    {
        var i = before - 1;
        while (ids[i] != id)
            i--;
        return i;
    }

    private static IEnumerable<int> Bytes(string text) => Encoding.UTF8.GetBytes(text).Select(b => (int)b);
}
