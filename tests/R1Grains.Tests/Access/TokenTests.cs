using Google.Rpc;
using Grpc.Core;
using Microsoft.Extensions.Configuration;
using R1Grains.Access;
using R1Grains.Operations;
using R1Grains.Tests.Gateway;
using R1Grains.V1;

namespace R1Grains.Tests.Access;

public sealed class TokenTests
{
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();
    private static readonly Caller Anna = new("demo", "anna", PermissionSet.All);

    [Fact]
    public async Task A_bad_token_is_refused_even_where_none_is_needed()
    {
        await using var host = await EmbeddedHost.Start();
        var issuer = new DevelopmentIssuer(host.Data);
        using var elsewhere = new TemporaryFolder();
        string[] bad =
        [
            "Bearer nonsense",
            "Bearer ",
            "Basic YW5uYTphbm5h",
            $"Bearer {issuer.Issue(Anna, Now - TimeSpan.FromHours(2), TimeSpan.FromHours(1))}",
            $"Bearer {new DevelopmentIssuer(elsewhere.Path).Issue(Anna, Now, TimeSpan.FromHours(1))}",
            $"Bearer {issuer.Issue(Anna with { Tenant = "Not/An/Id" }, Now, TimeSpan.FromHours(1))}",
        ];
        foreach (var authorization in bad)
        {
            var error = await Assert.ThrowsAsync<RpcException>(async () => await host.Conversations.ListConversationsAsync(
                new ListConversationsRequest { Parent = "tenants/demo" }, new Metadata { { "authorization", authorization } }));
            Assert.True(error.StatusCode is StatusCode.Unauthenticated, $"{authorization}: {error.Status}");
            Assert.Equal("UNAUTHENTICATED", error.GetRpcStatus()!.GetDetail<ErrorInfo>().Reason);
        }
    }

    [Fact]
    public void The_issuers_key_outlives_the_process_and_is_its_owners_alone()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(Key(new(folder.Path)), Key(new(folder.Path)));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(folder.Path, "development-issuer.pem")));

        static string Key(DevelopmentIssuer issuer) =>
            Convert.ToHexString(((Microsoft.IdentityModel.Tokens.ECDsaSecurityKey)issuer.Validation.IssuerSigningKey).ECDsa.ExportSubjectPublicKeyInfo());
    }

    [Fact]
    public void A_damaged_key_file_is_named()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "development-issuer.pem");
        File.WriteAllText(path, "no key");
        var failure = Assert.Throws<StartFailure>(() => new DevelopmentIssuer(folder.Path));
        Assert.Contains(path, failure.Message);
    }

    [Theory]
    [InlineData("127.0.0.1:5080", true)]
    [InlineData("[::1]:5080", true)]
    [InlineData("0.0.0.0:5080", false)]
    [InlineData("[::]:5080", false)]
    [InlineData("10.0.0.7:5080", false)]
    public void Only_loopback_goes_without_a_token(string listen, bool local) => Assert.Equal(local, Settings(("R1:Listen", listen)).LoopbackOnly);

    [Theory]
    [InlineData("--tenant demo", "--subject ''")]
    [InlineData("--tenant De/mo --subject anna", "--tenant 'De/mo'")]
    [InlineData("--tenant demo --subject anna --permissions send_turns,fly", "--permissions 'fly'")]
    [InlineData("--tenant demo --subject anna --lifetime soon", "--lifetime 'soon'")]
    [InlineData("--tenant demo --subject anna --role boss", "--role")]
    [InlineData("--tenant demo --subject anna --roles agent,boss", "--roles 'boss'")]
    public void A_wrong_option_of_dev_token_is_named(string arguments, string named)
    {
        using var folder = new TemporaryFolder();
        var failure = Assert.Throws<StartFailure>(() => DevelopmentToken.Issue(arguments.Split(' '), Settings(("R1:Data", folder.Path)), TimeProvider.System));
        Assert.Contains(named, failure.Message);
    }

    private static Settings Settings(params (string Key, string? Value)[] values) => R1Grains.Settings.From(
        new ConfigurationBuilder().AddInMemoryCollection(values.Select(v => KeyValuePair.Create(v.Key, v.Value))).Build());
}
