using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Npgsql;
using R1Grains.Ledger;

namespace R1Grains.Tests.Servers;

/// <summary>
/// A real PostgreSQL on a free loopback port, in a temporary folder, with password authentication. It ends the processes
/// that it started, and no other. Started by root it runs as the user <c>postgres</c>, which PostgreSQL insists on.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private const string Binaries = "/usr/lib/postgresql/15/bin";
    private const string Password = "correct horse, battery & staple";
    private const int SigKill = 9, SigInt = 2, SigQuit = 3, SigCont = 18, SigStop = 19;

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly string _folder;
    private Process? _postmaster;

    private PostgresServer(string folder, int port) => (_folder, Port) = (folder, port);

    public int Port { get; }

    /// <summary>Everything that it has: data, write-ahead log, logs and backups.</summary>
    public string Folder => _folder;

    public string Address => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Port}");

    private string Data => Path.Combine(_folder, "data");

    private string Log => Path.Combine(_folder, "log");

    /// <summary>Whether the server can be started on this machine.</summary>
    public static bool IsInstalled => File.Exists(Path.Combine(Binaries, "postgres"));

    public static async Task<PostgresServer> StartAsync(params string[] settings)
    {
        var server = new PostgresServer(MakeFolder(), Loopback.FreePort());
        var password = Path.Combine(server._folder, "password");
        await File.WriteAllTextAsync(password, Password);
        await RunAsync("initdb", "-D", server.Data, "-E", "UTF8", "--locale=C.UTF-8", "-U", "postgres", "--auth=scram-sha-256", $"--pwfile={password}", "--no-sync", "--no-instructions");
        await server.ConfigureAsync([
            "listen_addresses = '127.0.0.1'",
            "unix_socket_directories = ''",
            "shared_buffers = '32MB'",
            "max_connections = 200",
            "wal_level = replica",
            "hot_standby = on",
            "wal_retrieve_retry_interval = '200ms'",
            "max_wal_size = '256MB'",
            .. settings,
        ]);
        await server.StartAsync();
        return server;
    }

    /// <param name="user">Of the connection; the databases made by <see cref="CreateDatabaseAsync"/> belong to <c>bank</c>.</param>
    public string ConnectionString(string database, string user = "bank", int? port = null) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = port ?? Port,
        Database = database,
        Username = user,
        Password = Password,
    }.ToString();

    /// <summary>A database of its own owner, who may do nothing elsewhere, with the roles of a record.</summary>
    /// <returns>Its connection string.</returns>
    public async Task<string> CreateDatabaseAsync(string name, string encoding = "UTF8", string locale = "C.UTF-8")
    {
        var connectionString = await CreateBareDatabaseAsync(name, encoding, locale);
        using var roles = new StreamReader(typeof(PostgresRecord).Assembly.GetManifestResourceStream("roles.sql")!);
        await ExecuteAsync(await roles.ReadToEndAsync(), name);
        return connectionString;
    }

    /// <inheritdoc cref="CreateDatabaseAsync"/>
    /// <summary>Without the roles.</summary>
    public async Task<string> CreateBareDatabaseAsync(string name, string encoding = "UTF8", string locale = "C.UTF-8")
    {
        await CreateLoginAsync("bank");
        await ExecuteAsync($"CREATE DATABASE {name} OWNER bank ENCODING '{encoding}' LOCALE '{locale}' TEMPLATE template0");
        return ConnectionString(name);
    }

    /// <summary>Somebody who may connect where anybody may, if they are not there.</summary>
    public Task CreateLoginAsync(string user) =>
        ExecuteAsync($"DO $$ BEGIN CREATE ROLE {user} LOGIN PASSWORD '{Password}'; EXCEPTION WHEN duplicate_object THEN NULL; END $$");

    /// <summary>As the superuser.</summary>
    public async Task ExecuteAsync(string sql, string database = "postgres")
    {
        await using var connection = await ConnectAsync(database);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>As the superuser.</summary>
    public async Task<T> ScalarAsync<T>(string sql, string database = "postgres")
    {
        await using var connection = await ConnectAsync(database);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Changes a setting that needs no restart.</summary>
    public async Task SetAsync(string setting, string value)
    {
        await ExecuteAsync($"ALTER SYSTEM SET {setting} = '{value}'");
        await ExecuteAsync("SELECT pg_reload_conf()");
        using var patience = new CancellationTokenSource(StartLimit);
        while (await ScalarAsync<string>($"SELECT current_setting('{setting}')") != value)
            await PauseAsync(patience.Token);
    }

    public async Task StartAsync()
    {
        var start = AsServerUser("bash", "-c", "exec \"$0\" -D \"$1\" >> \"$2\" 2>&1", Path.Combine(Binaries, "postgres"), Data, Log);
        _postmaster = Process.Start(start)!;
        using var patience = new CancellationTokenSource(StartLimit);
        while (true)
        {
            try
            {
                await using var connection = await ConnectAsync("postgres");
                return;
            }
            catch (NpgsqlException) when (!_postmaster.HasExited && !patience.IsCancellationRequested)
            {
                await PauseAsync(CancellationToken.None);
            }
            catch (NpgsqlException failure)
            {
                throw new InvalidOperationException($"PostgreSQL did not start: {await File.ReadAllTextAsync(Log)}", failure);
            }
        }
    }

    /// <summary>Ends connections, and writes a checkpoint.</summary>
    public async Task StopAsync()
    {
        Signal(SigCont);
        _ = kill(_postmaster!.Id, SigInt);
        await EndedAsync();
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAsync();
    }

    /// <summary>As <c>pg_ctl stop -m immediate</c> does: everything is dropped where it is, and the next start recovers.</summary>
    public async Task StopImmediatelyAsync()
    {
        _children = Children(_postmaster!.Id);
        _ = kill(_postmaster.Id, SigQuit);
        await EndedAsync();
    }

    /// <summary>As a crash of the machine would, but that what the kernel holds is not lost.</summary>
    public async Task KillAsync()
    {
        Signal(SigKill);
        await EndedAsync();
    }

    /// <summary>It keeps its connections and answers nothing.</summary>
    public void Freeze() => Signal(SigStop);

    public void Resume() => Signal(SigCont);

    /// <summary>A standby that follows this server, on a port of its own.</summary>
    public async Task<PostgresServer> CreateStandbyAsync()
    {
        var standby = new PostgresServer(MakeFolder(), Loopback.FreePort());
        await BaseBackupAsync(standby.Data, "-R");
        await standby.ConfigureAsync([]);
        await standby.StartAsync();
        return standby;
    }

    public Task PromoteAsync() => ExecuteAsync("SELECT pg_promote(true, 60)");

    /// <returns>A folder for <see cref="RestoreAsync"/>.</returns>
    public async Task<string> BackUpAsync()
    {
        var backup = Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"backup-{Guid.NewGuid():n}"));
        await BaseBackupAsync(backup);
        return backup;
    }

    /// <summary>Puts the backup in place of what the server has, and starts it.</summary>
    public async Task RestoreAsync(string backup)
    {
        await StopAsync();
        Directory.Delete(Data, recursive: true);
        Directory.Move(backup, Data);
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_postmaster is { HasExited: false })
            await KillAsync();
        _postmaster?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<NpgsqlConnection> ConnectAsync(string database)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(ConnectionString(database, "postgres")) { Pooling = false, Timeout = 5 }.ToString());
        try
        {
            await connection.OpenAsync();
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private async Task ConfigureAsync(string[] settings) => await File.AppendAllLinesAsync(
        Path.Combine(Data, "postgresql.conf"), [.. settings, string.Create(CultureInfo.InvariantCulture, $"port = {Port}")]);

    private async Task BaseBackupAsync(string folder, params string[] more) => await RunAsync(
        "pg_basebackup", ["-h", "127.0.0.1", "-p", Port.ToString(CultureInfo.InvariantCulture), "-U", "postgres", "-D", folder, "-X", "stream", "-c", "fast", "--no-sync", .. more]);

    private async Task EndedAsync()
    {
        await _postmaster!.WaitForExitAsync();
        // The children go after the postmaster; until then they hold its memory, and it does not start again.
        foreach (var pid in _children)
        {
            while (Directory.Exists($"/proc/{pid}") && !IsZombie(pid))
                await PauseAsync(CancellationToken.None);
        }
        _children = [];
        _postmaster.Dispose();
        _postmaster = null;
    }

    /// <summary>Each of the server's processes leads a group of its own.</summary>
    private void Signal(int signal)
    {
        var postmaster = _postmaster!.Id;
        if (signal is SigStop or SigKill)
            _ = kill(postmaster, SigStop);
        _children = Children(postmaster);
        foreach (var pid in _children)
            _ = kill(pid, signal);
        _ = kill(postmaster, signal);
    }

    private int[] _children = [];

    private static int[] Children(int parent) =>
    [
        .. Directory.EnumerateDirectories("/proc").Select(folder => int.TryParse(Path.GetFileName(folder), out var pid) ? pid : 0)
            .Where(pid => pid != 0 && Stat(pid) is [_, var of, ..] && of == parent.ToString(CultureInfo.InvariantCulture)),
    ];

    private static bool IsZombie(int pid) => Stat(pid) is not [not "Z", ..];

    /// <summary>State, parent and so on; empty when there is no such process.</summary>
    private static string[] Stat(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static string MakeFolder()
    {
        var folder = Directory.CreateTempSubdirectory("postgres-").FullName;
        if (Environment.IsPrivilegedProcess)
            Process.Start("chown", ["postgres", folder]).WaitForExit();
        return folder;
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        var start = AsServerUser(Path.Combine(Binaries, program), arguments);
        start.Environment["PGPASSWORD"] = Password;
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} failed: {await output}{await errors}");
    }

    private static ProcessStartInfo AsServerUser(string program, params string[] arguments) => Environment.IsPrivilegedProcess
        ? new ProcessStartInfo("setpriv", ["--reuid=postgres", "--regid=postgres", "--init-groups", program, .. arguments]) { WorkingDirectory = "/" }
        : new ProcessStartInfo(program, arguments) { WorkingDirectory = "/" };

    private static Task PauseAsync(CancellationToken cancellation) => Task.Delay(TimeSpan.FromMilliseconds(30), TimeProvider.System, cancellation);

    [DllImport("libc")]
    private static extern int kill(int pid, int signal);
}
