using System.Globalization;
using System.Net;
using R1Grains.Access;
using R1Grains.Cluster;
using R1Grains.Engine;
using R1Grains.Gateway;
using R1Grains.Ledger.Retention;
using R1Grains.Operations;

namespace R1Grains;

/// <summary>What an operator may set: in the section R1 of appsettings.json, as <c>R1__Name</c> in the environment, or as <c>--R1:Name</c>.</summary>
public sealed record Settings
{
    private static readonly IPEndPoint StandardListen = new(IPAddress.Loopback, 5080);
    private static readonly IPEndPoint StandardSiloListen = new(IPAddress.Loopback, 0);
    private const int NameLengthMax = 100;
    private const int RowsMax = 1024;
    private static readonly TimeSpan TimeMax = TimeSpan.FromDays(1);
    private static readonly TimeSpan StandardTurnTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan StandardShutdownTimeout = TimeSpan.FromSeconds(30);

    public required Roles Roles { get; init; }

    /// <summary>Connection string of the database that holds the record, snapshots and reminders; null for SQLite in <see cref="Data"/>.</summary>
    public string? Postgres { get; init; }

    /// <summary>The same of a login that reads the record and no more; null for that of <see cref="Postgres"/>.</summary>
    public string? PostgresReader { get; init; }

    /// <summary>The same of a login that keeps the search index; null for that of <see cref="Postgres"/>.</summary>
    public string? PostgresIndexer { get; init; }

    /// <summary>The same of a login that makes the tables; null for that of <see cref="Postgres"/>.</summary>
    public string? PostgresOwner { get; init; }

    /// <summary>Connection string of the Redis in which the silos meet; null for a process alone.</summary>
    public string? Redis { get; init; }

    /// <summary>Names the cluster: processes with another name are strangers, though they meet in the same Redis.</summary>
    public required string Cluster { get; init; }

    /// <summary>Unique in the cluster, and the same after a restart.</summary>
    public required string SiloName { get; init; }

    /// <summary>Where the other silos reach this one; port 0 takes any free one.</summary>
    public required IPEndPoint SiloListen { get; init; }

    /// <summary>With what the silos prove to each other that they are of one cluster; null for connections in plain text.</summary>
    public SiloTls? SiloTls { get; init; }

    /// <summary>Where gRPC listens; port 0 takes any free one. Beyond loopback every call needs a token.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>Whose tokens are taken; null where the development issuer's alone are.</summary>
    public OidcSettings? Oidc { get; init; }

    /// <summary>Whether whoever reads the data folder can be anyone, and on loopback everybody is the development's caller.</summary>
    public required bool TrustsDevelopmentIssuer { get; init; }

    /// <summary>With what gRPC's port proves itself to clients; null for plain text.</summary>
    public GatewayTls? Tls { get; init; }

    /// <summary>What a gateway takes of each caller and tenant, as R1:Limits:Name.</summary>
    public required LimitSettings Limits { get; init; }

    /// <summary>Full path of the folder that holds the record and the process's keys.</summary>
    public required string Data { get; init; }

    /// <summary>Full path of the private key that signs the record's trees, a PEM file that is made where it is missing; null for one in <see cref="Data"/>.</summary>
    public string? RecordKey { get; init; }

    /// <summary>Full path of the folder that holds the keys of what is said, which every process of the cluster reads; null for one in <see cref="Data"/>.</summary>
    public string? RecordKeys { get; init; }

    /// <summary>Connection string of a database of their own in which they lie instead; null for a folder.</summary>
    public string? KeyDatabase { get; init; }

    /// <summary>What opens these keys: 32 bytes in base64, a secret, while it is replaced several with white space between; null for a file in <see cref="Data"/> that is made where it is missing.</summary>
    public string? RootKey { get; init; }

    /// <summary>Full path of the folder of a witness, or a copy of it: what it cosigned must be in the record. Null for none.</summary>
    public string? RecordWitness { get; init; }

    /// <summary>How long what was said is kept, as R1:Retention:Name.</summary>
    public required RetentionRules Retention { get; init; }

