using System.Text;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using R1Grains.Access;
using R1Grains.Tests.Gateway;
using R1Grains.V1;

namespace R1Grains.Tests.Access;

public sealed class AccessServiceTests : IAsyncLifetime
{
    private const string Parent = "tenants/demo";

    private EmbeddedHost _host = null!;
    private Metadata _officer = null!;

    public async Task InitializeAsync()
    {
        _host = await EmbeddedHost.Start();
        _officer = _host.Appointed("demo", "xia", "security-officer");
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task What_a_binding_gives_holds_until_it_is_taken_away_and_all_of_it_is_recorded()
    {
        var anna = _host.Appointed("demo", "anna");
        Assert.Equal((string[])[], await May(anna));

        var bound = await _host.Access.CreateRoleBindingAsync(Create("anna", "agent"), _officer);
        Assert.Equal(("anna", "1", "xia"), (bound.Subject, bound.Etag, bound.UpdatedBy));
        await Eventually(async () => (await May(anna)).SequenceEqual(["send_turns"]));
        // Of this tenant alone.
        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(() => May(_host.Appointed("other", "anna")))).StatusCode);

        var changed = await _host.Access.UpdateRoleBindingAsync(new() { Name = bound.Name, RequestId = "2", Roles = { "auditor" }, Etag = bound.Etag }, _officer);
        await Eventually(async () => (await May(anna)).SequenceEqual(["read_redacted"]));
        Assert.Equal(changed, await _host.Access.GetRoleBindingAsync(new() { Name = bound.Name }, _officer));

        await _host.Access.DeleteRoleBindingAsync(new() { Name = bound.Name, RequestId = "3", Etag = changed.Etag, Purpose = "left the bank" }, _officer);
        await Eventually(async () => (await May(anna)).Length == 0);
        Assert.Empty((await _host.Access.ListRoleBindingsAsync(new() { Parent = Parent }, _officer)).RoleBindings);

