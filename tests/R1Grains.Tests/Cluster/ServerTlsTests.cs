using System.Diagnostics;
using System.Globalization;
using Grpc.Net.Client;
using Npgsql;
using R1Grains.Tests.Scripted;
using R1Grains.Tests.Servers;

namespace R1Grains.Tests.Cluster;

/// <summary>PostgreSQL and Redis that speak TLS alone and ask for a password.</summary>
public sealed class ServerTlsTests : IAsyncLifetime
{
    private const string Password = "correct-horse";

    private readonly TemporaryFolder _folder = new();
    private readonly TestAuthority _authority;
    private readonly TestAuthority _stranger;
    private readonly int _tlsPort = Loopback.FreePort();
    private PostgresServer _postgres = null!;
    private RedisServer _redis = null!;
    private string _database = "";

    public ServerTlsTests() => (_authority, _stranger) = (new(_folder.Path, "ours"), new(_folder.Path, "strange"));

    public async Task InitializeAsync()
    {
        var files = _authority.Issue("server", dns: "localhost");
        var redis = RedisServer.StartAsync(
            "--tls-port", _tlsPort.ToString(CultureInfo.InvariantCulture), "--tls-cert-file", files.Certificate, "--tls-key-file", files.Key,
            "--tls-ca-cert-file", files.Authority, "--tls-auth-clients", "no", "--requirepass", Password);
        var access = Path.Combine(_folder.Path, "pg_hba.conf");
        await File.WriteAllTextAsync(access, "hostssl all all 127.0.0.1/32 scram-sha-256\n");
        // PostgreSQL takes a key that nobody else can read.
        await Process.Start("chmod", ["600", files.Key]).WaitForExitAsync();
        if (Environment.IsPrivilegedProcess) await Process.Start("chown", ["-R", "postgres", _folder.Path]).WaitForExitAsync();
        _redis = await redis;
        _postgres = await PostgresServer.StartAsync("ssl = on", $"ssl_cert_file = '{files.Certificate}'", $"ssl_key_file = '{files.Key}'", $"hba_file = '{access}'");
        _database = await _postgres.CreateDatabaseAsync("cluster");
    }

    public async Task DisposeAsync()
    {
        await _redis.DisposeAsync();
        await _postgres.DisposeAsync();
        _authority.Dispose();
        _stranger.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_silo_with_the_authority_and_the_passwords_of_its_servers_answers()
    {
        await using var host = Launch(Postgres(_authority.File), Password, _authority.File);
        using var channel = GrpcChannel.ForAddress(await host.Ready());
        var customer = new Customer([channel], "c");
        await customer.Open();
        await customer.Ask("hello");
        Assert.NotNull(customer.Completed);
        Assert.True(await _postgres.ScalarAsync<bool>("SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'bank'"));
    }

    [Theory]
    [InlineData("PostgreSQL", "ours", "strange", "certificate of PostgreSQL")]
    [InlineData("Redis", "strange", "ours", "TLS with Redis")]
    public async Task An_authority_that_is_not_the_servers_is_one_clear_line(string server, string redis, string postgres, string words)
    {
        await using var host = Launch(Postgres(Path.Combine(_folder.Path, $"{postgres}.pem")), Password, Path.Combine(_folder.Path, $"{redis}.pem"));
        Assert.Equal(1, await host.Exited());
        var line = Assert.Single(host.Output);
        Assert.Contains(server, line, StringComparison.Ordinal);
        Assert.Contains(words, line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_password_is_one_clear_line_without_the_password()
    {
        await using var redis = Launch(Postgres(_authority.File), "wrong-one", _authority.File);
        await using var postgres = Launch(Postgres(_authority.File, "wrong-one"), Password, _authority.File);
        foreach (var (host, words) in new[] { (redis, "Redis at 127.0.0.1"), (postgres, "28P01") })
        {
            Assert.Equal(1, await host.Exited());
            var line = Assert.Single(host.Output);
            Assert.Contains(words, line, StringComparison.Ordinal);
            Assert.DoesNotContain("wrong-one", line, StringComparison.Ordinal);
        }
    }

    private string Postgres(string authority, string? password = null)
    {
        var connection = new NpgsqlConnectionStringBuilder(_database) { SslMode = SslMode.VerifyFull, RootCertificate = authority };
        if (password is not null) connection.Password = password;
        return connection.ToString();
    }

    private HostProcess Launch(string postgres, string redisPassword, string redisAuthority) => HostProcess.Launch(Path.Combine(_folder.Path, "data", Guid.NewGuid().ToString("n")), new Script(),
    [
        ("R1__Cluster", "test"),
        ("R1__Silo__Name", "a"),
        ("ConnectionStrings__Postgres", postgres),
        ("ConnectionStrings__Redis", $"127.0.0.1:{_tlsPort},ssl=true,password={redisPassword}"),
        ("SERedis_IssuerCertPath", redisAuthority),
        .. SharedKeys.Settings(_folder.Path),
    ]);
}