    /// <summary>The engine of every device: the model's folder as R1:Model, the rest as R1:Engine:Name.</summary>
    public required EngineOptions Engine { get; init; }

    /// <summary>Full path of the folder that has a folder per tenant.</summary>
    public required string Tenants { get; init; }

    /// <summary>How long a turn may take from its opening on; a caller's earlier deadline ends it sooner.</summary>
    public required TimeSpan TurnTimeout { get; init; }

    /// <summary>How long a stopping process waits for running turns.</summary>
    public required TimeSpan ShutdownTimeout { get; init; }

    /// <summary>Where Prometheus may scrape: on loopback, because it asks for no token; null for nowhere.</summary>
    public IPEndPoint? Metrics { get; init; }

    /// <summary>Where gateways show the dashboard of Orleans to operators; null for a silo that is not in it.</summary>
    public IPEndPoint? Dashboard { get; init; }

    public bool ShowsDashboard => Dashboard is not null && Roles.HasFlag(Roles.Gateway);

    /// <summary>Whether the process reads or writes what is sealed in the record.</summary>
    public bool HoldsKeys => Roles.HasFlag(Roles.Conversation) || Roles.HasFlag(Roles.Gateway);

    public bool IsEmbedded => Postgres is null && Redis is null;

    public bool LoopbackOnly => IPAddress.IsLoopback(Listen.Address);

    /// <exception cref="StartFailure">Names the setting, its value and what to write instead.</exception>
    public static Settings From(IConfiguration configuration)
    {
        var r1 = configuration.GetSection("R1");
        var oidc = OidcFrom(r1);
        var settings = new Settings
        {
            Roles = Read(r1, "Roles", Roles.All, TryRoles, "gateway, conversation, inference, or some of them with commas between"),
            Postgres = Named(configuration.GetConnectionString("Postgres")),
            PostgresReader = Named(configuration.GetConnectionString("PostgresReader")),
            PostgresIndexer = Named(configuration.GetConnectionString("PostgresIndexer")),
            PostgresOwner = Named(configuration.GetConnectionString("PostgresOwner")),
            Redis = Named(configuration.GetConnectionString("Redis")),
            Cluster = Read(r1, "Cluster", "r1grains", TryName, "a name of letters, digits, '-', '_' and '.', at most 100"),
            SiloName = Read(r1, "Silo:Name", Environment.MachineName, TryName, "a name of letters, digits, '-', '_' and '.', at most 100, that no other process of the cluster has"),
            SiloListen = Read(r1, "Silo:Listen", StandardSiloListen, TryReachable, "the address and port where the other silos reach this one, e.g. 10.0.0.7:11111"),
            SiloTls = SiloTlsFrom(r1),
            Listen = Read(r1, "Listen", StandardListen, TryAddress, "an address with a port, e.g. 127.0.0.1:5080"),
            Oidc = oidc,
            TrustsDevelopmentIssuer = Read(r1, "DevelopmentIssuer", oidc is null, bool.TryParse, "true or false"),
            Tls = TlsFrom(r1),
            Limits = LimitsFrom(r1, new()),
            Data = Path.GetFullPath(r1["Data"] ?? "data"),
            RecordKey = Named(r1["Record:Key"]) is { } key ? Path.GetFullPath(key) : null,
            RecordKeys = Named(r1["Record:Keys"]) is { } keys ? Path.GetFullPath(keys) : null,
            RootKey = Named(r1["Record:RootKey"]),
            KeyDatabase = Named(configuration.GetConnectionString("Keys")),
            RecordWitness = Named(r1["Record:Witness"]) is { } witness ? Path.GetFullPath(witness) : null,
            Retention = RetentionFrom(r1),
            Engine = EngineFrom(r1, new() { Folder = Shipped(r1["Model"], "models/r1-tiny") }),
            Tenants = Shipped(r1["Tenants"], "tenants"),
            TurnTimeout = Read(r1, "TurnTimeout", StandardTurnTimeout, TryTime, "a time of at most a day, e.g. 00:05:00"),
            ShutdownTimeout = Read(r1, "ShutdownTimeout", StandardShutdownTimeout, TryTime, "a time of at most a day, e.g. 00:00:30"),
            Metrics = Read<IPEndPoint?>(r1, "Metrics", null, TryLoopback, "a loopback address with a port, e.g. 127.0.0.1:9464"),
            Dashboard = Read<IPEndPoint?>(r1, "Dashboard", null, TryAddress, "an address with a port, e.g. 127.0.0.1:8080"),
        };
        if (settings.Redis is null && settings.Roles != Roles.All)
            throw new StartFailure($"R1__Roles is '{r1["Roles"]}', and without ConnectionStrings__Redis no other process can have the other roles: name the Redis in which the cluster meets, or leave R1__Roles out.");
        if (settings.Redis is not null && settings.Postgres is null)
            throw new StartFailure("ConnectionStrings__Redis is set and ConnectionStrings__Postgres is not: the silos of a cluster write one record, so name the database that holds it.");
        if (settings is { RecordKeys: not null, KeyDatabase: not null })
            throw new StartFailure("ConnectionStrings__Keys and R1__Record__Keys are both set: keys lie in one place, so leave out one of them.");
        if (settings is { Redis: not null, HoldsKeys: true, RecordKeys: null, KeyDatabase: null })
            throw new StartFailure("ConnectionStrings__Redis is set, and neither ConnectionStrings__Keys nor R1__Record__Keys: the silos of a cluster seal one record, so name the database or the folder of keys that all of them share.");
        if (settings is { HoldsKeys: true, RootKey: null } && (settings.Redis ?? settings.KeyDatabase) is not null)
            throw new StartFailure("R1__Record__RootKey is not set: it opens the keys that the processes of a cluster share, so give all of them the same one (openssl rand -base64 32).");
        if (settings.Postgres is null && (settings.PostgresReader ?? settings.PostgresIndexer ?? settings.PostgresOwner) is not null)
            throw new StartFailure("ConnectionStrings__PostgresReader, ConnectionStrings__PostgresIndexer or ConnectionStrings__PostgresOwner is set and ConnectionStrings__Postgres is not: name the login that writes the record.");
        return settings;
    }

