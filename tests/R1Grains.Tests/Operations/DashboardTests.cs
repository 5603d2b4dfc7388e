using System.Collections.Frozen;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using R1Grains.Access;
using R1Grains.Tests.Scripted;

namespace R1Grains.Tests.Operations;

public sealed class DashboardTests
{
    [Fact]
    public async Task Operators_alone_see_the_dashboard_and_nothing_else_is_there()
    {
        using var folder = new TemporaryFolder();
        await using var host = HostProcess.Launch(folder.Path, new Script(), ("R1__Dashboard", "127.0.0.1:0"));
        var address = await host.Ready();
        using var http = new HttpClient { BaseAddress = new(await host.Dashboard()) };
        var issuer = new DevelopmentIssuer(folder.Path);
        var (olga, anna) = (Token(new[] { Permission.WatchCluster }.ToFrozenSet()), Token(PermissionSet.All));

        var (status, body, asks) = await Get("/", null);
        Assert.Equal((HttpStatusCode.Unauthorized, true, "Basic"), (status, body.Contains("token", StringComparison.Ordinal), asks));
        Assert.Equal(HttpStatusCode.Unauthorized, (await Get("/", new("Bearer", "nonsense"))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await Get("/", Password("nonsense"))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await Get("/DashboardCounters", null)).Status);
        foreach (var path in new[] { "/", "/DashboardCounters", "/nowhere" })
        {
            (status, body, _) = await Get(path, new("Bearer", anna));
            Assert.Equal((HttpStatusCode.Forbidden, true), (status, body.Contains("watch_cluster", StringComparison.Ordinal)));
        }

        (status, body, _) = await Get("/", new("Bearer", olga));
        Assert.Equal((HttpStatusCode.OK, true), (status, body.Contains("<html", StringComparison.OrdinalIgnoreCase)));
        // As a browser sends what it asked for.
        Assert.Equal(HttpStatusCode.OK, (await Get("/index.min.js", Password(olga))).Status);
        Assert.Equal(HttpStatusCode.OK, (await Get("/DashboardCounters", Password(olga))).Status);
        // No log is streamed, and no other place is served.
        Assert.Equal(HttpStatusCode.Forbidden, (await Get("/Trace", Password(olga))).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await Get("/metrics", Password(olga))).Status);
        using var call = new HttpRequestMessage(HttpMethod.Post, "/r1grains.v1.TurnService/StreamTurn") { Headers = { Authorization = Password(olga) } };
        using var answer = await http.SendAsync(call);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);

        using var elsewhere = new HttpRequestMessage(HttpMethod.Get, $"{address}/DashboardCounters") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Headers = { Authorization = new("Bearer", olga) } };
        using var nothing = await http.SendAsync(elsewhere);
        Assert.Equal(HttpStatusCode.NotFound, nothing.StatusCode);

        string Token(FrozenSet<Permission> permissions) => issuer.Issue(new("demo", "olga", permissions), TimeProvider.System.GetUtcNow(), TimeSpan.FromMinutes(5));

        static AuthenticationHeaderValue Password(string token) => new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"olga:{token}")));

        async Task<(HttpStatusCode Status, string Body, string? Asks)> Get(string path, AuthenticationHeaderValue? authorization)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Authorization = authorization } };
            using var response = await http.SendAsync(request);
            return (response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers.WwwAuthenticate.FirstOrDefault()?.Scheme);
        }
    }

    [Fact]
    public void No_token_lets_watch_the_cluster_unless_it_names_that()
    {
        Assert.DoesNotContain(Permission.WatchCluster, PermissionSet.All.AsEnumerable());
        Assert.DoesNotContain(Permission.WatchCluster, Caller.Development.Permissions.AsEnumerable());
        Assert.Equal(Permission.WatchCluster, PermissionSet.Find("watch_cluster"));
    }
}
