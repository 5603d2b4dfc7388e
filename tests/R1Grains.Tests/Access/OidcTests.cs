using System.Text.Json;
using Google.Rpc;
using Grpc.Core;
using Microsoft.Extensions.Configuration;
using R1Grains.Access;
using R1Grains.Operations;
using R1Grains.Tests.Gateway;
using R1Grains.V1;

namespace R1Grains.Tests.Access;

public sealed class OidcTests
{
    private static readonly (string, object) Anna = ("sub", "anna");
    private static readonly (string, object) Demo = ("tenant", "demo");

    [Fact]
    public async Task A_token_of_the_issuer_tells_tenant_subject_and_roles()
    {
        await using var issuer = await TestIssuer.Start();
        await using var host = await Start(issuer);
        var agent = issuer.Token(Anna, Demo, ("roles", new[] { "agent", "offline_access" }), ("permissions", new[] { "replay_turns", "fly" }));
        Assert.Equal((string[])["send_turns", "replay_turns"], await May(host, agent, "send_turns", "replay_turns", "manage_access", "watch_cluster"));
        Assert.Equal((string[])[], await May(host, issuer.Token(Anna, Demo), "send_turns"));
        Assert.Equal((string[])["watch_cluster"], await May(host, issuer.Token(Anna, Demo, ("roles", "operator")), "send_turns", "watch_cluster"));
        var foreign = await Assert.ThrowsAsync<RpcException>(() => May(host, issuer.Token(Anna, ("tenant", "other")), "send_turns"));
        Assert.Equal("TENANT_NOT_FOUND", Reason(foreign));
        Assert.Equal(1, issuer.Asked);
    }

    [Fact]
    public async Task Claims_are_where_the_settings_say()
    {
        await using var issuer = await TestIssuer.Start();
        await using var host = await Start(
            issuer, "--R1:Oidc:RolesClaim=realm_access.roles", "--R1:Oidc:SubjectClaim=preferred_username", "--R1:Oidc:PermissionsClaim=https://bank.example/permissions", "--R1:Oidc:Tenant=demo");
        var token = issuer.Token(
            ("sub", "7a2c"), ("tenant", "other"), ("preferred_username", "anna"),
            ("realm_access", JsonSerializer.SerializeToElement(new { roles = new[] { "auditor" } })),
            ("https://bank.example/permissions", "cancel_turns replay_turns"));
        Assert.Equal((string[])["read_redacted", "cancel_turns"], await May(host, token, "read_redacted", "cancel_turns", "send_turns"));
    }

    [Fact]
    public async Task What_the_issuer_did_not_issue_to_this_server_is_refused()
    {
        await using var issuer = await TestIssuer.Start();
        await using var host = await Start(issuer);
        var roles = ("roles", (object)"agent");
        var (day, own) = (TimeSpan.FromDays(1), issuer.OwnKey);
        Assert.Equal((string[])["send_turns"], await May(host, issuer.Signed(own, day, issuer.Address, TestIssuer.Audience, Anna, Demo, roles), "send_turns"));
        var bad = new Dictionary<string, string>
        {
            ["other audience"] = issuer.Signed(own, day, issuer.Address, "r1grains", Anna, Demo, roles),
            ["other issuer"] = issuer.Signed(own, day, "https://login.example.com", TestIssuer.Audience, Anna, Demo, roles),
            ["over"] = issuer.Signed(own, TimeSpan.FromMinutes(-1), issuer.Address, TestIssuer.Audience, Anna, Demo, roles),
            ["stranger's key"] = issuer.Signed(TestIssuer.StrangersKey, day, issuer.Address, TestIssuer.Audience, Anna, Demo, roles),
            ["no signature"] = issuer.Signed(null, day, issuer.Address, TestIssuer.Audience, Anna, Demo, roles),
            ["the public key as a secret"] = issuer.Signed(issuer.PublicKeyAsSecret, day, issuer.Address, TestIssuer.Audience, Anna, Demo, roles),
            ["no tenant"] = issuer.Token(Anna, roles),
            ["tenant is no id"] = issuer.Token(Anna, ("tenant", "De/mo"), roles),
            ["no subject"] = issuer.Token(Demo, roles),
            ["line end in the subject"] = issuer.Token(("sub", "an\nna"), Demo, roles),
        };
        foreach (var (what, token) in bad)
        {
            var error = await Assert.ThrowsAsync<RpcException>(() => May(host, token, "send_turns"));
            Assert.True(error.StatusCode is StatusCode.Unauthenticated, $"{what}: {error.Status}");
        }
    }

    [Fact]
    public async Task A_new_key_of_the_issuer_is_learnt()
    {
        await using var issuer = await TestIssuer.Start();
        await using var host = await Start(issuer);
        await May(host, issuer.Token(Anna, Demo), "send_turns");
        issuer.TakeAnotherKey();
        await Eventually(async () => await May(host, issuer.Token(Anna, Demo, ("roles", "agent")), "send_turns") is ["send_turns"]);
    }

