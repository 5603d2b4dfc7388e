using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Grpc.Net.Client;
using R1Grains.Cluster;
using R1Grains.Operations;
using R1Grains.Tests.Scripted;
using R1Grains.Tests.Servers;
using PostgresServer = R1Grains.Tests.Servers.PostgresServer;

namespace R1Grains.Tests.Cluster;

/// <summary>Silos prove to each other that they are of one cluster.</summary>
public sealed class SiloTlsTests : IAsyncLifetime
{
    private const string ServersOnly = "1.3.6.1.5.5.7.3.1";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();
    private readonly TestAuthority _authority;
    private readonly TestAuthority _stranger;
    private readonly IPEndPoint _port = new(IPAddress.Loopback, Loopback.FreePort());
    private PostgresServer _postgres = null!;
    private RedisServer _redis = null!;
    private string _database = "";

    public SiloTlsTests() => (_authority, _stranger) = (new(_folder.Path, "ours"), new(_folder.Path, "strange"));

    public async Task InitializeAsync()
    {
        var redis = RedisServer.StartAsync();
        _postgres = await PostgresServer.StartAsync();
        _redis = await redis;
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
    public async Task Silos_with_certificates_of_one_authority_answer_together_and_let_nobody_else_in()
    {
        await using var a = Launch("a", Roles.Gateway | Roles.Conversation, _authority.Issue("a"), ("R1__Silo__Listen", _port.ToString()));
        var address = await a.Ready();
        await using var b = Launch("b", Roles.Inference, _authority.Issue("b"));
        await b.Ready();

        // The answer comes from the other silo.
        using var channel = GrpcChannel.ForAddress(address);
        var customer = new Customer([channel], "c");
        await customer.Open();
        await customer.Ask("hello");
        Assert.NotNull(customer.Completed);

        await using var plain = Launch("plain", Roles.Inference, null);
        await using var strange = Launch("strange", Roles.Inference, _stranger.Issue("strange-silo"));
        foreach (var outsider in new[] { plain, strange })
        {
            Assert.Equal(1, await outsider.Exited());
            Assert.Single(outsider.Output, line => line.Contains("certificates of one authority", StringComparison.Ordinal));
        }
        // Whoever is asked for a certificate learns why the other's does not do.
        Assert.Contains(strange.Output, line => line.Contains("'CN=a' is of another authority", StringComparison.Ordinal));

        Assert.True(await IsLetIn(_authority.Issue("more")));
        Assert.False(await IsLetIn(null));
        Assert.False(await IsLetIn(_stranger.Issue("stranger")));
        Assert.False(await IsLetIn(_authority.Issue("expired", until: -1)));
        Assert.False(await IsLetIn(_authority.Issue("of-another-cluster", dns: "another")));
        Assert.False(await IsLetIn(_authority.Issue("server", use: ServersOnly)));

        // It is told to the operator.
        Assert.Contains(a.Output, line => line.Contains("CN=expired", StringComparison.Ordinal) && line.Contains("valid from", StringComparison.Ordinal));
        await customer.Open();
    }

    [Fact]
    public async Task A_renewed_certificate_is_taken_without_a_restart_and_half_of_one_is_not()
    {
        var files = _authority.Issue("a");
        await using var a = Launch("a", Roles.All, files, ("R1__Silo__Listen", _port.ToString()));
        await a.Ready();
        var first = await Shown();
        await File.WriteAllTextAsync(files.Certificate, (await File.ReadAllTextAsync(files.Certificate))[..100]);
        Assert.Equal(first, await Shown());
        _authority.Issue("a");
        var second = await Shown();
        Assert.NotEqual(first, second);
        Assert.Equal(X509Certificate2.CreateFromPem(await File.ReadAllTextAsync(files.Certificate)).SerialNumber, second);
    }

    [Fact]
    public async Task What_the_others_would_refuse_is_one_clear_line_at_the_start()
    {
        await using var host = HostProcess.Launch(_folder.Path, new Script(), [.. Settings(_authority.Issue("late", until: -1)), ("R1__Cluster", "test")]);
        Assert.Equal(1, await host.Exited());
        var line = Assert.Single(host.Output);
        Assert.Contains("late.crt", line, StringComparison.Ordinal);
        Assert.Contains("it is valid from", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_that_do_not_do_are_named()
    {
        var good = _authority.Issue("good");
        SiloCertificate.Open(good, "test");
        Refused("R1__Silo__Certificate", "missing.crt", good with { Certificate = Path.Combine(_folder.Path, "missing.crt") });
        Refused("R1__Silo__Key", "missing.key", good with { Key = Path.Combine(_folder.Path, "missing.key") });
        Refused("R1__Silo__Authority", "good.key", good with { Authority = good.Key });
        Refused("R1__Silo__Key", "other.key", good with { Key = _authority.Issue("other").Key });
        Refused("R1__Silo__Authority", "CN=ours", good with { Authority = _stranger.File });
        Refused("R1__Cluster", "'test'", _authority.Issue("elsewhere", dns: "another"));
        Refused("R1__Silo__Certificate", "extended key usage", _authority.Issue("half", use: ServersOnly));

        static void Refused(string setting, string words, SiloTls files)
        {
            var message = Assert.Throws<StartFailure>(() => SiloCertificate.Open(files, "test")).Message;
            Assert.Contains(setting, message, StringComparison.Ordinal);
            Assert.Contains(words, message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', message);
        }
    }

    private HostProcess Launch(string name, Roles roles, SiloTls? tls, params (string, string)[] environment) => HostProcess.Launch(Path.Combine(_folder.Path, "data", name), new Script(),
    [
        ("R1__Roles", roles.ToString()),
        ("R1__Cluster", "test"),
        ("R1__Silo__Name", name),
        ("ConnectionStrings__Postgres", _database),
        ("ConnectionStrings__Redis", _redis.Connection),
        .. SharedKeys.Settings(_folder.Path),
        .. Settings(tls),
        .. environment,
    ]);

    private static (string, string)[] Settings(SiloTls? tls) =>
        tls is null ? [] : [("R1__Silo__Certificate", tls.Certificate), ("R1__Silo__Key", tls.Key), ("R1__Silo__Authority", tls.Authority)];

    /// <summary>Whether the silo goes on with a connection that shows this certificate: one that it refuses it closes, a silo's it keeps and says the first word of.</summary>
    private async Task<bool> IsLetIn(SiloTls? certificate)
    {
        try
        {
            await using var stream = await Connect(certificate);
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(3));
            return await stream.ReadAsync(new byte[1], patience.Token) > 0;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
        catch (Exception refused) when (refused is AuthenticationException or IOException)
        {
            return false;
        }
    }

    /// <summary>The serial number of what the silo shows.</summary>
    private async Task<string> Shown()
    {
        await using var stream = await Connect(_authority.Issue("looking"));
        return new X509Certificate2(stream.RemoteCertificate!).SerialNumber;
    }

    private async Task<SslStream> Connect(SiloTls? certificate)
    {
        var socket = new TcpClient();
        await socket.ConnectAsync(_port);
        var stream = new SslStream(socket.GetStream(), leaveInnerStreamOpen: false, (_, _, _, _) => true);
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "test",
            ClientCertificates = certificate is null ? [] : [X509Certificate2.CreateFromPemFile(certificate.Certificate, certificate.Key)],
        }).WaitAsync(Patience);
        return stream;
    }
}
