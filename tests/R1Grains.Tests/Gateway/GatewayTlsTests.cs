using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Grpc.Net.Client;
using R1Grains.Operations;
using R1Grains.Tests.Cluster;
using R1Grains.V1;

namespace R1Grains.Tests.Gateway;

public sealed class GatewayTlsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Clients_see_the_gateways_certificate_and_a_renewed_one_without_a_restart()
    {
        using var authority = new TestAuthority(_folder.Path, "authority");
        var files = authority.Issue("first");
        await using var host = await EmbeddedHost.Start(settings: [$"--R1:Tls:Certificate={files.Certificate}", $"--R1:Tls:Key={files.Key}"]);
        Assert.StartsWith("https://", host.Address, StringComparison.Ordinal);
        Assert.Equal("CN=first", await Subject(host, authority));

        var renewed = authority.Issue("second");
        File.Copy(renewed.Certificate, files.Certificate, overwrite: true);
        // Half of it is there, and the earlier one is shown on.
        Assert.Equal("CN=first", await Subject(host, authority));
        File.Copy(renewed.Key, files.Key, overwrite: true);
        Assert.Equal("CN=second", await Subject(host, authority));

        using var strangers = new TestAuthority(_folder.Path, "strangers");
        await Assert.ThrowsAsync<HttpRequestException>(() => Subject(host, strangers));
        using var plain = new HttpClient { DefaultRequestVersion = new(2, 0), DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => plain.GetAsync(host.Address.Replace("https:", "http:", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("Certificate", "R1__Tls__Certificate is set and R1__Tls__Key is not")]
    [InlineData("Key", "R1__Tls__Key is set and R1__Tls__Certificate is not")]
    public void Half_a_certificate_is_refused(string which, string told) =>
        Assert.Contains(told, Assert.Throws<StartFailure>(() => R1Host.Build([$"--R1:Tls:{which}=x.pem"])).Message, StringComparison.Ordinal);

    [Fact]
    public void What_is_no_certificate_is_named()
    {
        var file = Path.Combine(_folder.Path, "no.pem");
        File.WriteAllText(file, "no certificate");
        Assert.Contains(file, Assert.Throws<StartFailure>(() => R1Host.Build([$"--R1:Tls:Certificate={file}", $"--R1:Tls:Key={file}"])).Message, StringComparison.Ordinal);
        Assert.Contains("missing.pem", Assert.Throws<StartFailure>(() => R1Host.Build([$"--R1:Tls:Certificate={file}", "--R1:Tls:Key=missing.pem"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Secrets_lie_in_files_of_a_folder()
    {
        File.WriteAllText(Path.Combine(_folder.Path, "ConnectionStrings__Postgres"), "Host=db;Password=secret\n");
        File.WriteAllText(Path.Combine(_folder.Path, "R1__TurnTimeout"), "00:01:00");
        var settings = Settings.From(R1Host.Builder([$"--R1:Secrets={_folder.Path}"]).Configuration);
        Assert.Equal(("Host=db;Password=secret", TimeSpan.FromMinutes(1)), (settings.Postgres, settings.TurnTimeout));
        Assert.Contains("R1__Secrets is '/nowhere'", Assert.Throws<StartFailure>(() => R1Host.Builder(["--R1:Secrets=/nowhere"])).Message, StringComparison.Ordinal);
    }

    /// <summary>Of the certificate that a new connection is shown.</summary>
    private static async Task<string> Subject(EmbeddedHost host, TestAuthority authority)
    {
        var subject = "";
        using var root = X509CertificateLoader.LoadCertificateFromFile(authority.File);
        using var handler = new SocketsHttpHandler
        {
            SslOptions = new()
            {
                RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
                {
                    subject = certificate!.Subject;
                    using var chain = new X509Chain();
                    chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
                    chain.ChainPolicy.CustomTrustStore.Add(root);
                    chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
                    return (errors & SslPolicyErrors.RemoteCertificateNameMismatch) == 0 && chain.Build((X509Certificate2)certificate);
                },
            },
        };
        using var channel = GrpcChannel.ForAddress(host.Address, new() { HttpHandler = handler });
        try
        {
            await new ConversationService.ConversationServiceClient(channel).ListConversationsAsync(new() { Parent = "tenants/demo" });
        }
        catch (Grpc.Core.RpcException unreachable) when (unreachable.Status.DebugException is HttpRequestException failed)
        {
            throw failed;
        }
        return subject;
    }
}
