using System.Collections;
using System.Text;
using System.Text.RegularExpressions;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using R1Grains.Access;
using R1Grains.Tests.Gateway;
using R1Grains.V1;

namespace R1Grains.Tests.Access;

/// <summary>
/// Two tenants, each with one of everything, and every method asked by whoever may do most in the one for what is the
/// other's: by its name, and in every other field that takes a text. Nothing of the other is in any answer.
/// </summary>
public sealed partial class TenantIsolationTests
{
    /// <summary>What its own tenant may ask of each method, with whatever can name something. A method without an entry fails.</summary>
    private static readonly Dictionary<string, Func<FurnishedTenant, IMessage>> Own = new()
    {
        ["CreateConversation"] = t => new CreateConversationRequest { Parent = t.Name, ConversationId = "new", RequestId = "i1", Conversation = new() { Customer = "customers/new", Channel = "chat", LanguageCode = "en" } },
        ["GetConversation"] = t => new GetConversationRequest { Name = t.Conversation, LiftMasks = true, Purpose = "x" },
        ["ListConversations"] = t => new ListConversationsRequest { Parent = t.Name },
        ["CompleteConversation"] = t => new CompleteConversationRequest { Name = t.OtherConversation, RequestId = "i2" },
        ["GetContextWindow"] = t => new GetContextWindowRequest { Conversation = t.Conversation },
        ["WatchConversation"] = t => new WatchConversationRequest { Conversation = t.Conversation },
        ["SendTurn"] = t => new SendTurnRequest { Conversation = t.Conversation, RequestId = "i3", Input = new() { Text = "?" } },
        ["StreamTurn"] = t => new StreamTurnRequest { Conversation = t.Conversation, RequestId = "i4", Input = new() { Text = "?" } },
        ["ResumeTurn"] = t => new ResumeTurnRequest { Turn = t.Turn },
        ["GetTurn"] = t => new GetTurnRequest { Name = t.Turn, LiftMasks = true, Purpose = "x" },
        ["ListTurns"] = t => new ListTurnsRequest { Parent = t.Conversation, LiftMasks = true, Purpose = "x" },
        ["CancelTurn"] = t => new CancelTurnRequest { Name = t.Turn, RequestId = "i5" },
        ["SearchTranscripts"] = t => new SearchTranscriptsRequest { Parent = t.Name, Purpose = "x", Filter = new() { Hits = new() } },
        ["GetTranscript"] = t => new GetTranscriptRequest { Name = t.Conversation, Purpose = "x", View = TranscriptView.Reasoning },
        ["ListAuditEvents"] = t => new ListAuditEventsRequest { Parent = t.Name, Purpose = "x", PageSize = 1_000 },
        ["VerifyLedger"] = t => new VerifyLedgerRequest { Parent = t.Name, Purpose = "x" },
        ["ReplayTurn"] = t => new ReplayTurnRequest { Turn = t.Turn },
        ["GetInclusionProof"] = t => new GetInclusionProofRequest { Turn = t.Turn },
        ["PlaceLegalHold"] = t => new PlaceLegalHoldRequest { Parent = t.Name, RequestId = "i6", Purpose = "x", ConversationName = t.Conversation },
        ["ReleaseLegalHold"] = t => new ReleaseLegalHoldRequest { Name = t.Hold, RequestId = "i7", Purpose = "x" },
        ["ListLegalHolds"] = t => new ListLegalHoldsRequest { Parent = t.Name },
        ["RequestErasure"] = t => new RequestErasureRequest { Parent = t.Name, RequestId = "i8", Purpose = "x", WhenDue = true, ConversationName = t.OtherConversation },
        ["ApproveErasure"] = t => new ApproveErasureRequest { Name = t.Erasure, RequestId = "i9", Purpose = "x", Hash = t.ErasureHash },
        ["RejectErasure"] = t => new RejectErasureRequest { Name = t.OtherErasure, RequestId = "i10", Purpose = "x" },
        ["GetErasure"] = t => new GetErasureRequest { Name = t.Erasure },
        ["ListErasures"] = t => new ListErasuresRequest { Parent = t.Name },
        ["ExportTranscripts"] = t => new ExportTranscriptsRequest { Parent = t.Name, RequestId = "i27", Purpose = "x", View = TranscriptView.Reasoning, Filter = new() { Hits = new() }, Conversations = { t.Conversation } },
        ["GetExport"] = t => new GetExportRequest { Name = t.Export },
        ["ListExports"] = t => new ListExportsRequest { Parent = t.Name },
        ["CancelExport"] = t => new CancelExportRequest { Name = t.OtherExport, RequestId = "i28", Purpose = "x" },
        ["DownloadExport"] = t => new DownloadExportRequest { Name = t.Export, Purpose = "x" },
        ["GetRecordKeys"] = t => new GetRecordKeysRequest { Parent = t.Name },
        ["RotateRecordKey"] = t => new RotateRecordKeyRequest { Parent = t.Name, RequestId = "i29", Kind = RecordKey.Types.Kind.Index, Purpose = "x" },
        ["GetKeyRotation"] = t => new GetKeyRotationRequest { Name = t.KeyRotation },
        ["CreateWordList"] = t => new CreateWordListRequest { Parent = t.Name, WordListId = "new", RequestId = "i11", WordList = new() { Title = "x" } },
        ["GetWordList"] = t => new GetWordListRequest { Name = t.WordList },
        ["ListWordLists"] = t => new ListWordListsRequest { Parent = t.Name },
        ["UpdateWordList"] = t => new UpdateWordListRequest { Name = t.WordList, RequestId = "i12", WordList = new() { Title = "x", Etag = "1" } },
        ["DeleteWordList"] = t => new DeleteWordListRequest { Name = t.OtherWordList, Etag = "1", RequestId = "i13" },
        ["TestText"] = t => new TestTextRequest { Parent = t.Name, Text = "words", Scope = WordListEntry.Types.Scope.Input },
        ["ProposeEdition"] = t => new ProposeEditionRequest { Parent = t.Name, Edition = t.Edition, Purpose = "x", RequestId = "i14" },
        ["GetProposal"] = t => new GetProposalRequest { Name = t.Proposal },
        ["ListProposals"] = t => new ListProposalsRequest { Parent = t.Name },
        ["ApproveProposal"] = t => new ApproveProposalRequest { Name = t.Proposal, Hash = t.ProposalHash, Purpose = "x", RequestId = "i15" },
        ["RejectProposal"] = t => new RejectProposalRequest { Name = t.OtherProposal, Purpose = "x", RequestId = "i16" },
        ["GetEdition"] = t => new GetEditionRequest { Name = t.Edition },
        ["ListEditions"] = t => new ListEditionsRequest { Parent = t.Name },
        ["ListHeldTurns"] = t => new ListHeldTurnsRequest { Parent = t.Name },
        ["GetHeldTurn"] = t => new GetHeldTurnRequest { Turn = t.HeldTurn, LiftMasks = true, Purpose = "x" },
        ["ReleaseHeldTurn"] = t => new ReleaseHeldTurnRequest { Turn = t.HeldTurn, Purpose = "x", RequestId = "i17" },
        ["DiscardHeldTurn"] = t => new DiscardHeldTurnRequest { Turn = t.OtherHeldTurn, Purpose = "x", RequestId = "i18" },
        ["CreateRoleBinding"] = t => new CreateRoleBindingRequest { Parent = t.Name, RequestId = "i19", Purpose = "x", RoleBinding = new() { Subject = "newcomer", Roles = { "agent" } } },
        ["GetRoleBinding"] = t => new GetRoleBindingRequest { Name = t.Binding },
        ["ListRoleBindings"] = t => new ListRoleBindingsRequest { Parent = t.Name },
        ["UpdateRoleBinding"] = t => new UpdateRoleBindingRequest { Name = t.Binding, RequestId = "i20", Purpose = "x", Etag = "1", Roles = { "agent" } },
        ["DeleteRoleBinding"] = t => new DeleteRoleBindingRequest { Name = t.OtherBinding, RequestId = "i21", Purpose = "x", Etag = "1" },
        ["CreateApiKey"] = t => new CreateApiKeyRequest { Parent = t.Name, ApiKeyId = "new", RequestId = "i22", Purpose = "x", ApiKey = new() { Roles = { "agent" } } },
        ["ListApiKeys"] = t => new ListApiKeysRequest { Parent = t.Name },
        ["RevokeApiKey"] = t => new RevokeApiKeyRequest { Name = t.Key, RequestId = "i23", Purpose = "x" },
        ["TestPermissions"] = t => new TestPermissionsRequest { Parent = t.Name, Permissions = { "send_turns" } },
        // Of no tenant: nobody has them who is not named for it.
        ["CreateTenant"] = _ => new CreateTenantRequest { TenantId = "new", RequestId = "i24", Purpose = "x", Tenant = new() { Policy = "x", Facts = "x" } },
        ["GetTenant"] = t => new GetTenantRequest { Name = t.Name },
        ["ListTenants"] = _ => new ListTenantsRequest(),
        ["ProposeTenantUpdate"] = t => new ProposeTenantUpdateRequest { Name = t.Name, RequestId = "i25", Purpose = "x", Etag = "1", Tenant = new() { Policy = "x", Facts = "x" } },
        ["GetTenantUpdate"] = t => new GetTenantUpdateRequest { Name = $"{t.Name}/updates/tenant-1" },
        ["ListTenantUpdates"] = t => new ListTenantUpdatesRequest { Parent = t.Name },
        ["ApproveTenantUpdate"] = t => new ApproveTenantUpdateRequest { Name = $"{t.Name}/updates/tenant-1", Hash = "x", Purpose = "x", RequestId = "i27" },
        ["RejectTenantUpdate"] = t => new RejectTenantUpdateRequest { Name = $"{t.Name}/updates/tenant-1", Purpose = "x", RequestId = "i28" },
        ["GetSearchIndex"] = t => new GetSearchIndexRequest { Name = t.Name },
        ["RebuildSearchIndex"] = t => new RebuildSearchIndexRequest { Name = t.Name, RequestId = "i26", Purpose = "x" },
    };

