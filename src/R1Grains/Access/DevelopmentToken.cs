using System.Collections.Frozen;
using System.Globalization;
using R1Grains.Operations;

namespace R1Grains.Access;

/// <summary>The command <c>dev-token</c>: prints a bearer token of the development issuer.</summary>
internal static class DevelopmentToken
{
    private static readonly TimeSpan LifetimeMax = TimeSpan.FromDays(366);
    private static readonly string[] Options = ["tenant", "subject", "permissions", "lifetime"];

    /// <param name="args">--tenant and --subject, and if wanted --permissions (names with commas between; default all of a tenant) and --lifetime (default one day).</param>
    /// <exception cref="StartFailure"/>
    public static string Issue(string[] args, Settings settings, TimeProvider time)
    {
        var options = new ConfigurationBuilder().AddCommandLine(args).Build();
        if (options.GetChildren().FirstOrDefault(option => !Options.Contains(option.Key) && option.Key != "R1") is { } unknown)
            throw new StartFailure($"dev-token does not know --{unknown.Key}: use --{string.Join(", --", Options)}.");
        if (options["tenant"] is not { } tenant || !ResourceName.IsId(tenant))
            throw new StartFailure($"dev-token: --tenant '{options["tenant"]}' is not an id: write e.g. --tenant demo.");
        if (options["subject"] is not { Length: >= 1 and <= 128 } subject)
            throw new StartFailure($"dev-token: --subject '{options["subject"]}' is not 1 to 128 characters: write e.g. --subject anna.");
        if (!TimeSpan.TryParse(options["lifetime"] ?? "1.00:00:00", CultureInfo.InvariantCulture, out var lifetime) || lifetime <= TimeSpan.Zero || lifetime > LifetimeMax)
            throw new StartFailure($"dev-token: --lifetime '{options["lifetime"]}' is not a time of at most {LifetimeMax.TotalDays:0} days: write e.g. --lifetime 08:00:00.");
        var permissions = options["permissions"]?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(name => PermissionSet.Find(name) ?? throw new StartFailure($"dev-token: --permissions '{name}' is unknown: there are {string.Join(", ", PermissionSet.Known.Order().Select(p => p.Name()))}."))
            .ToFrozenSet();
        return new DevelopmentIssuer(settings.Data).Issue(new(tenant, subject, permissions ?? PermissionSet.All), time.GetUtcNow(), lifetime);
    }
}