    private static string? Named(string? text) => text is { Length: > 0 } ? text : null;

    private static SiloTls? SiloTlsFrom(IConfiguration r1)
    {
        string[] names = ["Silo:Certificate", "Silo:Key", "Silo:Authority"];
        var files = Array.ConvertAll(names, name => Named(r1[name]) is { } file ? Path.GetFullPath(file) : null);
        return files switch
        {
            [{ } certificate, { } key, { } authority] => new(certificate, key, authority),
            [null, null, null] => null,
            _ => throw new StartFailure($"{string.Join(" and ", Variables(names.Where((_, i) => files[i] is not null)))} is set and {string.Join(" and ", Variables(names.Where((_, i) => files[i] is null)))} is not: name all three PEM files, or none for connections in plain text."),
        };
    }

    private static OidcSettings? OidcFrom(IConfiguration r1)
    {
        var section = r1.GetSection("Oidc");
        if (Named(section["Authority"]) is not { } named)
        {
            return section.GetChildren().FirstOrDefault(child => Named(child.Value) is not null) is { } other
                ? throw new StartFailure($"R1__Oidc__{other.Key} is set and R1__Oidc__Authority is not: name the issuer, e.g. https://login.example.com/realms/bank.")
                : null;
        }
        if (!Uri.TryCreate(named, UriKind.Absolute, out var authority) || !(authority.Scheme is "https" || authority is { Scheme: "http", IsLoopback: true }))
            throw new StartFailure($"R1__Oidc__Authority is '{named}': write the issuer's address as its tokens name it, with https, e.g. https://login.example.com/realms/bank.");
        return new(
            authority,
            Named(section["Audience"]) ?? throw new StartFailure("R1__Oidc__Audience is not set: write what the issuer's tokens for this server have as their audience, e.g. r1grains."),
            Named(section["Keys"]) is { } keys ? Path.GetFullPath(keys) : null,
            Read<string?>(r1, "Oidc:Tenant", null, TryTenant, "the id of the tenant of all tokens, or leave it out where they name it"),
            Named(section["TenantClaim"]) ?? Callers.TenantClaim,
            Named(section["SubjectClaim"]) ?? Callers.SubjectClaim,
            Named(section["RolesClaim"]) ?? Callers.RolesClaim,
            Named(section["PermissionsClaim"]) ?? Callers.PermissionsClaim);
    }

