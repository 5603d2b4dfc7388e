using Google.Protobuf;
using Google.Rpc;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Reflection.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using R1Grains.Access;
using R1Grains.Tests.Gateway;
using R1Grains.V1;

namespace R1Grains.Tests.Access;

public sealed class PermissionTests
{
    /// <summary>Who may call what, told once more: C customer-channel, A agent, S supervisor, U auditor, F auditor-full, O operator, M model-engineer, X security-officer.</summary>
    private static readonly Dictionary<string, string> Matrix = new()
    {
        ["CreateConversation"] = "CAS",
        ["GetConversation"] = "CASUFM",
        ["ListConversations"] = "CASUFM",
        ["CompleteConversation"] = "CAS",
        ["GetContextWindow"] = "ASF",
        ["WatchConversation"] = "AS",
        ["SendTurn"] = "CAS",
        ["StreamTurn"] = "CAS",
        ["ResumeTurn"] = "CASF",
        ["GetTurn"] = "CASF",
        ["ListTurns"] = "CASF",
        ["CancelTurn"] = "CAS",
        ["ReplayTurn"] = "FM",
        ["GetInclusionProof"] = "CASF",
        ["SearchTranscripts"] = "SUFM",
        ["GetTranscript"] = "SUFM",
        ["ListAuditEvents"] = "UFX",
        ["VerifyLedger"] = "UFX",
        ["PlaceLegalHold"] = "FX",
        ["ReleaseLegalHold"] = "FX",
        ["ListLegalHolds"] = "FX",
        ["RequestErasure"] = "S",
        ["ApproveErasure"] = "X",
        ["RejectErasure"] = "SX",
        ["GetErasure"] = "SUFX",
        ["ListErasures"] = "SUFX",
        ["ExportTranscripts"] = "F",
        ["GetExport"] = "F",
        ["ListExports"] = "F",
        ["CancelExport"] = "F",
        ["DownloadExport"] = "F",
        ["CreateWordList"] = "SX",
        ["GetWordList"] = "SX",
        ["ListWordLists"] = "SX",
        ["UpdateWordList"] = "SX",
        ["DeleteWordList"] = "SX",
        ["TestText"] = "SX",
        ["ProposeEdition"] = "SX",
        ["GetProposal"] = "SX",
        ["ListProposals"] = "SX",
        ["ApproveProposal"] = "X",
        ["RejectProposal"] = "X",
        ["GetEdition"] = "SX",
        ["ListEditions"] = "SX",
        ["ListHeldTurns"] = "S",
        ["GetHeldTurn"] = "S",
        ["ReleaseHeldTurn"] = "S",
        ["DiscardHeldTurn"] = "S",
        ["CreateRoleBinding"] = "X",
        ["GetRoleBinding"] = "X",
        ["ListRoleBindings"] = "X",
        ["UpdateRoleBinding"] = "X",
        ["DeleteRoleBinding"] = "X",
        ["CreateApiKey"] = "X",
        ["ListApiKeys"] = "X",
        ["RevokeApiKey"] = "X",
        ["TestPermissions"] = "CASUFOMX-",
        ["CreateTenant"] = "O",
        ["GetTenant"] = "O",
        ["ListTenants"] = "O",
        ["ProposeTenantUpdate"] = "O",
        ["GetTenantUpdate"] = "O",
        ["ListTenantUpdates"] = "O",
        ["ApproveTenantUpdate"] = "O",
        ["RejectTenantUpdate"] = "O",
        ["GetSearchIndex"] = "O",
        ["RebuildSearchIndex"] = "O",
        ["GetRecordKeys"] = "O",
        ["RotateRecordKey"] = "O",
        ["GetKeyRotation"] = "O",
    };

    /// <summary>What each method asks, told once more. Nobody may call one with another's.</summary>
    private static readonly Dictionary<string, string[]> Asked = new()
    {
        ["create_conversations"] = ["CreateConversation"],
        ["read_conversations"] = ["GetConversation", "ListConversations"],
        ["complete_conversations"] = ["CompleteConversation"],
        ["read_context_windows"] = ["GetContextWindow"],
        ["watch_conversations"] = ["WatchConversation"],
        ["send_turns"] = ["SendTurn", "StreamTurn"],
        ["read_turns"] = ["ResumeTurn", "GetTurn", "ListTurns", "GetInclusionProof"],
        ["cancel_turns"] = ["CancelTurn"],
        ["replay_turns"] = ["ReplayTurn"],
        ["read_redacted"] = ["SearchTranscripts", "GetTranscript"],
        ["read_audit_events"] = ["ListAuditEvents"],
        ["verify_ledger"] = ["VerifyLedger"],
        ["manage_legal_holds"] = ["PlaceLegalHold", "ReleaseLegalHold", "ListLegalHolds"],
        ["export"] = ["ExportTranscripts", "GetExport", "ListExports", "CancelExport", "DownloadExport"],
        ["erase"] = ["RequestErasure"],
        ["approve_erasure"] = ["ApproveErasure", "RejectErasure", "GetErasure", "ListErasures"],
        ["manage_guardrails"] = ["CreateWordList", "GetWordList", "ListWordLists", "UpdateWordList", "DeleteWordList", "TestText", "ProposeEdition", "GetProposal", "ListProposals", "GetEdition", "ListEditions"],
        ["approve_guardrails"] = ["ApproveProposal", "RejectProposal"],
        ["review_turns"] = ["ListHeldTurns", "GetHeldTurn", "ReleaseHeldTurn", "DiscardHeldTurn"],
        ["manage_access"] = ["CreateRoleBinding", "GetRoleBinding", "ListRoleBindings", "UpdateRoleBinding", "DeleteRoleBinding", "CreateApiKey", "ListApiKeys", "RevokeApiKey"],
        ["manage_tenants"] = ["CreateTenant", "GetTenant", "ListTenants", "ProposeTenantUpdate", "GetTenantUpdate", "ListTenantUpdates", "ApproveTenantUpdate", "RejectTenantUpdate", "GetSearchIndex", "RebuildSearchIndex"],
        ["manage_keys"] = ["GetRecordKeys", "RotateRecordKey", "GetKeyRotation"],
    };

