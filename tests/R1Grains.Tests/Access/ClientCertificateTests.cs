using System.Security.Cryptography.X509Certificates;
using Google.Rpc;
using Grpc.Core;
using Grpc.Net.Client;
using R1Grains.Access;
using R1Grains.Cluster;
using R1Grains.Operations;
using R1Grains.Tests.Cli;
using R1Grains.Tests.Cluster;
using R1Grains.Tests.Gateway;
using R1Grains.V1;
using RoleBinding = R1Grains.V1.RoleBinding;

namespace R1Grains.Tests.Access;

/// <summary>Programs that prove with a certificate who they are.</summary>
public sealed class ClientCertificateTests : IAsyncLifetime
{
    private const string Subject = "certificates/dns:desk.bank.example";
    private const string ForServers = "1.3.6.1.5.5.7.3.1";

    private readonly TemporaryFolder _folder = new();
    private TestAuthority _authority = null!;
    private X509Certificate2 _root = null!;
    private EmbeddedHost _host = null!;
    private GrpcChannel _plain = null!;
    private Metadata _officer = null!;

    public async Task InitializeAsync()
    {
        _authority = new(_folder.Path, "authority");
        _root = X509CertificateLoader.LoadCertificateFromFile(_authority.File);
        var own = _authority.Issue("gateway");
        _host = await EmbeddedHost.Start(settings: [$"--R1:Tls:Certificate={own.Certificate}", $"--R1:Tls:Key={own.Key}", $"--R1:Tls:ClientAuthority={_authority.File}"]);
        _plain = Channel(null);
        _officer = _host.Appointed("demo", "xia", "security-officer");
    }