    private static bool TryTenant(string text, out string? tenant) => ResourceName.IsId(tenant = text);

    private static GatewayTls? TlsFrom(IConfiguration r1) => (Named(r1["Tls:Certificate"]), Named(r1["Tls:Key"])) switch
    {
        ({ } certificate, { } key) => new(Path.GetFullPath(certificate), Path.GetFullPath(key), Named(r1["Tls:ClientAuthority"]) is { } authority ? Path.GetFullPath(authority) : null),
        (null, null) when Named(r1["Tls:ClientAuthority"]) is not null => throw new StartFailure("R1__Tls__ClientAuthority is set and R1__Tls__Certificate is not: clients show their certificates over TLS alone, so name the gateway's own and its key as well."),
        (null, null) => null,
        var (certificate, _) => throw new StartFailure($"R1__Tls__{(certificate is null ? "Key is set and R1__Tls__Certificate" : "Certificate is set and R1__Tls__Key")} is not: name both PEM files, or neither for connections in plain text."),
    };

    private static LimitSettings LimitsFrom(IConfiguration r1, LimitSettings standard) => new(
        Read(r1, "Limits:CallerRate", standard.CallerRate, TryCount, "calls a second of one caller, 0 for no limit"),
        Read(r1, "Limits:TenantRate", standard.TenantRate, TryCount, "calls a second of one tenant, 0 for no limit"),
        Read(r1, "Limits:CallerCalls", standard.CallerCalls, TryCount, "calls of one caller at the same time, 0 for no limit"),
        Read(r1, "Limits:TenantCalls", standard.TenantCalls, TryCount, "calls of one tenant at the same time, 0 for no limit"),
        Read(r1, "Limits:TenantTokens", standard.TenantTokens, TryCount, "tokens a minute of one tenant, 0 for no limit"));

    private static RetentionRules RetentionFrom(IConfiguration r1)
    {
        var rules = Rules("Retention") with { Pieces = Read<Term?>(r1, "Retention:Pieces", null, TryTerm, "how long after their month pieces are kept, e.g. 18m or 180d, 0 for as long as their turns") is { } pieces && pieces != Term.None ? pieces : null };
        foreach (var (tenant, channel) in rules.Tenants.SelectMany(own => own.Value.Channels.Keys.Concat(rules.Channels.Keys).Append("").Select(channel => (own.Key, channel))).Concat(rules.Channels.Keys.Append("").Select(channel => ("", channel))))
        {
            if (rules.Of(tenant, channel) is { Maximum: { } maximum, Minimum: var minimum } && maximum.After(DateTimeOffset.UnixEpoch) < minimum.After(DateTimeOffset.UnixEpoch))
                throw new StartFailure($"R1__Retention keeps what was said{(tenant.Length > 0 ? $" in tenant '{tenant}'" : "")}{(channel.Length > 0 ? $" on channel '{channel}'" : "")} for {minimum} at least and destroys it after {maximum}: set a Maximum that is no shorter, or 0 for never.");
        }
        return rules;

        RetentionRules Rules(string path) => new()
        {
            Minimum = Read<Term?>(r1, $"{path}:Minimum", null, TryTerm, "how long nothing may be erased, e.g. 6y, 18m or 180d, 0 for no time"),
            Maximum = Read<Term?>(r1, $"{path}:Maximum", null, TryTerm, "after what time it is destroyed, e.g. 7y, 18m or 180d, 0 for never"),
            Channels = Named(path, "Channels"),
            Tenants = Named(path, "Tenants"),
        };

        Dictionary<string, RetentionRules> Named(string path, string kind) => r1.GetSection($"{path}:{kind}").GetChildren()
            .ToDictionary(child => child.Key, child => Rules($"{path}:{kind}:{child.Key}"), StringComparer.OrdinalIgnoreCase);
    }

