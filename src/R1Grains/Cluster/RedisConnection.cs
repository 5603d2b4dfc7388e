using System.Net;
using System.Security.Authentication;
using R1Grains.Operations;
using StackExchange.Redis;

namespace R1Grains.Cluster;

/// <summary>
/// The Redis in which the silos find each other. What it forgot would split the cluster, so it must write down what it
/// is told and must not throw it away when memory is short.
/// </summary>
internal static class RedisConnection
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <exception cref="StartFailure">The connection string is none.</exception>
    public static ConfigurationOptions Options(string connection)
    {
        try
        {
            var options = ConfigurationOptions.Parse(connection);
            if (options.EndPoints.Count == 0) throw new ArgumentException("it names no server");
            // Once connected, the silos live through any absence and connect again.
            options.AbortOnConnectFail = false;
            options.ClientName = "r1grains";
            return options;
        }
        catch (ArgumentException)
        {
            // What the parser says may hold a part of the password.
            throw new StartFailure("ConnectionStrings__Redis cannot be read. Write host and port, then options with commas between, e.g. 127.0.0.1:6379,password=…,ssl=true; a password cannot hold a comma.");
        }
    }

    public static async Task<IConnectionMultiplexer> Connect(string connection) => await ConnectionMultiplexer.ConnectAsync(Options(connection));

    /// <summary>Waits a while for the server, which may be starting too.</summary>
    /// <exception cref="StartFailure">It does not answer, or its settings would lose the membership.</exception>
    public static async Task Require(string connection, TimeProvider time)
    {
        var options = Options(connection);
        // INFO counts as a command of administrators.
        options.AllowAdmin = true;
        // An attempt that fails then says why.
        options.AbortOnConnectFail = true;
        var (names, start) = (string.Join(", ", options.EndPoints.Select(Name)), time.GetTimestamp());
        while (true)
        {
            try
            {
                await using var redis = await ConnectionMultiplexer.ConnectAsync(options);
                foreach (var server in redis.GetServers().Where(server => server.IsConnected && !server.IsReplica)) await Require(server);
                if (redis.GetServers().Any(server => server.IsConnected && !server.IsReplica)) return;
                throw new RedisConnectionException(ConnectionFailureType.UnableToConnect, "no connection");
            }
            catch (Exception failure) when (failure is RedisConnectionException or RedisTimeoutException)
            {
                var cause = failure.GetBaseException();
                // Waiting mends neither a certificate nor a password.
                if (cause is AuthenticationException)
                    throw new StartFailure($"TLS with Redis at {names} fails ({cause.Message.TrimEnd('.')}): its certificate must lead to the authority in SERedis_IssuerCertPath, a PEM file, or to one that the machine trusts, and be issued to the address or to sslHost=… in ConnectionStrings__Redis.");
                if (failure is RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure } || cause is RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure })
                    throw Refused(names, cause);
                if (time.GetElapsedTime(start) >= Patience)
                    throw new StartFailure($"Redis at {names} does not answer ({FirstLine(cause)}): start it (deploy/local.sh up, or redis-server --appendonly yes --maxmemory-policy noeviction), or mend ConnectionStrings__Redis.");
                await Task.Delay(Pause, time);
            }
            catch (RedisServerException refusal)
            {
                throw Refused(names, refusal);
            }
        }
    }

    private static StartFailure Refused(string names, Exception refusal) =>
        new($"Redis at {names} refuses: {FirstLine(refusal)}. Mend user and password in ConnectionStrings__Redis; INFO must be allowed.");

    private static string FirstLine(Exception exception) => exception.Message.Split('\n')[0].TrimEnd('.');

    private static async Task Require(IServer server)
    {
        var facts = (await server.InfoAsync()).SelectMany(section => section).ToLookup(fact => fact.Key, fact => fact.Value);
        var (name, policy) = (Name(server.EndPoint), facts["maxmemory_policy"].FirstOrDefault() ?? "");
        if (policy.StartsWith("allkeys", StringComparison.Ordinal))
            throw new StartFailure($"Redis at {name} has maxmemory-policy {policy}: short of memory it would throw away who is in the cluster, and split it. Set maxmemory-policy noeviction (or a volatile-* one).");
        if (facts["aof_enabled"].FirstOrDefault() != "1")
            throw new StartFailure($"Redis at {name} writes no append-only file: restarted, it would have forgotten who is in the cluster, and split it. Set appendonly yes.");
    }

    private static string Name(EndPoint server) => server is DnsEndPoint dns ? $"{dns.Host}:{dns.Port}" : server.ToString()!;
}
