using System.Collections.Frozen;
using System.Globalization;
using R1Grains.Operations;

namespace R1Grains.Access;

/// <summary>The command <c>dev-token</c>: prints a bearer token of the development issuer.</summary>
internal static class DevelopmentToken
{
    private static readonly TimeSpan LifetimeMax = TimeSpan.FromDays(366);
    private static readonly string[] Options = ["tenant", "subject", "roles", "permissions", "lifetime"];

    /// <param name="args">--tenant and --subject, and if wanted --roles and --permissions (names with commas between; without either all permissions of a tenant) and --lifetime (default one day).</param>
    /// <exception cref="StartFailure"/>
    public static string Issue(string[] args, Settings settings, TimeProvider time)
    {
        if (!settings.TrustsDevelopmentIssuer)
            throw new StartFailure($"dev-token: where R1__Oidc__Authority is set ({settings.Oidc?.Authority.OriginalString ?? "or R1__DevelopmentIssuer is false"}), no server takes a token of the development issuer: ask that issuer for one, or set R1__DevelopmentIssuer=true on both.");
        var options = new ConfigurationBuilder().AddCommandLine(args).Build();
        if (options.GetChildren().FirstOrDefault(option => !Options.Contains(option.Key) && option.Key != "R1") is { } unknown)
            throw new StartFailure($"dev-token does not know --{unknown.Key}: use --{string.Join(", --", Options)}.");
        if (options["tenant"] is not { } tenant || !ResourceName.IsId(tenant))
            throw new StartFailure($"dev-token: --tenant '{options["tenant"]}' is not an id: write e.g. --tenant demo.");
        if (options["subject"] is not { } subject || !Caller.IsSubject(subject))
            throw new StartFailure($"dev-token: --subject '{options["subject"]}' is not 1 to 128 characters: write e.g. --subject anna.");
        if (!TimeSpan.TryParse(options["lifetime"] ?? "1.00:00:00", CultureInfo.InvariantCulture, out var lifetime) || lifetime <= TimeSpan.Zero || lifetime > LifetimeMax)
            throw new StartFailure($"dev-token: --lifetime '{options["lifetime"]}' is not a time of at most {LifetimeMax.TotalDays:0} days: write e.g. --lifetime 08:00:00.");
        var roles = Names(options["roles"])?.ToArray();
        if (roles?.FirstOrDefault(name => Role.Find(name) is null) is { } stranger)
            throw new StartFailure($"dev-token: --roles '{stranger}' is unknown: there are {string.Join(", ", Role.All.Select(role => role.Name))}.");
        var permissions = Names(options["permissions"])?
            .Select(name => PermissionSet.Find(name) ?? throw new StartFailure($"dev-token: --permissions '{name}' is unknown: there are {string.Join(", ", PermissionSet.Known.Order().Select(p => p.Name()))}."))
            .ToFrozenSet();
        return new DevelopmentIssuer(settings.Data).Issue(new(tenant, subject, permissions ?? (roles is null ? PermissionSet.All : [])), time.GetUtcNow(), lifetime, roles ?? []);
    }

    private static IEnumerable<string>? Names(string? list) => list?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
