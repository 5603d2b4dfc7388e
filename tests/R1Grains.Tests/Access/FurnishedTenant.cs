using Google.Protobuf;
using Grpc.Core;
using R1Grains.Access;
using R1Grains.Tests.Gateway;
using R1Grains.V1;

namespace R1Grains.Tests.Access;

/// <summary>A tenant that has one of everything, and of what is used up two, all of it marked with the tenant's id.</summary>
internal sealed class FurnishedTenant
{
    private FurnishedTenant(string id) => Id = id;

    public string Id { get; }

    public string Name => $"tenants/{Id}";

    public string Conversation => $"{Name}/conversations/c-{Id}";

    public string OtherConversation => $"{Name}/conversations/d-{Id}";

    public string Turn => $"{Conversation}/turns/1";

    public string HeldTurn => $"{Name}/conversations/e-{Id}/turns/1";

    public string OtherHeldTurn => $"{Name}/conversations/f-{Id}/turns/1";

    public string WordList => $"{Name}/wordLists/w-{Id}";

    public string OtherWordList => $"{Name}/wordLists/x-{Id}";

    public string Edition => $"{Name}/lexiconEditions/1";

    public string Proposal { get; private set; } = "";

    public string ProposalHash { get; private set; } = "";

    public string OtherProposal { get; private set; } = "";

    public string Binding { get; private set; } = "";

    public string OtherBinding { get; private set; } = "";

    public string Key => $"{Name}/apiKeys/k-{Id}";

    public string Hold { get; private set; } = "";

    public string Erasure { get; private set; } = "";

    public string ErasureHash { get; private set; } = "";

    public string OtherErasure { get; private set; } = "";

    public string Export { get; private set; } = "";

    public string OtherExport { get; private set; } = "";

    public string KeyRotation => $"{Name}/keyRotations/tenant-1";

    public string Words => $"whispered-by-{Id}";

    public IReadOnlyList<string> RequestIds => [$"r-{Id}-1", $"r-{Id}-2"];

    public IReadOnlyList<string> PageTokens { get; private set; } = [];

    /// <summary>Whatever names something of it, by full name and by id, and who its customers and people are.</summary>
    public IReadOnlyList<string> All { get; private set; } = [];

    /// <summary>Some of these, of each kind one.</summary>
    public IReadOnlyList<string> Some => [Conversation, Turn, WordList, Erasure, Export, $"c-{Id}", $"w-{Id}", $"k-{Id}", $"customers/of-{Id}", $"clerk-of-{Id}", $"bound-of-{Id}", ProposalHash];

    /// <summary>What is nobody else's to see.</summary>
    public IReadOnlyList<string> Marks { get; private set; } = [];

    /// <summary>Writes the folder from which it is served.</summary>
    public static void Found(string tenants, string id)
    {
        var folder = Directory.CreateDirectory(Path.Combine(tenants, id)).FullName;
        File.WriteAllText(Path.Combine(folder, "policy.md"), $"---\nversion: 1\n---\nBe brief, says the policy-of-{id}.");
        File.WriteAllText(Path.Combine(folder, "facts.md"), $"---\nversion: 1\n---\n## Ferry Card\nThe fee is 3 yuan, by the facts-of-{id}.\n");
        File.WriteAllText(Path.Combine(folder, "lexicon.txt"), $"[fraud-{id} 9 review input]\nkeepback\n");
    }