    /// <summary>What does as well.</summary>
    private static readonly Dictionary<Permission, string[]> Also = new()
    {
        [Permission.ApproveGuardrails] = ["GetProposal", "ListProposals", "GetEdition", "ListEditions"],
        [Permission.Erase] = ["RejectErasure", "GetErasure", "ListErasures"],
        [Permission.ReadAuditEvents] = ["GetErasure", "ListErasures"],
    };

    private static readonly Dictionary<char, string[]> Roles = new()
    {
        ['C'] = ["customer-channel"],
        ['A'] = ["agent"],
        ['S'] = ["supervisor"],
        ['U'] = ["auditor"],
        ['F'] = ["auditor-full"],
        ['O'] = ["operator"],
        ['M'] = ["model-engineer"],
        ['X'] = ["security-officer"],
        ['-'] = [],
    };

    [Fact]
    public async Task Every_method_of_every_service_has_a_policy()
    {
        await using var host = await EmbeddedHost.Start();
        var served = host.App.Services.GetRequiredService<EndpointDataSource>().Endpoints.Where(endpoint => endpoint.Metadata.GetMetadata<GrpcMethodMetadata>() is not null).ToList();
        foreach (var endpoint in served)
            Assert.True(endpoint.Metadata.GetMetadata<MethodPolicy>() is not null, $"{endpoint.DisplayName} has no policy");

        var names = served.Select(endpoint => endpoint.Metadata.GetMetadata<GrpcMethodMetadata>()!.Method.FullName).ToHashSet();
        foreach (var method in ContractWalk.Methods)
            Assert.Contains($"/{method.Service.FullName}/{method.Name}", names);
        // Without a token, health alone; what is added here is open to the world.
        Assert.Equal(
            ["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"],
            served.Where(endpoint => endpoint.Metadata.GetMetadata<MethodPolicy>() is AsksNothingAttribute).Select(endpoint => endpoint.Metadata.GetMetadata<GrpcMethodMetadata>()!.Method.FullName).Distinct().Order());
    }

