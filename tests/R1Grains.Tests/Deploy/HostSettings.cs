using Microsoft.Extensions.Configuration;
using R1Grains.Operations;

namespace R1Grains.Tests.Deploy;

/// <summary>The environment of the host: which variables it reads, and whether it takes their values.</summary>
internal static class HostSettings
{
    /// <summary>How long services stop after the turns, beyond <see cref="Settings.ShutdownTimeout"/>.</summary>
    public static readonly TimeSpan ServicesStop = TimeSpan.FromSeconds(10);

    // Read where the process is put together, or by OpenTelemetry itself.
    private static readonly string[] Others =
    [
        "ConnectionStrings__Postgres", "ConnectionStrings__PostgresReader", "ConnectionStrings__PostgresIndexer", "ConnectionStrings__PostgresOwner", "ConnectionStrings__Redis", "ConnectionStrings__Keys", "R1__Roles", "R1__Cluster", "R1__Silo__Name", "R1__Silo__Listen",
        "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_METRIC_EXPORT_INTERVAL", "OTEL_RESOURCE_ATTRIBUTES",
    ];

    private static readonly string[] Roles = ["gateway", "conversation", "inference"];

    private static readonly HashSet<string> Known = [.. Others, .. AskedFor()];

    /// <summary>Those of the names that look like a setting and are none.</summary>
    public static IEnumerable<string> Unknown(IEnumerable<string> names) => names.Where(name => !Known.Contains(name));

    /// <summary>What the host says to this environment; null if it takes it.</summary>
    public static string? Refusal(IReadOnlyDictionary<string, string> environment, out Settings? settings)
    {
        settings = null;
        if (environment.GetValueOrDefault("R1__Roles")?.Split(',').Except(Roles).FirstOrDefault() is { } role)
            return $"R1__Roles has '{role}'";
        try
        {
            settings = Settings.From(new ConfigurationBuilder()
                .AddInMemoryCollection(environment.Select(e => KeyValuePair.Create(e.Key.Replace("__", ":", StringComparison.Ordinal), (string?)e.Value)))
                .Build());
            return null;
        }
        catch (StartFailure refusal)
        {
            return refusal.Message;
        }
    }

    /// <summary>Every variable that <see cref="Settings.From"/> asks for.</summary>
    private static IEnumerable<string> AskedFor()
    {
        var asked = new Asked();
        Settings.From(new ConfigurationRoot([asked]));
        return asked.Keys.Select(key => key.Replace(":", "__", StringComparison.Ordinal));
    }

    private sealed class Asked : ConfigurationProvider
    {
        public HashSet<string> Keys { get; } = [];

        public override bool TryGet(string key, out string? value)
        {
            Keys.Add(key);
            value = null;
            return false;
        }
    }
}