    public static async Task<FurnishedTenant> Furnish(EmbeddedHost host, string id)
    {
        var tenant = new FurnishedTenant(id);
        var (clerk, second) = (host.Bearer(id, $"clerk-of-{id}", PermissionSet.All), host.Bearer(id, $"second-of-{id}", PermissionSet.All));
        foreach (var (letter, words) in new[] { ("c", $"{tenant.Words} about the Ferry Card"), ("d", "?"), ("e", $"keepback {tenant.Words}"), ("f", $"keepback {tenant.Words}") })
        {
            var opened = await host.Conversations.CreateConversationAsync(new()
            {
                Parent = tenant.Name,
                ConversationId = $"{letter}-{id}",
                RequestId = letter == "c" ? tenant.RequestIds[0] : $"open-{letter}",
                // Of the second nobody says whose it is, so that it can be erased by name.
                Conversation = new() { Customer = letter == "d" ? "" : $"customers/of-{id}", Agent = $"agent-of-{id}", Channel = "chat", LanguageCode = "en", Labels = { ["branch"] = $"branch-of-{id}" } },
            }, clerk);
            await host.Turns.StreamTurn(Talk.Turn(opened.Name, letter == "c" ? tenant.RequestIds[1] : "1", words), clerk).Rest();
        }
        await host.Conversations.CreateConversationAsync(new() { Parent = tenant.Name, ConversationId = $"g-{id}", RequestId = "open-g", Conversation = new() { Customer = $"customers/gone-of-{id}", Channel = "chat", LanguageCode = "en" } }, clerk);

        foreach (var letter in new[] { "w", "x" })
        {
            await host.Guardrail.CreateWordListAsync(new()
            {
                Parent = tenant.Name,
                WordListId = $"{letter}-{id}",
                RequestId = $"list-{letter}",
                WordList = new() { Title = $"title-of-{id}", Entries = { new WordListEntry { Term = $"{letter} termof{id}", Category = $"category-of-{id}", Level = 3, Action = WordListEntry.Types.Action.Mask, Scope = WordListEntry.Types.Scope.Output } } },
            }, clerk);
        }
        var first = await Propose("first");
        await host.Guardrail.ApproveProposalAsync(new() { Name = first.Name, Hash = first.Hash, Purpose = $"purpose-of-{id}", RequestId = "publish" }, second);
        var (proposal, other) = (await Propose("second"), await Propose("third"));
        (tenant.Proposal, tenant.ProposalHash, tenant.OtherProposal) = (proposal.Name, proposal.Hash, other.Name);

        tenant.Binding = await Bind($"bound-of-{id}");
        tenant.OtherBinding = await Bind($"unbound-of-{id}");
        var key = await host.Access.CreateApiKeyAsync(new() { Parent = tenant.Name, ApiKeyId = $"k-{id}", RequestId = "key", Purpose = $"purpose-of-{id}", ApiKey = new() { Roles = { "agent" } } }, clerk);
        tenant.Hold = (await host.Transcripts.PlaceLegalHoldAsync(new() { Parent = tenant.Name, RequestId = "hold", Purpose = $"case-of-{id}", ConversationName = $"{tenant.Name}/conversations/e-{id}" }, clerk)).Name;
        var (erasure, another) = (await Erase("erase-1"), await Erase("erase-2"));
        (tenant.Erasure, tenant.ErasureHash, tenant.OtherErasure) = (erasure.Name, erasure.Hash, another.Name);
        await Proved();
        (tenant.Export, tenant.OtherExport) = (await Exported("export-1"), await Exported("export-2"));

        tenant.PageTokens =
        [
            (await host.Conversations.ListConversationsAsync(new() { Parent = tenant.Name, PageSize = 1 }, clerk)).NextPageToken,
            (await host.Guardrail.ListWordListsAsync(new() { Parent = tenant.Name, PageSize = 1 }, clerk)).NextPageToken,
            (await host.Access.ListRoleBindingsAsync(new() { Parent = tenant.Name, PageSize = 1 }, clerk)).NextPageToken,
            (await host.Transcripts.ListExportsAsync(new() { Parent = tenant.Name, PageSize = 1 }, clerk)).NextPageToken,
            (await host.Transcripts.ListAuditEventsAsync(new() { Parent = tenant.Name, Purpose = $"purpose-of-{id}", PageSize = 1 }, clerk)).NextPageToken,
        ];
        Assert.DoesNotContain("", tenant.PageTokens);
        string[] names =
        [
            tenant.Name, tenant.Conversation, tenant.OtherConversation, tenant.Turn, tenant.HeldTurn, tenant.OtherHeldTurn, tenant.WordList, tenant.OtherWordList, tenant.Edition,
            tenant.Proposal, tenant.OtherProposal, tenant.Binding, tenant.OtherBinding, tenant.Key, tenant.Hold, tenant.Erasure, tenant.OtherErasure,
            tenant.Export, tenant.OtherExport,
        ];
        tenant.All = [.. names, $"c-{id}", $"w-{id}", $"k-{id}", $"customers/of-{id}", $"agent-of-{id}", $"bound-of-{id}", $"clerk-of-{id}", tenant.ProposalHash, tenant.ErasureHash];
        // Editions are numbered alike everywhere, and customers' hashes differ by tenant.
        tenant.Marks =
        [
            .. names.Where(name => name != tenant.Name), $"{tenant.Name}/", tenant.Words, $"-of-{id}", $"termof{id}", $"fraud-{id}", key.Secret, tenant.ProposalHash, tenant.ErasureHash,
            // A binding's id follows from its subject, in every tenant alike.
            .. names.Except([tenant.Binding, tenant.OtherBinding]).Select(name => name.Split('/')[^1]).Where(last => last.Length > 8), .. tenant.PageTokens,
        ];
        return tenant;

        async Task<Proposal> Propose(string requestId)
        {
            // So that there is something new to propose each time.
            await host.Guardrail.CreateWordListAsync(new() { Parent = tenant.Name, WordListId = $"for-{requestId}", RequestId = $"list-{requestId}", WordList = new() { Title = "x", Entries = { new WordListEntry { Term = $"{requestId} termof{id}", Category = "x", Level = 1, Action = WordListEntry.Types.Action.Mask, Scope = WordListEntry.Types.Scope.Output } } } }, clerk);
            return await host.Guardrail.ProposeEditionAsync(new() { Parent = tenant.Name, Purpose = $"purpose-of-{id}", RequestId = requestId }, clerk);
        }

        async Task<string> Bind(string subject) =>
            (await host.Access.CreateRoleBindingAsync(new() { Parent = tenant.Name, RequestId = subject, Purpose = $"purpose-of-{id}", RoleBinding = new() { Subject = subject, Roles = { "agent" } } }, clerk)).Name;

        async Task<Erasure> Erase(string requestId) =>
            await host.Transcripts.RequestErasureAsync(new() { Parent = tenant.Name, RequestId = requestId, Purpose = $"request-of-{id}", Customer = $"customers/gone-of-{id}" }, clerk);

        async Task<string> Exported(string requestId)
        {
            using var patience = new CancellationTokenSource(Talk.Patience);
            var export = await host.Transcripts.ExportTranscriptsAsync(new() { Parent = tenant.Name, RequestId = requestId, Purpose = $"purpose-of-{id}", View = TranscriptView.Full, Conversations = { tenant.Conversation } }, clerk);
            while (export.State is V1.Export.Types.State.Selecting)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
                export = await host.Transcripts.GetExportAsync(new() { Name = export.Name }, clerk, cancellationToken: patience.Token);
            }
            return export.Name;
        }