    [Fact]
    public async Task While_the_issuer_is_away_nobody_is_told_that_their_token_is_bad()
    {
        await using var issuer = await TestIssuer.Start();
        var token = issuer.Token(Anna, Demo, ("roles", "agent"));
        await using var host = await Start(issuer);
        await issuer.DisposeAsync();
        var error = await Assert.ThrowsAsync<RpcException>(() => May(host, token, "send_turns"));
        Assert.Equal((StatusCode.Unavailable, "ISSUER_UNAVAILABLE"), (error.StatusCode, Reason(error)));
        Assert.NotNull(error.GetRpcStatus()!.GetDetail<RetryInfo>());
    }

    [Fact]
    public async Task A_file_of_keys_stands_for_an_issuer_that_cannot_be_reached()
    {
        await using var issuer = await TestIssuer.Start();
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "keys.json");
        await File.WriteAllTextAsync(file, issuer.KeySet);
        await using var host = await Start(issuer, $"--R1:Oidc:Keys={file}");
        Assert.Equal((string[])["send_turns"], await May(host, issuer.Token(Anna, Demo, ("roles", "agent")), "send_turns"));
        Assert.Equal(0, issuer.Asked);
    }

    [Theory]
    [InlineData("no json")]
    [InlineData("""{"keys":[]}""")]
    public void A_file_without_keys_is_named_at_the_start(string content)
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "keys.json");
        File.WriteAllText(file, content);
        var settings = Settings(("R1:Oidc:Authority", "https://login.example.com"), ("R1:Oidc:Audience", "r1grains"), ("R1:Oidc:Keys", file));
        Assert.Contains(file, Assert.Throws<StartFailure>(() => new OidcIssuer(settings.Oidc!)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_an_issuer_is_set_the_development_issuer_is_none_unless_it_is_allowed()
    {
        await using var issuer = await TestIssuer.Start();
        await using (var host = await Start(issuer))
        {
            var token = new DevelopmentIssuer(host.Data).Issue(new("demo", "anna", PermissionSet.All), TimeProvider.System.GetUtcNow(), TimeSpan.FromMinutes(5));
            Assert.Equal(StatusCode.Unauthenticated, (await Assert.ThrowsAsync<RpcException>(() => May(host, token, "send_turns"))).StatusCode);
            // Nor is a caller of this machine trusted without one.
            Assert.Equal(StatusCode.Unauthenticated, (await Assert.ThrowsAsync<RpcException>(() => May(host, null, "send_turns"))).StatusCode);
        }
        await using (var host = await Start(issuer, "--R1:DevelopmentIssuer=true"))
        {
            var token = new DevelopmentIssuer(host.Data).Issue(new("demo", "anna", PermissionSet.All), TimeProvider.System.GetUtcNow(), TimeSpan.FromMinutes(5));
            Assert.Equal((string[])["send_turns"], await May(host, token, "send_turns"));
            Assert.Equal((string[])["send_turns"], await May(host, issuer.Token(Anna, Demo, ("roles", "agent")), "send_turns"));
        }
        var failure = Assert.Throws<StartFailure>(() => DevelopmentToken.Issue(
            ["--tenant", "demo", "--subject", "anna"], Settings(("R1:Oidc:Authority", issuer.Address), ("R1:Oidc:Audience", "r1grains")), TimeProvider.System));
        Assert.Contains(issuer.Address, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("R1:Oidc:Authority", "http://login.example.com", "R1__Oidc__Authority")]
    [InlineData("R1:Oidc:Authority", "login.example.com", "R1__Oidc__Authority")]
    [InlineData("R1:Oidc:Authority", "https://login.example.com", "R1__Oidc__Audience")]
    [InlineData("R1:Oidc:Audience", "r1grains", "R1__Oidc__Authority")]
    [InlineData("R1:DevelopmentIssuer", "perhaps", "R1__DevelopmentIssuer")]
    public void A_wrong_setting_is_named(string key, string value, string named) =>
        Assert.Contains(named, Assert.Throws<StartFailure>(() => Settings((key, value))).Message, StringComparison.Ordinal);

    private static Task<EmbeddedHost> Start(TestIssuer issuer, params string[] settings) =>
        EmbeddedHost.Start(settings: [$"--R1:Oidc:Authority={issuer.Address}", $"--R1:Oidc:Audience={TestIssuer.Audience}", .. settings]);

    /// <summary>Which of these the bearer may.</summary>
    private static async Task<string[]> May(EmbeddedHost host, string? token, params string[] permissions) =>
    [
        .. (await host.Access.TestPermissionsAsync(
            new() { Parent = "tenants/demo", Permissions = { permissions } }, token is null ? [] : new Metadata { { "authorization", $"Bearer {token}" } })).Permissions,
    ];

    private static async Task Eventually(Func<Task<bool>> holds)
    {
        for (var left = Talk.Patience; left > TimeSpan.Zero; left -= TimeSpan.FromMilliseconds(200))
        {
            try
            {
                if (await holds())
                    return;
            }
            catch (RpcException refused) when (refused.StatusCode is StatusCode.Unauthenticated)
            {
            }
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System);
        }
        Assert.Fail("It never came to hold.");
    }

    private static string? Reason(RpcException error) => error.GetRpcStatus()?.GetDetail<ErrorInfo>()?.Reason;

    private static Settings Settings(params (string Key, string? Value)[] values) => R1Grains.Settings.From(
        new ConfigurationBuilder().AddInMemoryCollection(values.Select(v => KeyValuePair.Create(v.Key, v.Value))).Build());
}
