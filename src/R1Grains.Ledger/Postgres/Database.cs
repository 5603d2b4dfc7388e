using Npgsql;

namespace R1Grains.Ledger.Postgres;

/// <summary>Where the record's tables are, and connections to them. Each connection is new, and checked before it is used.</summary>
internal sealed class Database : IAsyncDisposable
{
    public const string Schema = "r1grains";

    /// <summary>Seconds until a server that does not answer is given up.</summary>
    private const int CommandTimeout = 3;
    private const int ConnectTimeout = 3;

    private const int VerifyTimeout = 60;

    private const int PooledMax = 4;
    private const string Creation = "CREATE DATABASE … ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0";

    private readonly NpgsqlDataSource _source;
    private readonly NpgsqlConnectionStringBuilder _settings;
    private readonly TargetSessionAttributes _target;
    private readonly bool _writable;

    private Database(NpgsqlConnectionStringBuilder settings, bool writable)
    {
        (_settings, _writable) = (settings, writable);
        Address = $"{string.Join(',', (settings.Host ?? "").Split(',').Select(host => host.Contains(':', StringComparison.Ordinal) ? host : $"{host}:{settings.Port}"))}/{settings.Database ?? settings.Username}";
        // The session's settings are ours; the pool is ours too, so that every connection is checked when it is made.
        settings.SearchPath = Schema;
        settings.Pooling = false;
        settings.Enlist = false;
        settings.Timeout = ConnectTimeout;
        // A cancelled wait for a synchronous standby would look like a commit: a connection that is too slow is dropped.
        settings.CancellationTimeout = -1;
        settings.TcpKeepAlive = true;
        settings.TcpKeepAliveTime = 5;
        settings.TcpKeepAliveInterval = 1;
        settings.MaxAutoPrepare = 50;
        settings.AutoPrepareMinUsages = 2;
        settings.IncludeErrorDetail = false;
        settings.ApplicationName ??= "r1grains";
        _target = Target(settings.TargetSessionAttributes, writable);
        settings.TargetSessionAttributes = null;
        // A host's part may change at any moment: what was seen of it before says nothing.
        if (HasSeveralHosts)
            settings.HostRecheckSeconds = 0;
        _source = Source(settings);
    }

    /// <summary>Host, port and database, for messages.</summary>
    public string Address { get; }

    /// <exception cref="RecordServerException">The connection string cannot be read.</exception>
    public static Database ToWrite(string connectionString) => new(Parse(connectionString, CommandTimeout), writable: true);

    /// <summary>To read at length what was written a moment ago.</summary>
    /// <exception cref="RecordServerException">The connection string cannot be read.</exception>
    public static Database ToWalk(string connectionString) => new(Parse(connectionString, VerifyTimeout), writable: true);

    /// <summary>From a standby as well.</summary>
    /// <exception cref="RecordServerException">The connection string cannot be read.</exception>
    public static Database ToVerify(string connectionString) => new(Parse(connectionString, VerifyTimeout), writable: false);

    /// <param name="role">Null for what the login itself may.</param>
    /// <exception cref="RecordServerException">The server must not hold the record as it is set, or the login may not take the role.</exception>
    /// <exception cref="NpgsqlException"/>
    public async Task<NpgsqlConnection> OpenAsync(RecordRole? role, CancellationToken cancellation = default)
    {
        var connection = await _source.OpenConnectionAsync(cancellation);
        try
        {
            if (_writable)
                await RequireFitAsync(connection, cancellation);
            if (role is { } taken)
                await RecordRoles.TakeAsync(connection, taken, Address, cancellation);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Connections that are used again, for what is asked often and by no session of its own. To be disposed of by the caller.</summary>
    public NpgsqlDataSource Pooled() => Source(new(_settings.ToString()) { Pooling = true, MaxPoolSize = PooledMax });

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private bool HasSeveralHosts => _settings.Host?.Contains(',', StringComparison.Ordinal) is true;

    private NpgsqlDataSource Source(NpgsqlConnectionStringBuilder settings)
    {
        var builder = new NpgsqlDataSourceBuilder(settings.ToString());
        return HasSeveralHosts ? builder.BuildMultiHost().WithTargetSession(_target) : builder.Build();
    }

    private static NpgsqlConnectionStringBuilder Parse(string connectionString, int commandTimeout)
    {
        try
        {
            var settings = new NpgsqlConnectionStringBuilder(connectionString) { CommandTimeout = commandTimeout };
            return string.IsNullOrEmpty(settings.Host) ? throw new ArgumentException("no host") : settings;
        }
        catch (Exception unreadable) when (unreadable is ArgumentException or FormatException or InvalidCastException or OverflowException)
        {
            // What the parser says may hold a part of the password.
            throw new RecordServerException("an unknown address", "the connection string cannot be read. Write it like 'Host=db1,db2;Port=5432;Database=r1grains;Username=r1grains;Password=…;SSL Mode=VerifyFull'.");
        }
    }

    private static TargetSessionAttributes Target(string? asked, bool writable) => asked?.Replace("-", "", StringComparison.Ordinal).ToUpperInvariant() switch
    {
        null when writable => TargetSessionAttributes.Primary,
        "PRIMARY" => TargetSessionAttributes.Primary,
        "READWRITE" => TargetSessionAttributes.ReadWrite,
        "STANDBY" => TargetSessionAttributes.Standby,
        "PREFERSTANDBY" => TargetSessionAttributes.PreferStandby,
        "PREFERPRIMARY" => TargetSessionAttributes.PreferPrimary,
        "READONLY" => TargetSessionAttributes.ReadOnly,
        _ => TargetSessionAttributes.Any,
    };

    private async Task RequireFitAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using (var command = new NpgsqlCommand(
            "SELECT pg_is_in_recovery(), current_setting('server_encoding'), current_setting('fsync'), current_setting('full_page_writes')", connection))
        {
            await using var row = await command.ExecuteReaderAsync(cancellation);
            await row.ReadAsync(cancellation);
            if (row.GetBoolean(0))
                throw new RecordServerException(Address, "it is a standby, which takes no writes. Name the primary, or all hosts and 'Target Session Attributes=primary'.");
            if (row.GetString(1) is var encoding and not "UTF8")
                throw new RecordServerException(Address, $"the database's encoding is {encoding}. Create it with: {Creation}");
            if (row.GetString(2) is "off")
                throw new RecordServerException(Address, "fsync is off: what it acknowledges would not survive a crash. Set fsync = on in postgresql.conf, and reload.");
            if (row.GetString(3) is "off")
                throw new RecordServerException(Address, "full_page_writes is off: a crash would damage its pages. Set full_page_writes = on in postgresql.conf, and reload.");
        }
        // By what it does and not by its name: of providers and names of locales there are many.
        await using var locale = new NpgsqlCommand("SELECT chr($1) ~ '^[[:alpha:]]$', datctype FROM pg_database WHERE datname = current_database()", connection);
        locale.Parameters.Add(Values.Of((int)'贷'));
        await using var letters = await locale.ExecuteReaderAsync(cancellation);
        await letters.ReadAsync(cancellation);
        if (!letters.GetBoolean(0))
            throw new RecordServerException(Address, $"in the database's locale {letters.GetString(1)} Chinese characters are no letters, so that words in them would not be found. Create it with: {Creation}");
    }
}