        // The tree is a moment behind.
        async Task Proved()
        {
            using var patience = new CancellationTokenSource(Talk.Patience);
            while (true)
            {
                try
                {
                    await host.Transcripts.GetInclusionProofAsync(new() { Turn = tenant.Turn }, clerk, cancellationToken: patience.Token);
                    return;
                }
                catch (RpcException pending) when (pending.StatusCode is StatusCode.Unavailable)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
                }
            }
        }
    }

    /// <summary>What is there of it, as far as anybody could change it.</summary>
    public async Task<string> Look(EmbeddedHost host)
    {
        var clerk = host.Bearer(Id, "looker", PermissionSet.All);
        IMessage[] seen =
        [
            await host.Conversations.ListConversationsAsync(new() { Parent = Name }, clerk),
            await host.Turns.ListTurnsAsync(new() { Parent = Conversation }, clerk),
            await host.Guardrail.ListWordListsAsync(new() { Parent = Name }, clerk),
            await host.Guardrail.ListProposalsAsync(new() { Parent = Name }, clerk),
            await host.Guardrail.ListEditionsAsync(new() { Parent = Name }, clerk),
            await host.Guardrail.ListHeldTurnsAsync(new() { Parent = Name }, clerk),
            await host.Access.ListRoleBindingsAsync(new() { Parent = Name }, clerk),
            await host.Access.ListApiKeysAsync(new() { Parent = Name }, clerk),
            await host.Transcripts.ListLegalHoldsAsync(new() { Parent = Name }, clerk),
            await host.Transcripts.ListErasuresAsync(new() { Parent = Name }, clerk),
            await host.Transcripts.ListExportsAsync(new() { Parent = Name }, clerk),
        ];
        var done = (await host.Registry.ListEntriesAsync(Id, 1_000)).Items.Select(entry => $"{entry.Record.Actor} {entry.Record.Action} {entry.Record.Resource}");
        return string.Join('\n', seen.Select(message => message.ToString()!).Concat(done));
    }
}