    [Fact]
    public async Task Every_role_may_call_what_it_is_for_in_its_own_tenant_and_nothing_elsewhere()
    {
        Assert.Equal(Role.All.Select(role => role.Name), Roles.Values.SelectMany(roles => roles).Order(StringComparer.Ordinal));
        Assert.Equal(ContractWalk.Methods.Select(method => method.Name).Order(), Matrix.Keys.Order());
        await using var host = await EmbeddedHost.Start();
        await host.Say(await host.Open("walk"), "1", "hello").Rest();

        var wrong = new List<string>();
        foreach (var method in ContractWalk.Methods)
        {
            foreach (var (letter, roles) in Roles)
            {
                var answer = await ContractWalk.Outcome(host.Channel, method, host.Appointed("demo", $"of {letter}", roles));
                var own = Reason(answer);
                // Who is denied learns what they lack, and by that two methods for the same roles differ.
                if (own is "PERMISSION_DENIED" && answer!.GetRpcStatus()!.GetDetail<ErrorInfo>().Metadata["permission"] is var lacking && !Asked[lacking].Contains(method.Name))
                    wrong.Add($"{letter} {method.Name} asks {lacking}");
                var allowed = Matrix[method.Name].Contains(letter, StringComparison.Ordinal);
                if (allowed ? own is "PERMISSION_DENIED" or "UNAUTHENTICATED" or "CONVERSATION_NOT_FOUND" : own is not "PERMISSION_DENIED")
                    wrong.Add($"{letter} {method.Name}: {own}");
                var foreign = Reason(await ContractWalk.Outcome(host.Channel, method, host.Appointed("other", $"of {letter}", roles)));
                // What is of no tenant asks the same from everywhere.
                if (ContractWalk.IsOfCluster(method) ? foreign != own : !foreign.EndsWith("_NOT_FOUND", StringComparison.Ordinal))
                    wrong.Add($"{letter} {method.Name}, elsewhere: {foreign}");
            }
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public async Task Each_permission_opens_its_methods_and_no_other()
    {
        Assert.Equal(ContractWalk.Methods.Select(method => method.Name).Where(name => name != "TestPermissions").Order(), Asked.Values.SelectMany(names => names).Order());
        await using var host = await EmbeddedHost.Start();
        await host.Say(await host.Open("walk"), "1", "hello").Rest();
        var wrong = new List<string>();
        foreach (var permission in PermissionSet.Known)
        {
            var caller = host.Bearer("demo", $"with {permission}", permission);
            var opened = Asked.GetValueOrDefault(permission.Name(), []).Concat(Also.GetValueOrDefault(permission, [])).Append("TestPermissions").ToHashSet();
            foreach (var method in ContractWalk.Methods)
                if (Reason(await ContractWalk.Outcome(host.Channel, method, caller)) is "PERMISSION_DENIED" == opened.Contains(method.Name))
                    wrong.Add($"{permission.Name()} {method.Name}");
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public async Task Every_method_answers_a_foreign_name_as_missing()
    {
        await using var host = await EmbeddedHost.Start();
        foreach (var method in ContractWalk.Methods.Where(method => !ContractWalk.IsOfCluster(method)))
        {
            var error = await ContractWalk.Refused(host.Channel, method, host.Bearer("other", "anna", PermissionSet.All));
            Assert.True(error.StatusCode is StatusCode.NotFound, $"{method.FullName}: {error.Status}");
        }
    }

    [Fact]
    public async Task Every_method_needs_a_token_where_no_local_caller_is_trusted()
    {
        await using var host = await EmbeddedHost.Start(configure: builder => builder.Services.AddSingleton(new LocalCaller(null)));
        foreach (var method in ContractWalk.Methods)
        {
            var error = await ContractWalk.Refused(host.Channel, method, []);
            Assert.True(error.StatusCode is StatusCode.Unauthenticated, $"{method.FullName}: {error.Status}");
            Assert.Equal("UNAUTHENTICATED", Reason(error));
        }
        Assert.Equal("UNAUTHENTICATED", Reason(await Inspect(host, [])));
    }

    [Fact]
    public async Task Reflection_asks_a_permission()
    {
        await using var host = await EmbeddedHost.Start();
        Assert.Equal("PERMISSION_DENIED", Reason(await Inspect(host, host.Appointed("demo", "anna", "agent"))));
        Assert.Null(await Inspect(host, host.Appointed("demo", "mia", "model-engineer")));
    }

    [Fact]
    public async Task A_method_without_a_policy_is_refused_to_everybody()
    {
        await using var host = await EmbeddedHost.Start();
        host.App.MapGrpcService<Unguarded>();
        var error = await Assert.ThrowsAsync<RpcException>(async () => await host.Channel.CreateCallInvoker().AsyncUnaryCall(
            UnguardedBase.Method, null, new CallOptions(host.Bearer("demo", "anna", PermissionSet.Known)), new TestPermissionsRequest { Parent = "tenants/demo" }));
        Assert.Equal("PERMISSION_DENIED", Reason(error));
        Assert.Contains("has no policy", error.Status.Detail, StringComparison.Ordinal);
    }

    private static async Task<RpcException?> Inspect(EmbeddedHost host, Metadata headers)
    {
        using var call = new ServerReflection.ServerReflectionClient(host.Channel).ServerReflectionInfo(headers);
        try
        {
            await call.RequestStream.WriteAsync(new() { ListServices = "" });
            Assert.True(await call.ResponseStream.MoveNext(default));
            return null;
        }
        catch (RpcException refused)
        {
            return refused;
        }
    }

    private static string Reason(RpcException? error) => error is null ? "OK" : error.GetRpcStatus()?.GetDetail<ErrorInfo>()?.Reason ?? error.Status.ToString();

    /// <summary>A service as the compiler of contracts makes it.</summary>
    [BindServiceMethod(typeof(UnguardedBase), nameof(Bind))]
    public abstract class UnguardedBase
    {
        public static readonly Method<TestPermissionsRequest, TestPermissionsResponse> Method = new(
            MethodType.Unary, "unguarded.Service", "Test",
            Marshallers.Create(request => request.ToByteArray(), TestPermissionsRequest.Parser.ParseFrom), Marshallers.Create(response => response.ToByteArray(), TestPermissionsResponse.Parser.ParseFrom));

        public static void Bind(ServiceBinderBase binder, UnguardedBase? service) =>
            binder.AddMethod(Method, service is null ? null! : service.Test);

        public virtual Task<TestPermissionsResponse> Test(TestPermissionsRequest request, ServerCallContext context) => throw new NotSupportedException();
    }

    /// <summary>Whoever wrote it forgot the policy.</summary>
    public sealed class Unguarded : UnguardedBase
    {
        public override Task<TestPermissionsResponse> Test(TestPermissionsRequest request, ServerCallContext context) => Task.FromResult(new TestPermissionsResponse());
    }
}