        var entries = (await _host.Registry.ListEntriesAsync("demo", 100)).Items.Where(entry => entry.Record.Action.StartsWith("access.", StringComparison.Ordinal)).ToList();
        Assert.Equal(
            [("access.bind", "agent", "new in the branch"), ("access.bind", "auditor", ""), ("access.unbind", "", "left the bank")],
            entries.Select(entry => (entry.Record.Action, string.Concat(entry.Record.Details.Where(detail => detail.Name == "role").Select(detail => detail.Value)), entry.Record.Purpose)));
        Assert.All(entries, entry => Assert.Equal(("xia", bound.Name), (entry.Record.Actor, entry.Record.Resource)));
    }

    [Fact]
    public async Task A_repeated_request_is_answered_alike_and_what_somebody_else_changed_is_not_overwritten()
    {
        var bound = await _host.Access.CreateRoleBindingAsync(Create("anna", "agent"), _officer);
        Assert.Equal(bound, await _host.Access.CreateRoleBindingAsync(Create("anna", "agent"), _officer));
        Assert.Equal("ROLE_BINDING_EXISTS", await Refused(() => _host.Access.CreateRoleBindingAsync(Create("anna", "supervisor"), _officer)));

        var update = new UpdateRoleBindingRequest { Name = bound.Name, RequestId = "2", Roles = { "auditor" }, Etag = bound.Etag };
        var changed = await _host.Access.UpdateRoleBindingAsync(update, _officer);
        Assert.Equal(changed, await _host.Access.UpdateRoleBindingAsync(update, _officer));
        Assert.Equal("ETAG_MISMATCH", await Refused(() => _host.Access.UpdateRoleBindingAsync(new(update) { RequestId = "3" }, _officer)));
        Assert.Equal("ETAG_MISMATCH", await Refused(() => _host.Access.DeleteRoleBindingAsync(new() { Name = bound.Name, RequestId = "4", Etag = bound.Etag }, _officer)));
        Assert.Equal("INVALID_ARGUMENT", await Refused(() => _host.Access.UpdateRoleBindingAsync(new(update) { RequestId = "5", Etag = "" }, _officer)));
    }

    [Theory]
    [InlineData("xia", "agent", "PERMISSION_DENIED")]
    [InlineData("anna", "operator", "INVALID_ARGUMENT")]
    [InlineData("anna", "boss", "INVALID_ARGUMENT")]
    [InlineData("", "agent", "INVALID_ARGUMENT")]
    [InlineData("an\nna", "agent", "INVALID_ARGUMENT")]
    public async Task What_nobody_may_give_is_refused(string subject, string role, string reason) =>
        Assert.Equal(reason, await Refused(() => _host.Access.CreateRoleBindingAsync(Create(subject, role), _officer)));

    [Fact]
    public async Task Bindings_are_listed_page_by_page()
    {
        for (var number = 0; number < 5; number++)
            await _host.Access.CreateRoleBindingAsync(Create($"subject {number}", "agent"), _officer);
        var first = await _host.Access.ListRoleBindingsAsync(new() { Parent = Parent, PageSize = 3 }, _officer);
        var second = await _host.Access.ListRoleBindingsAsync(new() { Parent = Parent, PageSize = 3, PageToken = first.NextPageToken }, _officer);
        Assert.Equal("", second.NextPageToken);
        Assert.Equal(Enumerable.Range(0, 5).Select(number => $"subject {number}"), first.RoleBindings.Concat(second.RoleBindings).Select(binding => binding.Subject).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_key_opens_what_its_roles_say_until_it_is_revoked_and_its_secret_is_nowhere()
    {
        var created = await _host.Access.CreateApiKeyAsync(CreateKey("desk", "customer-channel"), _officer);
        Assert.Matches("^r1k_[0-9A-Za-z]{49}$", created.Secret);
        var desk = new Metadata { { "authorization", $"Bearer {created.Secret}" } };
        await Eventually(async () => (await May(desk)).SequenceEqual(["send_turns"]));
        var conversation = await _host.Conversations.CreateConversationAsync(new() { Parent = Parent, RequestId = "1" }, desk);
        Assert.Equal("PERMISSION_DENIED", await Refused(() => _host.Access.ListApiKeysAsync(new() { Parent = Parent }, desk)));

        Assert.Equal(created.ApiKey, Assert.Single((await _host.Access.ListApiKeysAsync(new() { Parent = Parent }, _officer)).ApiKeys));
        Assert.Equal("API_KEY_EXISTS", await Refused(() => _host.Access.CreateApiKeyAsync(CreateKey("desk", "customer-channel"), _officer)));
        var secret = Encoding.ASCII.GetBytes(created.Secret[4..]);
        foreach (var file in Directory.EnumerateFiles(_host.Data, "*", SearchOption.AllDirectories).Where(file => !file.EndsWith(".lock", StringComparison.Ordinal)))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var bytes = new MemoryStream();
            await stream.CopyToAsync(bytes);
            Assert.True(bytes.ToArray().AsSpan().IndexOf(secret) < 0, $"{file} holds the secret");
        }

        Assert.NotNull((await _host.Access.RevokeApiKeyAsync(new() { Name = created.ApiKey.Name, RequestId = "2" }, _officer)).RevokeTime);
        await Eventually(async () => await Refused(() => _host.Conversations.GetConversationAsync(new() { Name = conversation.Name }, desk)) == "UNAUTHENTICATED");
        await _host.Access.RevokeApiKeyAsync(new() { Name = created.ApiKey.Name, RequestId = "3" }, _officer);
        Assert.Equal("API_KEY_NOT_FOUND", await Refused(() => _host.Access.RevokeApiKeyAsync(new() { Name = $"{Parent}/apiKeys/none", RequestId = "4" }, _officer)));
        Assert.Equal(
            ["access.key.create", "access.key.revoke"],
            (await _host.Registry.ListEntriesAsync("demo", 100)).Items.Select(entry => entry.Record.Action).Where(action => action.StartsWith("access.key", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_watch_ends_with_the_key_that_opened_it()
    {
        var created = await _host.Access.CreateApiKeyAsync(CreateKey("wall", "agent"), _officer);
        var wall = new Metadata { { "authorization", $"Bearer {created.Secret}" } };
        await Eventually(async () => (await May(wall)).Contains("send_turns"));
        var conversation = await _host.Conversations.CreateConversationAsync(new() { Parent = Parent, RequestId = "1" }, wall);
        using var watch = _host.Conversations.WatchConversation(new() { Conversation = conversation.Name }, wall);
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        await _host.Access.RevokeApiKeyAsync(new() { Name = created.ApiKey.Name, RequestId = "2" }, _officer);
        Assert.Equal("UNAUTHENTICATED", (await Assert.ThrowsAsync<RpcException>(() => Rest().WaitAsync(TimeSpan.FromSeconds(30)))).GetRpcStatus()!.GetDetail<ErrorInfo>().Reason);

        async Task<int> Rest()
        {
            var seen = 0;
            while (await watch.ResponseStream.MoveNext(CancellationToken.None)) seen++;
            return seen;
        }
    }

    [Theory]
    [InlineData("security-officer", 1, "INVALID_ARGUMENT")]
    [InlineData("supervisor", 1, "INVALID_ARGUMENT")]
    [InlineData("auditor-full", 1, "INVALID_ARGUMENT")]
    [InlineData("operator", 1, "INVALID_ARGUMENT")]
    [InlineData("agent", 400, "INVALID_ARGUMENT")]
    [InlineData("agent", -1, "INVALID_ARGUMENT")]
    public async Task A_key_that_stands_for_a_person_or_outlives_its_year_is_refused(string role, int days, string reason)
    {
        var request = CreateKey("desk", role);
        request.ApiKey.ExpireTime = TimeProvider.System.GetUtcNow().AddDays(days).ToTimestamp();
        Assert.Equal(reason, await Refused(() => _host.Access.CreateApiKeyAsync(request, _officer)));
    }

    [Fact]
    public async Task A_mistyped_key_and_an_unknown_one_are_refused()
    {
        var secret = R1Grains.Access.ApiKey.NewSecret();
        Assert.True(R1Grains.Access.ApiKey.IsSecret(secret));
        for (var at = 0; at < secret.Length; at++)
            Assert.False(R1Grains.Access.ApiKey.IsSecret($"{secret[..at]}{(secret[at] == 'x' ? 'y' : 'x')}{secret[(at + 1)..]}"));
        foreach (var wrong in (string[])[secret, secret[..^1], $"{secret}0", "r1k_"])
            Assert.Equal("UNAUTHENTICATED", await Refused(() => _host.Access.ListApiKeysAsync(new() { Parent = Parent }, new Metadata { { "authorization", $"Bearer {wrong}" } })));
    }

    [Fact]
    public void A_key_ends_at_its_time()
    {
        var now = TimeProvider.System.GetUtcNow();
        var key = new R1Grains.Access.ApiKey("demo", "desk", "", "", [], "xia", now, now + TimeSpan.FromDays(1), null, "1");
        Assert.True(key.IsValidAt(now));
        Assert.False(key.IsValidAt(now + TimeSpan.FromDays(1)));
        Assert.False((key with { RevokedAt = now }).IsValidAt(now));
    }

    [Fact]
    public async Task A_permission_that_is_not_known_is_named() =>
        Assert.Equal("INVALID_ARGUMENT", await Refused(() => _host.Access.TestPermissionsAsync(new() { Parent = Parent, Permissions = { "fly" } }, _officer)));

    private static CreateRoleBindingRequest Create(string subject, string role) =>
        new() { Parent = Parent, RequestId = "1", RoleBinding = new() { Subject = subject, Roles = { role } }, Purpose = "new in the branch" };

    private static CreateApiKeyRequest CreateKey(string id, string role) =>
        new() { Parent = Parent, ApiKeyId = id, RequestId = "1", ApiKey = new() { DisplayName = "agent desktop", Roles = { role } } };

    /// <summary>Which of a few permissions the caller has.</summary>
    private async Task<string[]> May(Metadata caller) =>
        [.. (await _host.Access.TestPermissionsAsync(new() { Parent = Parent, Permissions = { "send_turns", "read_redacted" } }, caller)).Permissions];

    private static async Task<string?> Refused<T>(Func<AsyncUnaryCall<T>> call)
    {
        try
        {
            await call();
            return "OK";
        }
        catch (RpcException refused)
        {
            return refused.GetRpcStatus()?.GetDetail<ErrorInfo>()?.Reason;
        }
    }

    /// <summary>A change is known to every process within a second, and half of that on a machine with time.</summary>
    private static async Task Eventually(Func<Task<bool>> holds)
    {
        for (var left = Talk.Patience; left > TimeSpan.Zero; left -= TimeSpan.FromMilliseconds(50))
        {
            try
            {
                if (await holds())
                    return;
            }
            catch (RpcException refused) when (refused.StatusCode is StatusCode.Unauthenticated)
            {
            }
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }
        Assert.Fail("It never came to hold.");
    }
}
