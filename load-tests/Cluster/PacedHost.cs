using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using R1Grains.Engine;
using R1Grains.Engine.Tests.Scripted;
using R1Grains.Operations;

namespace R1Grains.LoadTests.Cluster;

/// <param name="TokensPerSecond">Of each row: a step takes the time of one token.</param>
/// <param name="AnswerLength">In tokens, at least.</param>
internal sealed record Pace(double TokensPerSecond, int AnswerLength)
{
    private const string Rate = "PACED_TOKENS_PER_SECOND", Length = "PACED_ANSWER_LENGTH";

    public IEnumerable<KeyValuePair<string, string>> Environment =>
    [
        new(Rate, TokensPerSecond.ToString(CultureInfo.InvariantCulture)),
        new(Length, AnswerLength.ToString(CultureInfo.InvariantCulture)),
    ];

    public static Pace FromEnvironment() => new(
        double.Parse(System.Environment.GetEnvironmentVariable(Rate) ?? "20", CultureInfo.InvariantCulture),
        int.Parse(System.Environment.GetEnvironmentVariable(Length) ?? "140", CultureInfo.InvariantCulture));

    public string Answer(string words) => PacedAnswers.To(words, AnswerLength);
}

/// <summary>The host as it ships, but for its model, which is paced, and the clock of its machine, which can be set.</summary>
internal static class PacedHost
{
    private const int ContextLength = 8_192;

    /// <returns>The exit code.</returns>
    public static Task<int> RunAsync(string[] settings) => StartFailure.Told(() => R1Host.Run(settings, Configure));

    private static void Configure(WebApplicationBuilder builder)
    {
        var model = ScriptedModel.Create(ContextLength);
        builder.Services.AddHostedService<MemoryReport>();
        builder.Services.AddSingleton<TimeProvider>(new SteadyTime(WallClock.FromEnvironment()));
        if (!Settings.From(builder.Configuration).Roles.HasFlag(Roles.Inference))
            builder.Services.AddSingleton(model);
        else
            builder.Services.AddSingleton(provider =>
            {
                var (settings, pace) = (provider.GetRequiredService<Settings>(), Pace.FromEnvironment());
                return new InferenceEngine(model, new PacedRunner(model, pace.Answer, TimeSpan.FromSeconds(1 / pace.TokensPerSecond), settings.Engine.Rows), settings.Engine, provider.GetRequiredService<TimeProvider>());
            });
    }
}