    private static bool TryTerm(string text, out Term? term)
    {
        var isTerm = Term.TryParse(text, out var read);
        term = read;
        return isTerm;
    }

    private static EngineOptions EngineFrom(IConfiguration r1, EngineOptions standard) => standard with
    {
        Threads = Read(r1, "Engine:Threads", standard.Threads, TryCount, "a number, 0 for as many as the machine and the model have use for"),
        Rows = Read(r1, "Engine:Rows", standard.Rows, TryRows, "how many turns are answered at once, 1 to 1024, e.g. 16"),
        KvMebibytes = Read(r1, "Engine:KvMebibytes", standard.KvMebibytes, TryCount, "mebibytes for keys and values, 0 for half of what is free, on a GPU for most of it"),
        QueueLimit = Read(r1, "Engine:QueueLimit", standard.QueueLimit, TryCount, "how many turns may wait, e.g. 64"),
        Provider = Read(r1, "Engine:Provider", standard.Provider, TryProvider, "cpu, cuda, or the path of a CUDA plugin library, e.g. /opt/onnxruntime/libonnxruntime_providers_cuda_plugin.so"),
        Device = Read(r1, "Engine:Device", standard.Device, TryCount, "the number of a GPU, e.g. 0"),
        CapturesGraphs = Read(r1, "Engine:CapturesGraphs", standard.CapturesGraphs, bool.TryParse, "true or false"),
    };

    private delegate bool TryParse<T>(string text, out T value);

    private static T Read<T>(IConfiguration r1, string name, T standard, TryParse<T> parse, string form) =>
        r1[name] is not { Length: > 0 } text ? standard
        : parse(text, out var value) ? value
        : throw new StartFailure($"{Variables([name]).Single()} is '{text}': write {form}.");

    private static IEnumerable<string> Variables(IEnumerable<string> names) => names.Select(name => $"R1__{name.Replace(":", "__", StringComparison.Ordinal)}");

    private static bool TryAddress(string text, out IPEndPoint address) =>
        IPEndPoint.TryParse(text, out address!) && text.Contains($":{address.Port}", StringComparison.Ordinal);

    /// <summary>Others must be able to connect to it as it stands here.</summary>
    private static bool TryReachable(string text, out IPEndPoint address) =>
        TryAddress(text, out address) && !address.Address.Equals(IPAddress.Any) && !address.Address.Equals(IPAddress.IPv6Any);

    private static bool TryRoles(string text, out Roles roles)
    {
        roles = Roles.None;
        foreach (var word in text.Split([',', '|'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            // A number would be taken for a role.
            if (!char.IsLetter(word[0]) || !Enum.TryParse<Roles>(word, ignoreCase: true, out var role)) return false;
            roles |= role;
        }
        return roles != Roles.None;
    }

    private static bool TryName(string text, out string name)
    {
        name = text;
        return text.Length <= NameLengthMax && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
    }

    private static bool TryLoopback(string text, out IPEndPoint? address) => TryAddress(text, out address!) && IPAddress.IsLoopback(address.Address);

    private static bool TryCount(string text, out int count) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count);

    private static bool TryRows(string text, out int count) => TryCount(text, out count) && count is > 0 and <= RowsMax;

    /// <summary>What is no known word must look like a path, so that a misspelt word is not taken for one.</summary>
    private static bool TryProvider(string text, out string provider)
    {
        provider = text is EngineOptions.Cpu or EngineOptions.Cuda ? text : Path.GetFullPath(text);
        return provider == text || text.Contains(Path.DirectorySeparatorChar, StringComparison.Ordinal);
    }

    /// <summary>Bounded, because a bare number is a number of days.</summary>
    private static bool TryTime(string text, out TimeSpan time) =>
        TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out time) && time > TimeSpan.Zero && time <= TimeMax;

    /// <summary>What ships lies beside the binary; what the operator names is relative to where they stand.</summary>
    private static string Shipped(string? named, string standard) =>
        named is { Length: > 0 } ? Path.GetFullPath(named) : Path.Combine(AppContext.BaseDirectory, "deploy", standard);
}
