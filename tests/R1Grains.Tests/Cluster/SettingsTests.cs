using Microsoft.Extensions.Configuration;
using R1Grains.Operations;

namespace R1Grains.Tests.Cluster;

public sealed class SettingsTests
{
    private const string Redis = "ConnectionStrings:Redis";
    private const string Postgres = "ConnectionStrings:Postgres";
    private const string Keys = "R1:Record:Keys";
    private const string RootKey = "R1:Record:RootKey";

    [Theory]
    [InlineData("gateway", Roles.Gateway)]
    [InlineData("Conversation, inference", Roles.Conversation | Roles.Inference)]
    [InlineData("gateway|conversation|inference", Roles.All)]
    public void Roles_are_read_in_any_combination(string text, Roles roles) =>
        Assert.Equal(roles, Read(("R1:Roles", text), (Redis, "127.0.0.1:6379"), (Postgres, "Host=127.0.0.1"), (Keys, "/keys"), (RootKey, "AA==")).Roles);

    [Theory]
    [InlineData("gatway")]
    [InlineData("7")]
    [InlineData(",")]
    public void What_is_no_role_is_named(string text) => Refused($"R1__Roles is '{text}'", ("R1:Roles", text));

    [Fact]
    public void A_role_by_itself_needs_a_cluster() => Refused("ConnectionStrings__Redis", ("R1:Roles", "gateway"), (Postgres, "Host=127.0.0.1"));

    [Fact]
    public void A_cluster_needs_one_record() => Refused("ConnectionStrings__Postgres", (Redis, "127.0.0.1:6379"));

    [Theory]
    [InlineData("ConnectionStrings:PostgresReader")]
    [InlineData("ConnectionStrings:PostgresOwner")]
    public void A_login_beside_the_one_that_writes_needs_that_one(string other) => Refused("ConnectionStrings__Postgres is not", (other, "Host=127.0.0.1"));

    [Fact]
    public void A_cluster_needs_keys_that_its_silos_share()
    {
        Refused("ConnectionStrings__Keys and R1__Record__Keys", (Keys, "/keys"), ("ConnectionStrings:Keys", "Host=127.0.0.1"), (RootKey, "AA=="));
        Refused("R1__Record__RootKey", ("ConnectionStrings:Keys", "Host=127.0.0.1"));
        Refused("R1__Record__Keys", (Redis, "127.0.0.1:6379"), (Postgres, "Host=127.0.0.1"), (RootKey, "AA=="));
        Refused("R1__Record__RootKey", (Redis, "127.0.0.1:6379"), (Postgres, "Host=127.0.0.1"), (Keys, "/keys"));
        Assert.False(Read((Redis, "127.0.0.1:6379"), (Postgres, "Host=127.0.0.1"), ("R1:Roles", "inference")).HoldsKeys);
    }

    [Fact]
    public void A_name_that_could_be_taken_for_a_key_is_refused() => Refused("R1__Silo__Name is 'a/0'", ("R1:Silo:Name", "a/0"));

    [Fact]
    public void A_part_of_what_TLS_needs_is_not_taken_for_none() => Refused("R1__Silo__Authority", ("R1:Silo:Certificate", "silo.crt"), ("R1:Silo:Key", "silo.key"));

    [Fact]
    public void Without_connection_strings_it_is_embedded_with_all_roles()
    {
        var settings = Read();
        Assert.Equal((true, Roles.All), (settings.IsEmbedded, settings.Roles));
    }

    private static Settings Read(params (string Key, string Value)[] values) => Settings.From(new ConfigurationBuilder()
        .AddInMemoryCollection(values.Select(value => KeyValuePair.Create(value.Key, (string?)value.Value)))
        .Build());

    private static void Refused(string names, params (string Key, string Value)[] values) =>
        Assert.Contains(names, Assert.Throws<StartFailure>(() => Read(values)).Message, StringComparison.Ordinal);
}