    public async Task DisposeAsync()
    {
        _plain.Dispose();
        await _host.DisposeAsync();
        _authority.Dispose();
        _root.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_certificate_is_let_in_where_its_program_is_appointed_and_kept_out_when_it_is_not_any_more()
    {
        using var desk = Channel(_authority.Issue("desk", "desk.bank.example"));
        Assert.Contains(Subject, (await Refused(() => Open(desk))).Status.Detail, StringComparison.Ordinal);
        var bound = await Bind(Subject, "customer-channel");
        await Eventually(desk, "send_turns");
        await Open(desk);
        Assert.Equal("PERMISSION_DENIED", Reason(await Refused(() => new AccessService.AccessServiceClient(desk).ListApiKeysAsync(new() { Parent = "tenants/demo" }).ResponseAsync)));
        // Another program, another tenant, and what is of no tenant.
        using var other = Channel(_authority.Issue("other", "other.bank.example"));
        Assert.Equal("UNAUTHENTICATED", Reason(await Refused(() => Open(other))));
        Assert.Equal("UNAUTHENTICATED", Reason(await Refused(() => Open(desk, "north"))));
        Assert.Equal("UNAUTHENTICATED", Reason(await Refused(() => new TenantService.TenantServiceClient(desk).ListTenantsAsync(new()).ResponseAsync)));
        // A token goes before the certificate, and whoever shows none is who they are without.
        Assert.Equal(["manage_access"], await May(desk, _officer, "manage_access"));
        Assert.Equal(["manage_access"], await May(_plain, null, "manage_access"));

        await new AccessService.AccessServiceClient(_plain).DeleteRoleBindingAsync(new() { Name = bound.Name, RequestId = "unbind", Etag = bound.Etag }, _officer);
        await Eventually(desk);
        var done = new TranscriptService.TranscriptServiceClient(_plain).ListAuditEventsAsync(new() { Parent = "tenants/demo", Purpose = "test", Actor = Subject, Action = "access.denied" });
        Assert.Equal(Subject, Assert.Single((await done).Events).Actor);
    }

    [Theory]
    [InlineData("spiffe://bank.example/desk", "desk.bank.example", "certificates/uri:spiffe://bank.example/desk")]
    [InlineData(null, "Desk.Bank.example", Subject)]
    [InlineData(null, "", "certificates/cn:desk")]
    public async Task A_certificate_names_its_program_by_its_URI_or_its_DNS_name_or_its_common_name(string? uri, string dns, string subject)
    {
        using var desk = Channel(_authority.Issue("desk", dns, uri: uri is null ? null : new Uri(uri)));
        await Bind(subject, "agent");
        await Eventually(desk, "watch_conversations");
    }

    [Fact]
    public async Task A_common_name_passes_for_no_URI_and_a_binding_says_which_kind_it_means()
    {
        await Bind("certificates/uri:spiffe:desk", "customer-channel");
        using var posing = Channel(_authority.Issue("spiffe:desk", ""));
        using var desk = Channel(_authority.Issue("other", "", uri: new Uri("spiffe:desk")));
        await Eventually(desk, "send_turns");
        Assert.Contains("certificates/cn:spiffe:desk", (await Refused(() => Open(posing))).Status.Detail, StringComparison.Ordinal);
        foreach (var nobody in new[] { "certificates/desk", "certificates/uri:", "certificates/URI:spiffe:desk", "certificates/dns:Desk" })
            Assert.Equal("INVALID_ARGUMENT", Reason(await Refused(() => Bind(nobody, "customer-channel"))));
    }

    [Fact]
    public async Task Certificates_of_another_authority_or_time_or_use_do_not_come_in_at_all()
    {
        await Bind(Subject, "customer-channel");
        using var strangers = new TestAuthority(_folder.Path, "strangers");
        foreach (var wrong in new[] { strangers.Issue("stranger", "desk.bank.example"), _authority.Issue("old", "desk.bank.example", until: -1), _authority.Issue("server", "desk.bank.example", use: ForServers) })
        {
            using var channel = Channel(wrong);
            // No answer of the gateway, but a connection that does not come about.
            Assert.NotNull((await Refused(() => Open(channel))).Status.DebugException);
        }
        // The authority is changed without a restart.
        File.Copy(strangers.File, _authority.File, overwrite: true);
        using var desk = Channel(strangers.Issue("desk", "desk.bank.example"));
        await Eventually(desk, "send_turns");
    }

    [Fact]
    public async Task An_authority_that_is_replaced_also_shuts_out_who_is_connected_already()
    {
        await Bind(Subject, "agent");
        using var desk = Channel(_authority.Issue("desk", "desk.bank.example"));
        await Eventually(desk, "send_turns");
        var conversation = await Open(desk);
        using var watch = new ConversationService.ConversationServiceClient(desk).WatchConversation(new() { Conversation = conversation.Name });
        using var strangers = new TestAuthority(_folder.Path, "strangers");
        // Both at first, and whoever was let in stays so.
        await File.AppendAllTextAsync(_authority.File, $"\n{await File.ReadAllTextAsync(strangers.File)}");
        for (var signs = 0; signs < 4; signs++) Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        File.Copy(strangers.File, _authority.File, overwrite: true);
        await Eventually(desk);
        Assert.Contains("another authority", (await Refused(() => Open(desk))).Status.Detail, StringComparison.Ordinal);
        Assert.Equal("UNAUTHENTICATED", Reason(await Refused(() => Rest().WaitAsync(Talk.Patience))));
        // A token is good on any connection.
        Assert.Equal(["manage_access"], await May(desk, _officer, "manage_access"));

        async Task Rest()
        {
            while (await watch.ResponseStream.MoveNext(CancellationToken.None)) { }
        }
    }

    [Fact]
    public async Task What_takes_a_person_no_certificate_has_and_no_token_has_its_name()
    {
        var access = new AccessService.AccessServiceClient(_plain);
        var bound = await Bind(Subject, "agent");
        var refused = await Refused(() => Bind("certificates/cn:other", "supervisor"));
        Assert.Equal("INVALID_ARGUMENT", Reason(refused));
        Assert.Equal("INVALID_ARGUMENT", Reason(await Refused(() => access.UpdateRoleBindingAsync(new() { Name = bound.Name, RequestId = "2", Roles = { "security-officer" }, Etag = bound.Etag }, _officer).ResponseAsync)));
        foreach (var subject in new[] { Subject, "apiKeys/desk" })
            Assert.Equal("UNAUTHENTICATED", Reason(await Refused(() => May(_plain, _host.Appointed("demo", subject, "supervisor"), "review_turns"))));
    }

    [Fact]
    public async Task The_client_shows_a_certificate()
    {
        await Bind(Subject, "customer-channel");
        var issued = _authority.Issue("desk", "desk.bank.example");
        var file = Path.Combine(_folder.Path, "desk.pem");
        await File.WriteAllTextAsync(file, $"{await File.ReadAllTextAsync(issued.Certificate)}\n{await File.ReadAllTextAsync(issued.Key)}");
        using var desk = Channel(issued);
        await Eventually(desk, "send_turns");
        var conversation = (await Open(desk)).Name;
        (string, string)[] trusting = [("SSL_CERT_FILE", _authority.File)];
        var shown = await R1Process.Run(_folder.Path, [.. trusting, ("R1_CERTIFICATE", file)], "turns", "list", conversation, "--server", _host.Address);
        Assert.True(shown.ExitCode == 0, shown.Errors);
        // Not because of who calls from this machine.
        var other = await R1Process.Run(_folder.Path, [.. trusting, ("R1_CERTIFICATE", file)], "keys", "list", "--server", _host.Address);
        Assert.Contains(Subject, other.Errors, StringComparison.Ordinal);
        var wrong = await R1Process.Run(_folder.Path, trusting, "turns", "list", conversation, "--server", _host.Address, "--certificate", issued.Certificate);
        Assert.Contains(issued.Certificate, wrong.Errors, StringComparison.Ordinal);
        Assert.NotEqual(0, wrong.ExitCode);
    }

    [Fact]
    public void An_authority_without_a_certificate_of_ones_own_or_that_is_none_is_refused()
    {
        Assert.Contains("R1__Tls__ClientAuthority", Assert.Throws<StartFailure>(() => R1Host.Build([$"--R1:Tls:ClientAuthority={_authority.File}"])).Message, StringComparison.Ordinal);
        var own = _authority.Issue("half");
        Assert.Contains("R1__Tls__ClientAuthority", Assert.Throws<StartFailure>(() => R1Host.Build([$"--R1:Tls:Certificate={own.Certificate}", $"--R1:Tls:Key={own.Key}", $"--R1:Tls:ClientAuthority={own.Key}"])).Message, StringComparison.Ordinal);
    }

    private async Task<RoleBinding> Bind(string subject, string role) => await new AccessService.AccessServiceClient(_plain).CreateRoleBindingAsync(
        new() { Parent = "tenants/demo", RequestId = Guid.NewGuid().ToString(), RoleBinding = new() { Subject = subject, Roles = { role } } }, _officer);

    private static Task<Conversation> Open(GrpcChannel channel, string tenant = "demo") =>
        new ConversationService.ConversationServiceClient(channel).CreateConversationAsync(new() { Parent = $"tenants/{tenant}", RequestId = Guid.NewGuid().ToString() }).ResponseAsync;

    private static async Task<string[]> May(GrpcChannel channel, Metadata? token, params string[] permissions) =>
        [.. (await new AccessService.AccessServiceClient(channel).TestPermissionsAsync(new() { Parent = "tenants/demo", Permissions = { permissions } }, token)).Permissions];

    /// <summary>Until who calls has these permissions; without any, until they are nobody.</summary>
    private static async Task Eventually(GrpcChannel channel, params string[] permissions)
    {
        for (var left = Talk.Patience; left > TimeSpan.Zero; left -= TimeSpan.FromMilliseconds(50))
        {
            try
            {
                if ((await May(channel, null, permissions)).SequenceEqual(permissions) && permissions.Length > 0) return;
            }
            catch (RpcException refused) when (refused.StatusCode is StatusCode.Unauthenticated)
            {
                if (permissions.Length == 0) return;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }
        Assert.Fail("It never came to hold.");
    }

    private static Task<RpcException> Refused(Func<Task> call) => Assert.ThrowsAsync<RpcException>(call);

    private static string? Reason(RpcException refused) => refused.GetRpcStatus()?.GetDetail<ErrorInfo>()?.Reason;

    private GrpcChannel Channel(SiloTls? shown)
    {
        var handler = new SocketsHttpHandler
        {
            SslOptions = new()
            {
                ClientCertificates = shown is null ? [] : [X509Certificate2.CreateFromPemFile(shown.Certificate, shown.Key)],
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                {
                    using var chain = new X509Chain();
                    chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
                    chain.ChainPolicy.CustomTrustStore.Add(_root);
                    chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
                    return chain.Build((X509Certificate2)certificate!);
                },
            },
        };
        return GrpcChannel.ForAddress(_host.Address, new() { HttpHandler = handler, DisposeHttpClient = true });
    }
}