    /// <summary>What a tenant did and asked, itself included.</summary>
    private const string Told = "ListAuditEvents";

    /// <summary>Fields that are looked up nowhere, and begin a turn or are kept as they come.</summary>
    private static readonly HashSet<string> FreeText = ["text", "title", "purpose", "policy", "facts", "lexicon", "language_code"];

    [Fact]
    public async Task Whoever_may_do_most_in_one_tenant_learns_and_changes_nothing_in_another()
    {
        Assert.Equal(ContractWalk.Methods.Select(method => method.Name).Order(), Own.Keys.Order());
        using var folder = new TemporaryFolder();
        FurnishedTenant.Found(folder.Path, "north");
        FurnishedTenant.Found(folder.Path, "south");
        await using var host = await EmbeddedHost.Start(settings: [$"--R1:Tenants={folder.Path}", "--R1:Retention:Minimum=0"]);
        var (victim, own) = (await FurnishedTenant.Furnish(host, "north"), await FurnishedTenant.Furnish(host, "south"));
        var most = host.Bearer("south", "boss", PermissionSet.All);
        var before = await victim.Look(host);

        var wrong = new List<string>();
        // Whoever asks is told later what they asked, and what is created may bear the other's names from then on.
        foreach (var method in ContractWalk.Methods.OrderBy(method => (method.Name != Told, method.Name.StartsWith("Create", StringComparison.Ordinal))))
        {
            var (request, isAnswered) = (Own[method.Name](own), false);
            var asked = new List<byte[]>();
            foreach (var (field, what, spoiled, isForeignName) in Spoiled(request, victim))
            {
                var (answers, refused) = await ContractWalk.Answer(host.Channel, method, spoiled, most);
                isAnswered |= refused is null;
                asked = method.Name == Told ? [.. asked, spoiled.ToByteArray()] : [spoiled.ToByteArray()];
                if (Leaked(victim, asked, answers, refused) is { } leaked)
                    wrong.Add($"{method.Name}, {field} = {what}: the answer has '{leaked}'");
                if (isForeignName && refused?.StatusCode is not (StatusCode.NotFound or StatusCode.PermissionDenied))
                    wrong.Add($"{method.Name}, {field} = {what}: {refused?.Status.ToString() ?? "answered"}");
                if (isForeignName && !ContractWalk.IsOfCluster(method) && refused?.StatusCode is StatusCode.PermissionDenied)
                    wrong.Add($"{method.Name}, {field} = {what}: denied, which tells that it is there");
            }
            // It is asked of its own as well, or all of the above would be refused for another reason.
            var (answered, failed) = await ContractWalk.Answer(host.Channel, method, request, most);
            isAnswered |= failed is null;
            if (ContractWalk.IsOfCluster(method) ? failed?.StatusCode is not StatusCode.PermissionDenied : !isAnswered)
                wrong.Add($"{method.Name} of its own: {failed?.Status.ToString() ?? "answered"}");
            if (Leaked(victim, method.Name == Told ? asked : [], answered, failed) is { } told)
                wrong.Add($"{method.Name} of its own: the answer has '{told}'");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Equal(before, await victim.Look(host));
    }

    /// <summary>The request with something of the other tenant in one field after another.</summary>
    private static IEnumerable<(string Field, string What, IMessage Request, bool IsForeignName)> Spoiled(IMessage request, FurnishedTenant victim)
    {
        var (number, requestId) = (0, request.Descriptor.FindFieldByName("request_id"));
        foreach (var (path, field, value) in Texts(request, []))
        {
            var values = field.Name switch
            {
                "request_id" => victim.RequestIds,
                "page_token" => victim.PageTokens,
                "query" => [victim.Words],
                _ => value.StartsWith("tenants/", StringComparison.Ordinal) ? victim.All : victim.Some,
            };
            foreach (var foreign in values)
            {
                var spoiled = request.Descriptor.Parser.ParseFrom(request.ToByteArray());
                var at = path.Aggregate((IMessage)spoiled, (message, step) => (IMessage)step.Accessor.GetValue(message));
                // With the id of an attempt before it would be refused for that alone.
                requestId?.Accessor.SetValue((IMessage)spoiled, $"{request.Descriptor.Name}-{++number}");
                if (field.Accessor.GetValue(at) is IList several) several[0] = foreign;
                else field.Accessor.SetValue(at, foreign);
                yield return (string.Join('.', path.Append(field).Select(step => step.Name)), foreign, (IMessage)spoiled, value.StartsWith("tenants/", StringComparison.Ordinal) && Shape(value) == Shape(foreign));
            }
        }
    }

    private static IEnumerable<(FieldDescriptor[] Path, FieldDescriptor Field, string Value)> Texts(IMessage message, FieldDescriptor[] path)
    {
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder().Where(field => !field.IsMap))
        {
            if (field.FieldType is FieldType.String && !FreeText.Contains(field.Name))
            {
                if (field.Accessor.GetValue(message) is not IList several) yield return (path, field, (string)field.Accessor.GetValue(message));
                else if (several.Count > 0) yield return (path, field, (string)several[0]!);
            }
            if (field is { FieldType: FieldType.Message, IsRepeated: false } && field.Accessor.GetValue(message) is IMessage inner)
                foreach (var text in Texts(inner, [.. path, field]))
                    yield return text;
        }
    }

