using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;
using R1Grains.Audit;
using R1Grains.Cluster;
using R1Grains.Compliance;
using R1Grains.Conversations;
using R1Grains.Engine;
using R1Grains.Engine.Tests.Scripted;
using R1Grains.Inference;
using R1Grains.Knowledge;
using R1Grains.Ledger;
using R1Grains.Ledger.Keys;
using R1Grains.Tests.Servers;

namespace R1Grains.Tests.Scripted;

/// <summary>The rooms behind the gateway in one silo: real grains, a real record, a real engine, and a scripted model.</summary>
internal sealed class ScriptedSilo : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    public static readonly TimeSpan TurnTimeout = TimeSpan.FromMinutes(5);

    private readonly IHost _host;

    private ScriptedSilo(IHost host, ScriptedRunner runner, LoggedAlarms alarms) => (_host, Runner, Alarms) = (host, runner, alarms);

    public ScriptedRunner Runner { get; }

    public IRecord Record => _host.Services.GetRequiredService<IRecord>();

    public LoggedAlarms Alarms { get; }

    public Digest Numerics => Digest.Parse(Runner.Numerics);

    /// <param name="lexicon">What the tenant adds to the list that ships.</param>
    public static async Task<ScriptedSilo> Start(string folder, TimeProvider? time = null, int contextLength = 8_192, int rows = 16, int queueLimit = 64, IRecord? record = null, IRegistry? registry = null, Func<Model, ScriptedRunner>? scripted = null, TimeSpan? restAfter = null, string? lexicon = null, string facts = "## Ferry Card\nThe fee is 3 yuan.\n")
    {
        var model = ScriptedModel.Create(contextLength);
        var runner = scripted?.Invoke(model) ?? ScriptedReplies.Runner(model, rows);
        var opened = record ?? await SqliteRecord.OpenAsync(Path.Combine(folder, "data"));
        var builder = Host.CreateEmptyApplicationBuilder(null);
        var alarms = new LoggedAlarms();
        builder.Logging.AddProvider(alarms).SetMinimumLevel(LogLevel.Warning);
        builder.UseOrleans(silo => R1Grains.Cluster.Registration.Forget(silo.UseLocalhostClustering(siloPort: Loopback.FreePort(), gatewayPort: 0).AddNodes("silo", Roles.All)));
        var options = new EngineOptions { Folder = "", QueueLimit = queueLimit };
        builder.Services
            .AddSingleton(time ?? TimeProvider.System)
            .AddSingleton(_ => opened)
            .AddSingleton(_ => KeyRing.OpenBesideAsync(Path.Combine(folder, "data")).GetAwaiter().GetResult())
            .AddSingleton(_ => registry ?? ((StoredRecord)opened).Registry)
            .AddCompliance()
            .AddKnowledge(Tenants(folder, lexicon, facts))
            .AddInference(options, ownsDevice: true)
            .AddSingleton(provider => new InferenceEngine(model, runner, options, provider.GetRequiredService<TimeProvider>()))
            .AddSingleton<LiveTurns>()
            .AddConversations(TurnTimeout, restAfter)
            .AddAudit();
        var host = builder.Build();
        await host.StartAsync();
        return new(host, runner, alarms);
    }

    public IConversationGrain Grain(string conversation, string tenant = "demo") =>
        _host.Services.GetRequiredService<IGrainFactory>().GetGrain<IConversationGrain>($"{tenant}/{conversation}");

    public T Service<T>() where T : notnull => _host.Services.GetRequiredService<T>();

    /// <summary>Opens a conversation that nothing else uses.</summary>
    public async Task<IConversationGrain> Open(string conversation, string language = "en", TimeSpan? idleTimeout = null)
    {
        var grain = Grain(conversation);
        await grain.Create(New(conversation, language, idleTimeout));
        return grain;
    }

    public static NewConversation New(string requestId, string language = "en", TimeSpan? idleTimeout = null) => new(
        requestId, Hash(requestId), "anna", "chat", "customer-1", "assistant", language,
        ImmutableSortedDictionary<string, string>.Empty.Add("branch", "7"), idleTimeout ?? TimeSpan.FromMinutes(30));

    /// <summary>As the gateway would.</summary>
    public static UserTurn Ask(string requestId, string text, Concurrency concurrency = Concurrency.Queue, int? expected = null, DateTimeOffset? deadline = null)
    {
        var input = CustomerInput.Of(text);
        return new(requestId, Hash(input.Text), input.Text, concurrency, expected, "anna", deadline) { PersonalData = input.Items };
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        // Turns are let go of by now; a model that still waits at its gate may end.
        Runner.Gate?.Release(1_000_000);
        // The container disposes the engine and the record.
        if (_host is IAsyncDisposable host) await host.DisposeAsync();
    }

    private static string Tenants(string folder, string? lexicon, string facts)
    {
        var demo = Directory.CreateDirectory(Path.Combine(folder, "tenants", "demo")).FullName;
        File.WriteAllText(Path.Combine(demo, "policy.md"), "---\nversion: 3\n---\nBe brief.");
        File.WriteAllText(Path.Combine(demo, "facts.md"), $"---\nversion: 1\n---\n{facts}");
        if (lexicon is not null) File.WriteAllText(Path.Combine(demo, "lexicon.txt"), lexicon);
        return Path.Combine(folder, "tenants");
    }

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}

/// <summary>Keeps what was logged as an error and as critical.</summary>
internal sealed class LoggedAlarms : ILoggerProvider, ILogger
{
    private readonly List<(LogLevel Level, string Message)> _logged = [];

    public IReadOnlyList<string> Messages => Of(LogLevel.Critical);

    public IReadOnlyList<string> Errors => Of(LogLevel.Error);

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel level) => level >= LogLevel.Error;

    public void Log<TState>(LogLevel level, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> format)
    {
        if (IsEnabled(level)) lock (_logged) _logged.Add((level, format(state, exception)));
    }

    public void Dispose()
    {
    }

    private IReadOnlyList<string> Of(LogLevel level)
    {
        lock (_logged) return [.. _logged.Where(logged => logged.Level == level).Select(logged => logged.Message)];
    }
}
