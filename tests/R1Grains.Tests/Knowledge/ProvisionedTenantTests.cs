using Google.Rpc;
using Grpc.Core;
using R1Grains.Tests.Gateway;
using R1Grains.V1;

namespace R1Grains.Tests.Knowledge;

public sealed class ProvisionedTenantTests : IAsyncLifetime
{
    private const string Policy = "---\nversion: 1\n---\nBe brief.";
    private const string Facts = "---\nversion: 1\n---\n## Ferry Card\nThe fee is 3 yuan.\n";

    private EmbeddedHost _host = null!;
    private Metadata _operator = null!;
    private Metadata _other = null!;
    private Metadata _customer = null!;

    public async Task InitializeAsync()
    {
        _host = await EmbeddedHost.Start();
        _operator = _host.Appointed("demo", "olga", "operator");
        _other = _host.Appointed("demo", "omar", "operator");
        _customer = _host.Appointed("north", "anna", "customer-channel");
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_tenant_that_is_created_is_served_without_a_restart_and_changes_as_it_is_told()
    {
        Assert.Equal("TENANT_NOT_FOUND", await Refused(() => Open("c0")));
        var created = await _host.Tenants.CreateTenantAsync(Create(), _operator);
        Assert.Equal(("tenants/north", "1", "tenants/demo/subjects/olga"), (created.Name, created.Etag, created.UpdatedBy));
        var conversation = await Eventually(() => Open("c1"));
        var events = await _host.Turns.StreamTurn(Talk.Turn(conversation, "1", "hello"), _customer).Rest();
        Assert.Equal("1", events[^1].Completed.Release.PolicyVersion);

        var update = Update("2", created.Etag);
        var proposed = await _host.Tenants.ProposeTenantUpdateAsync(update, _operator);
        Assert.Equal((Proposal.Types.State.Pending, update.Tenant.Policy, created.Etag), (proposed.State, proposed.Tenant.Policy, proposed.Tenant.Etag));
        Assert.Equal(created, await _host.Tenants.GetTenantAsync(new() { Name = created.Name }, _operator));
        var approved = await _host.Tenants.ApproveTenantUpdateAsync(new() { Name = proposed.Name, Hash = proposed.Hash, RequestId = "3" }, _other);
        Assert.Equal((Proposal.Types.State.Approved, "tenants/demo/subjects/omar"), (approved.State, approved.Decider));
        var changed = await _host.Tenants.GetTenantAsync(new() { Name = created.Name }, _operator);
        Assert.Equal((update.Tenant.Policy, update.Tenant.Lexicon, "2", "tenants/demo/subjects/olga"), (changed.Policy, changed.Lexicon, changed.Etag, changed.UpdatedBy));
        Assert.True(changed.UpdateTime >= created.UpdateTime);
        await Eventually(async () =>
        {
            var name = await Open($"c{Guid.NewGuid():N}");
            var blocked = await _host.Turns.StreamTurn(Talk.Turn(name, "1", "the secret scheme"), _customer).Rest();
            Assert.Equal("2", blocked[^1].Completed.Release.PolicyVersion);
            return name;
        });

        Assert.Equal(["tenant.create", "tenant.update.propose", "tenant.update.approve"], (await _host.Registry.ListEntriesAsync("north", 10)).Items.Select(entry => entry.Record.Action));
        var listed = Assert.Single((await _host.Tenants.ListTenantsAsync(new(), _operator)).Tenants);
        Assert.Equal((created.Name, "", "2"), (listed.Name, listed.Policy, listed.Etag));
    }

    [Fact]
    public async Task A_repeated_creation_is_answered_alike_and_another_is_refused()
    {
        var created = await _host.Tenants.CreateTenantAsync(Create(), _operator);
        Assert.Equal(created, await _host.Tenants.CreateTenantAsync(Create(), _operator));
        Assert.Equal("TENANT_EXISTS", await Refused(() => _host.Tenants.CreateTenantAsync(new(Create()) { RequestId = "9" }, _operator).ResponseAsync));
        Assert.Equal("ETAG_MISMATCH", await Refused(() => _host.Tenants.ProposeTenantUpdateAsync(Update("2", "7"), _operator).ResponseAsync));
    }

    [Fact]
    public async Task What_changes_in_a_tenant_takes_two_people_and_is_what_the_second_one_saw()
    {
        var created = await _host.Tenants.CreateTenantAsync(Create(), _operator);
        var proposed = await _host.Tenants.ProposeTenantUpdateAsync(Update("2", created.Etag), _operator);
        Assert.Equal(proposed, await _host.Tenants.ProposeTenantUpdateAsync(Update("2", created.Etag), _operator));
        Assert.Equal(proposed, await _host.Tenants.GetTenantUpdateAsync(new() { Name = proposed.Name }, _other));
        var changed = Update("2", created.Etag);
        changed.Tenant.Facts += "\nMore.";
        Assert.Equal("REQUEST_ID_REUSED", await Refused(() => _host.Tenants.ProposeTenantUpdateAsync(changed, _operator).ResponseAsync));
        var rival = await _host.Tenants.ProposeTenantUpdateAsync(Update("3", created.Etag), _operator);
        var unwanted = await _host.Tenants.ProposeTenantUpdateAsync(Update("4", created.Etag), _other);

        Assert.Equal("ANOTHER_PERSON_NEEDED", await Refused(() => Approve(proposed, _operator)));
        Assert.Equal("INVALID_ARGUMENT", await Refused(() => Approve(new(proposed) { Hash = rival.Hash }, _other)));
        Assert.Equal(created, await _host.Tenants.GetTenantAsync(new() { Name = created.Name }, _operator));
        var approved = await Approve(proposed, _other);
        Assert.Equal(approved, await Approve(proposed, _other));
        Assert.Null(approved.Tenant);
        Assert.Equal(proposed.Name, (await _host.Tenants.ProposeTenantUpdateAsync(Update("2", created.Etag), _operator)).Name);
        Assert.Equal("PROPOSAL_OUTDATED", await Refused(() => Approve(rival, _other)));
        Assert.Equal(Proposal.Types.State.Rejected, (await _host.Tenants.RejectTenantUpdateAsync(new() { Name = unwanted.Name, RequestId = "5" }, _other)).State);
        Assert.Equal("PROPOSAL_DECIDED", await Refused(() => Approve(unwanted, _operator)));
        Assert.Equal("PROPOSAL_NOT_FOUND", await Refused(() => Approve(new(proposed) { Name = "tenants/north/updates/lexicon-1" }, _other)));
        Assert.Equal("2", (await _host.Tenants.GetTenantAsync(new() { Name = created.Name }, _operator)).Etag);
        var listed = (await _host.Tenants.ListTenantUpdatesAsync(new() { Parent = created.Name }, _operator)).Updates;
        Assert.Equal(new[] { proposed.Name, rival.Name, unwanted.Name }.Order(StringComparer.Ordinal), listed.Select(update => update.Name));
        Assert.All(listed, update => Assert.Null(update.Tenant));

        Task<TenantUpdate> Approve(TenantUpdate update, Metadata by) => _host.Tenants.ApproveTenantUpdateAsync(new() { Name = update.Name, Hash = update.Hash, RequestId = "6" }, by).ResponseAsync;
    }

    [Fact]
    public async Task Its_customers_are_told_by_its_own_words_that_a_machine_answers()
    {
        var request = Create();
        request.Tenant.AiDisclosure = new() { Notice = { ["en"] = "A machine answers." }, Label = false };
        var created = await _host.Tenants.CreateTenantAsync(request, _operator);
        Assert.Equal(request.Tenant.AiDisclosure, (await _host.Tenants.GetTenantAsync(new() { Name = created.Name }, _operator)).AiDisclosure);
        var conversation = await Eventually(() => Open("c1"));
        var events = await _host.Turns.StreamTurn(Talk.Turn(conversation, "1", "hello"), _customer).Rest();
        Assert.Equal("A machine answers.", events.Single(happened => happened.EventCase is TurnEvent.EventOneofCase.Accepted).Accepted.Notice);
        Assert.DoesNotContain(events, happened => happened.HasAiGenerated);
        var turn = Assert.Single((await _host.Turns.ListTurnsAsync(new() { Parent = conversation }, _customer)).Turns);
        Assert.Equal(("A machine answers.", false), (turn.Notice, turn.HasAiGenerated));

        request.Tenant.AiDisclosure.Notice["fr"] = "Une machine.";
        request.TenantId = "south";
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await _host.Tenants.CreateTenantAsync(request, _operator));
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Contains("'fr'", refused.Status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Be brief.", Facts, "", "the policy")]
    [InlineData(Policy, "", "", "the facts")]
    [InlineData(Policy, Facts, "hide", "the lexicon, line 1")]
    public async Task What_could_not_be_served_is_refused_and_named(string policy, string facts, string lexicon, string named)
    {
        var request = new CreateTenantRequest { TenantId = "north", RequestId = "1", Tenant = new() { Policy = policy, Facts = facts, Lexicon = lexicon } };
        var error = await Assert.ThrowsAsync<RpcException>(async () => await _host.Tenants.CreateTenantAsync(request, _operator));
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.Contains(named, error.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tenant_of_a_folder_is_there_and_nobody_is_two_people_by_two_tokens()
    {
        var texts = Update("1", "0").Tenant;
        Assert.Equal("TENANT_EXISTS", await Refused(() => _host.Tenants.CreateTenantAsync(new() { TenantId = "demo", RequestId = "1", Tenant = texts }, _operator).ResponseAsync));
        Assert.Equal("TENANT_NOT_FOUND", await Refused(() => _host.Tenants.ProposeTenantUpdateAsync(Update("1", "0"), _operator).ResponseAsync));
        var proposed = await _host.Tenants.ProposeTenantUpdateAsync(new(Update("1", "0")) { Name = "tenants/demo" }, _operator);
        var approve = new ApproveTenantUpdateRequest { Name = proposed.Name, Hash = proposed.Hash, RequestId = "2" };
        Assert.Equal("ANOTHER_PERSON_NEEDED", await Refused(() => _host.Tenants.ApproveTenantUpdateAsync(approve, _host.Appointed("north", "Olga", "operator")).ResponseAsync));
        Assert.Equal(Proposal.Types.State.Approved, (await _host.Tenants.ApproveTenantUpdateAsync(approve, _other)).State);
        Assert.Equal((texts.Policy, "1"), await _host.Tenants.GetTenantAsync(new() { Name = "tenants/demo" }, _operator) is var there ? (there.Policy, there.Etag) : default);
    }

    private static ProposeTenantUpdateRequest Update(string requestId, string etag) => new()
    {
        Name = "tenants/north",
        RequestId = requestId,
        Etag = etag,
        Tenant = new() { Policy = Policy.Replace("1", "2", StringComparison.Ordinal), Facts = Facts, Lexicon = "[fraud 9 block both]\nsecret scheme\n" },
    };

    private static CreateTenantRequest Create() => new() { TenantId = "north", RequestId = "1", Tenant = new() { Policy = Policy, Facts = Facts } };

    private async Task<string> Open(string id) =>
        (await _host.Conversations.CreateConversationAsync(new() { Parent = "tenants/north", ConversationId = id, RequestId = id, Conversation = new() { LanguageCode = "en" } }, _customer)).Name;

    /// <summary>Within a second, as it is promised, and with patience on a busy machine.</summary>
    private static async Task<string> Eventually(Func<Task<string>> holds)
    {
        for (var left = Talk.Patience; ; left -= TimeSpan.FromMilliseconds(100))
        {
            try
            {
                return await holds();
            }
            catch (Exception failure) when (left > TimeSpan.Zero && failure is RpcException or Xunit.Sdk.XunitException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
            }
        }
    }

    private static async Task<string?> Refused<T>(Func<Task<T>> call)
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
}