    /// <summary>What of the other tenant stands in the answer that did not stand in a request.</summary>
    private static string? Leaked(FurnishedTenant victim, IReadOnlyList<byte[]> asked, IReadOnlyList<IMessage> answers, RpcException? refused)
    {
        var told = new List<byte[]>(answers.Select(answer => answer.ToByteArray()));
        if (refused is not null)
        {
            told.Add(Encoding.UTF8.GetBytes(refused.Status.Detail));
            told.AddRange(refused.Trailers.Select(trailer => trailer.IsBinary ? trailer.ValueBytes : Encoding.UTF8.GetBytes(trailer.Value)));
        }
        return victim.Marks.FirstOrDefault(mark => Encoding.UTF8.GetBytes(mark) is var bytes && !Has(asked, bytes) && Has(told, bytes));

        static bool Has(IEnumerable<byte[]> messages, byte[] bytes) => messages.Any(message => message.AsSpan().IndexOf(bytes) >= 0);
    }

    /// <summary>Of which kind a resource's name is.</summary>
    private static string Shape(string name) => Id().Replace(name, "/*");

    [GeneratedRegex("(?<=^tenants|/conversations|/turns|/wordLists|/lexiconProposals|/lexiconEditions|/roleBindings|/apiKeys|/legalHolds|/erasures|/exports|/keyRotations)/[^/]+")]
    private static partial Regex Id();
}
