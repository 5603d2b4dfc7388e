using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace R1Grains.Tests.Deploy;

using Node = Dictionary<object, object>;

/// <summary>No container runs here either.</summary>
public sealed class ComposeTests
{
    private static readonly Node Compose = Parse(Repository.Read("deploy/compose.yaml"));

    private static readonly Dictionary<string, Node> Services = Map(Compose, "services").ToDictionary(service => (string)service.Key, service => (Node)service.Value);

    private static readonly Dictionary<string, Node> Silos = Services.Where(service => Map(service.Value, "environment").ContainsKey("R1__Roles")).ToDictionary();

    [Fact]
    public void It_has_every_role_twice_where_that_helps() => Assert.Equal(
        ["conversation", "conversation", "gateway", "inference"],
        Silos.Values.Select(silo => (string)Map(silo, "environment")["R1__Roles"]).Order());

    [Fact]
    public void The_host_takes_what_is_set()
    {
        foreach (var (name, silo) in Silos)
        {
            var environment = Environment(silo);
            Assert.Empty(HostSettings.Unknown(environment.Keys));
            Assert.Null(HostSettings.Refusal(environment, out var settings));
            Assert.Equal(name, environment["R1__Silo__Name"]);
            Assert.True(Seconds(silo["stop_grace_period"]) > (settings!.ShutdownTimeout + HostSettings.ServicesStop).TotalSeconds, name);
            Assert.Contains("condition: service_healthy", Repository.Read("deploy/compose.yaml"));
            Assert.All(Map(silo, "depends_on").Keys, needed => Assert.Contains((string)needed, Services.Keys));
        }
    }

    [Fact]
    public void Silos_are_reached_where_they_say()
    {
        var subnet = (string)((Node)List(Map(Map(Map(Compose, "networks"), "r1grains"), "ipam"), "config").Single())["subnet"];
        var addresses = Services.ToDictionary(service => service.Key, service => (string)Map(Map(service.Value, "networks"), "r1grains")["ipv4_address"]);
        Assert.Equal(addresses.Count, addresses.Values.Distinct().Count());
        Assert.All(addresses.Values, address => Assert.True(System.Net.IPNetwork.Parse(subnet).Contains(System.Net.IPAddress.Parse(address)), address));
        foreach (var (name, silo) in Silos)
            Assert.Equal($"{addresses[name]}:11111", Environment(silo)["R1__Silo__Listen"]);
    }

    [Fact]
    public void Nothing_is_published_beyond_this_machine()
    {
        var ports = Services.Values.Where(service => service.ContainsKey("ports")).SelectMany(service => List(service, "ports")).Cast<string>().ToArray();
        Assert.NotEmpty(ports);
        Assert.All(ports, port => Assert.StartsWith("127.0.0.1:", port));
    }

    [Fact]
    public void No_password_is_written_down()
    {
        foreach (var service in Services.Values.Where(service => service.ContainsKey("environment")))
            foreach (var (name, value) in Map(service, "environment"))
                if (((string)name + value).Contains("password", StringComparison.OrdinalIgnoreCase))
                    Assert.Matches(@"\$\{R1_(POSTGRES|REDIS|KEYS)_PASSWORD:\?", (string)value);
        Assert.Contains("/deploy/.env", Repository.Read(".gitignore"));
    }

    [Fact]
    public void Every_part_is_bounded_and_stores_are_asked_for_their_health()
    {
        Assert.All(Services.Values, service => Assert.Equal(["cpus", "memory"], Map(Map(Map(service, "deploy"), "resources"), "limits").Keys.Cast<string>().Order()));
        Assert.All(Services.Where(service => !Silos.ContainsKey(service.Key)), store => Assert.Contains("healthcheck", store.Value.Keys));
        Assert.All(Silos.Values, silo =>
        {
            Assert.Equal("true", silo["read_only"]);
            Assert.Equal("1654:1654", silo["user"]);
            Assert.Equal(["ALL"], List(silo, "cap_drop"));
        });
        Assert.Contains("--data-checksums", (string)Map(Services["postgresql"], "environment")["POSTGRES_INITDB_ARGS"]);
    }

    [Fact]
    public void What_it_mounts_and_builds_is_there()
    {
        var volumes = Map(Compose, "volumes").Keys.Cast<string>().ToHashSet();
        foreach (var mount in Services.Values.SelectMany(service => List(service, "volumes")).Cast<string>().Select(mount => mount.Split(':')[0]))
            Assert.True(mount.StartsWith('.') ? File.Exists(Repository.PathOf($"deploy/{mount}")) : volumes.Contains(mount), mount);
        var build = Map(Services["gateway"], "build");
        Assert.True(File.Exists(Repository.PathOf($"deploy/{build["context"]}/{build["dockerfile"]}")));
        Assert.Single(Silos.Values.Select(silo => (string)silo["image"]).Distinct());
    }

    private static Node Parse(string text) =>
        new DeserializerBuilder().WithDuplicateKeyChecking().Build().Deserialize<Node>(new MergingParser(new Parser(new StringReader(text))));

    private static Node Map(Node node, string key) => node.TryGetValue(key, out var value) && value is Node map ? map : [];

    private static List<object> List(Node node, string key) => node.TryGetValue(key, out var value) && value is List<object> list ? list : [];

    private static Dictionary<string, string> Environment(Node service) => Map(service, "environment").ToDictionary(variable => (string)variable.Key, variable => (string)variable.Value);

    private static double Seconds(object time) => double.Parse(((string)time).TrimEnd('s'), CultureInfo.InvariantCulture);
}
