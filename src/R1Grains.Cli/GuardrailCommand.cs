using System.CommandLine;
using Google.Protobuf;
using R1Grains.V1;

namespace R1Grains.Cli;

/// <summary><c>r1 guardrail</c></summary>
internal static class GuardrailCommand
{
    private static readonly Argument<string> List = new("list") { Description = "The word list's id, or its full name." };
    private static readonly Argument<string> Proposal = new("proposal") { Description = "The proposal's id, or its full name." };
    private static readonly Argument<int> Edition = new("edition") { Description = "The edition's number, from 1." };
    private static readonly Argument<string> Turn = new("turn") { Description = "The turn as conversation/turns/number, or its full name." };

    private static readonly Option<string> Purpose = new("--purpose", "-m")
    {
        Description = "Why; it stands in the administrative record.",
        HelpName = "words",
        DefaultValueFactory = _ => "",
    };

    public static Command Create() => new ExampledCommand(
        "guardrail",
        "Words that must not be said, and turns that wait for a person. Lists are drafts: nothing of them is looked for until one person has proposed an edition of them and another has approved it; within two seconds it is in force everywhere.",
        """
        r1 guardrail test 本产品稳赚不赔 --answer
        r1 guardrail lists put promises promises.json
        r1 guardrail propose -m "new promises"
        r1 guardrail approve lexicon-3f2a… --hash 9c1e…
        r1 guardrail held
        """) { Test(), Lists(), Propose(), Proposals(), Approve(), Reject(), Editions(), Held(), Release(), Discard() }.WithServer();

    private static ExampledCommand Test()
    {
        var text = new Argument<string>("text") { Description = "What somebody says." };
        var answer = new Option<bool>("--answer") { Description = "The model says it. Default: a customer does." };
        var candidate = new Option<string>("--on") { Description = "Try it on a draft: 'lists' for all of them, lists/ID, proposals/ID or editions/NUMBER. Default: on what is in force.", HelpName = "candidate", DefaultValueFactory = _ => "" };
        var day = new Option<string>("--day") { Description = "As of this day. Default: today, in UTC.", HelpName = "yyyy-mm-dd", DefaultValueFactory = _ => "" };
        var language = new Option<string>("--language") { Description = "Of the words for the customer: zh or en.", HelpName = "language", DefaultValueFactory = _ => "zh" };
        var command = new ExampledCommand("test", "Tells what would happen to a text: what is found where, and what would be shown. Nothing is recorded.", """
            r1 guardrail test 什么是杀猪盘？
            r1 guardrail test "稳 赚 不 赔" --answer
            r1 guardrail test "acme bank" --answer --on lists
            """) { text, answer, candidate, day, language, Listing.Json };
        command.SetAction(async (parsed, cancellation) =>
        {
            using var connection = parsed.Connect();
            var parent = Tenant(parsed);
            var request = new TestTextRequest
            {
                Parent = parent,
                Text = parsed.GetRequiredValue(text),
                Scope = parsed.GetValue(answer) ? WordListEntry.Types.Scope.Output : WordListEntry.Types.Scope.Input,
                Candidate = Candidate(parent, parsed.GetRequiredValue(candidate)),
                Day = parsed.GetRequiredValue(day),
                LanguageCode = parsed.GetRequiredValue(language),
            };
            var tried = await connection.Call(c => c.Guardrail.TestTextAsync(request, cancellationToken: cancellation), cancellation);
            new Listing(parsed.GetValue(Listing.Json)).Write(
                tried,
                [
                    ("outcome", $"{tried.Outcome}"), ("shown", tried.Shown), ("normal form", tried.NormalForm),
                    .. tried.Hits.Select(hit => ($"hit {hit.Start}-{hit.End}", $"{request.Text[hit.Start..hit.End]}: {hit.Entry.Term} ({Words(hit.Entry)}){(hit.Disguise is TextHit.Types.Disguise.Unspecified ? "" : $", by {hit.Disguise}")}")),
                    ("lexicon", tried.Lexicon), ("edition", tried.Edition),
                ]);
            return ExitCode.Done;
        });
        return command;
    }

    private static ExampledCommand Lists()
    {
        var get = new ExampledCommand("get", "Shows a list with its words; with --json in the form that put takes.", """
            r1 guardrail lists get promises
            r1 guardrail lists get promises --json > promises.json
            """) { List, Listing.Json };
        get.SetAction((parsed, cancellation) => ShowList(parsed, connection => connection.Call(c => c.Guardrail.GetWordListAsync(new() { Name = ListName(parsed) }, cancellationToken: cancellation), cancellation)));

        var file = new Argument<FileInfo>("file") { Description = "A JSON object: {\"title\": …, \"entries\": [{\"term\": …, \"category\": …, \"level\": 1 to 9, \"action\": ALLOW, MASK, REVIEW, REPLACE or BLOCK, \"scope\": INPUT, OUTPUT or BOTH, \"validFrom\": …, \"validUntil\": …}]}; with the etag of 'get' it replaces a list, without one it makes a new one." };
        var put = new ExampledCommand("put", "Makes a list, or replaces its words.", "r1 guardrail lists put promises promises.json") { List, file, Listing.Json };
        put.SetAction(async (parsed, cancellation) =>
        {
            var (name, wanted, requestId) = (ListName(parsed), await JsonFile.Read<WordList>(parsed.GetRequiredValue(file), cancellation), Guid.NewGuid().ToString());
            return await ShowList(parsed, connection => wanted.Etag.Length == 0
                ? connection.Call(c => c.Guardrail.CreateWordListAsync(new() { Parent = name[..name.IndexOf("/wordLists/", StringComparison.Ordinal)], WordListId = Names.Id(name), WordList = wanted, RequestId = requestId }, cancellationToken: cancellation), cancellation)
                : connection.Call(c => c.Guardrail.UpdateWordListAsync(new() { Name = name, WordList = wanted, RequestId = requestId }, cancellationToken: cancellation), cancellation));
        });

        var etag = new Option<string>("--etag") { Description = "As 'get' shows it: what is deleted is what was looked at.", HelpName = "etag", Required = true };
        var delete = new ExampledCommand("delete", "Deletes a list; what is in force stays in force.", "r1 guardrail lists delete promises --etag 3") { List, etag };
        delete.SetAction(async (parsed, cancellation) =>
        {
            using var connection = parsed.Connect();
            var request = new DeleteWordListRequest { Name = ListName(parsed), Etag = parsed.GetRequiredValue(etag), RequestId = Guid.NewGuid().ToString() };
            await connection.Call(c => c.Guardrail.DeleteWordListAsync(request, cancellationToken: cancellation), cancellation);
            return ExitCode.Done;
        });

        var command = new ExampledCommand("lists", "Lists the word lists, and shows, writes and deletes them.", """
            r1 guardrail lists
            r1 guardrail lists get promises
            """) { get, put, delete, Listing.Limit, Listing.Json };
        command.SetAction((parsed, cancellation) => All<WordList>(
            parsed,
            async (connection, size, token) =>
            {
                var page = await connection.Call(c => c.Guardrail.ListWordListsAsync(new() { Parent = Tenant(parsed), PageSize = size, PageToken = token }, cancellationToken: cancellation), cancellation);
                return (page.WordLists, page.NextPageToken);
            },
            ["List", "Words", "Changed", "By", "Title"],
            list => [Names.Id(list.Name), Listing.Text(list.EntryCount), Listing.Text(list.UpdateTime), list.Updater, list.Title]));
        return command;
    }

    private static ExampledCommand Propose()
    {
        var again = new Option<int?>("--edition") { Description = "Bring an earlier edition back. Default: the lists as they are now.", HelpName = "number" };
        var command = new ExampledCommand("propose", "Proposes an edition; somebody else has to approve it.", """
            r1 guardrail propose -m "new promises"
            r1 guardrail propose --edition 3 -m "edition 4 blocks too much"
            """) { again, Purpose, Listing.Json };
        command.SetAction((parsed, cancellation) =>
        {
            var request = new ProposeEditionRequest { Parent = Tenant(parsed), Edition = parsed.GetValue(again) is { } number ? $"{Tenant(parsed)}/lexiconEditions/{number}" : "", Purpose = parsed.GetRequiredValue(Purpose), RequestId = Guid.NewGuid().ToString() };
            return ShowProposal(parsed, connection => connection.Call(c => c.Guardrail.ProposeEditionAsync(request, cancellationToken: cancellation), cancellation), cancellation);
        });
        return command;
    }

    private static ExampledCommand Proposals()
    {
        var get = new ExampledCommand("get", "Shows a proposal with its words and its hash.", "r1 guardrail proposals get lexicon-3f2a…") { Proposal, Listing.Json };
        get.SetAction((parsed, cancellation) => ShowProposal(parsed, connection => connection.Call(c => c.Guardrail.GetProposalAsync(new() { Name = ProposalName(parsed) }, cancellationToken: cancellation), cancellation), cancellation));
        var command = new ExampledCommand("proposals", "Lists proposals.", "r1 guardrail proposals") { get, Listing.Limit, Listing.Json };
        command.SetAction((parsed, cancellation) => All<Proposal>(
            parsed,
            async (connection, size, token) =>
            {
                var page = await connection.Call(c => c.Guardrail.ListProposalsAsync(new() { Parent = Tenant(parsed), PageSize = size, PageToken = token }, cancellationToken: cancellation), cancellation);
                return (page.Proposals, page.NextPageToken);
            },
            ["Proposal", "State", "Edition", "Proposed", "By", "Decided by", "Purpose"],
            proposal => [Names.Id(proposal.Name), $"{proposal.State}", Names.Id(proposal.Edition), Listing.Text(proposal.ProposeTime), proposal.Proposer, proposal.Decider, proposal.Purpose]));
        return command;
    }

    private static ExampledCommand Approve()
    {
        var hash = new Option<string>("--hash") { Description = "As 'proposals get' shows it: what comes into force is what was looked at.", HelpName = "hash", Required = true };
        var command = new ExampledCommand("approve", "Puts what somebody else proposed into force.", "r1 guardrail approve lexicon-3f2a… --hash 9c1e…") { Proposal, hash, Purpose, Listing.Json };
        command.SetAction((parsed, cancellation) =>
        {
            var request = new ApproveProposalRequest { Name = ProposalName(parsed), Hash = parsed.GetRequiredValue(hash), Purpose = parsed.GetRequiredValue(Purpose), RequestId = Guid.NewGuid().ToString() };
            return ShowProposal(parsed, connection => connection.Call(c => c.Guardrail.ApproveProposalAsync(request, cancellationToken: cancellation), cancellation), cancellation);
        });
        return command;
    }

    private static ExampledCommand Reject()
    {
        var command = new ExampledCommand("reject", "Ends a proposal without anything done.", "r1 guardrail reject lexicon-3f2a… -m \"too broad\"") { Proposal, Purpose, Listing.Json };
        command.SetAction((parsed, cancellation) =>
        {
            var request = new RejectProposalRequest { Name = ProposalName(parsed), Purpose = parsed.GetRequiredValue(Purpose), RequestId = Guid.NewGuid().ToString() };
            return ShowProposal(parsed, connection => connection.Call(c => c.Guardrail.RejectProposalAsync(request, cancellationToken: cancellation), cancellation), cancellation);
        });
        return command;
    }

    private static ExampledCommand Editions()
    {
        var get = new ExampledCommand("get", "Shows an edition with its words.", "r1 guardrail editions get 3") { Edition, Listing.Json };
        get.SetAction(async (parsed, cancellation) =>
        {
            using var connection = parsed.Connect();
            var request = new GetEditionRequest { Name = $"{Tenant(parsed)}/lexiconEditions/{parsed.GetRequiredValue(Edition)}" };
            var edition = await connection.Call(c => c.Guardrail.GetEditionAsync(request, cancellationToken: cancellation), cancellation);
            while ((request.PageToken = edition.NextPageToken).Length > 0)
            {
                var more = await connection.Call(c => c.Guardrail.GetEditionAsync(request, cancellationToken: cancellation), cancellation);
                edition.Entries.Add(more.Entries);
                edition.NextPageToken = more.NextPageToken;
            }
            new Listing(parsed.GetValue(Listing.Json)).Write(
                edition,
                [
                    ("name", edition.Name), ("in force", edition.InForce ? "yes" : "no"), ("hash", edition.Hash), ("proposed by", edition.Proposer), ("approved by", edition.Approver), ("published", Listing.Text(edition.PublishTime)),
                    .. edition.Entries.Select(entry => (entry.Term, Words(entry))),
                ]);
            return ExitCode.Done;
        });
        var command = new ExampledCommand("editions", "Lists everything that was ever in force.", "r1 guardrail editions") { get, Listing.Limit, Listing.Json };
        command.SetAction((parsed, cancellation) => All<Edition>(
            parsed,
            async (connection, size, token) =>
            {
                var page = await connection.Call(c => c.Guardrail.ListEditionsAsync(new() { Parent = Tenant(parsed), PageSize = size, PageToken = token }, cancellationToken: cancellation), cancellation);
                return (page.Editions, page.NextPageToken);
            },
            ["Edition", "In force", "Words", "Published", "Proposed by", "Approved by", "Hash"],
            edition => [Names.Id(edition.Name), edition.InForce ? "yes" : "", Listing.Text(edition.EntryCount), Listing.Text(edition.PublishTime), edition.Proposer, edition.Approver, edition.Hash]));
        return command;
    }

    private static ExampledCommand Held()
    {
        var decided = new Option<bool>("--decided") { Description = "Those that are decided, instead of those that wait." };
        var get = new ExampledCommand("get", "Shows a held turn with what was said.", """
            r1 guardrail held get 3f2a/turns/2
            r1 guardrail held get 3f2a/turns/2 --lift-masks "is it their own number?"
            """) { Turn, PurposeOption.Lifting, Listing.Json };
        get.SetAction((parsed, cancellation) => ShowHeld(parsed, connection => connection.Call(
            c => c.Guardrail.GetHeldTurnAsync(new() { Turn = TurnName(parsed), LiftMasks = parsed.GetValue(PurposeOption.Lifting) is not null, Purpose = parsed.GetValue(PurposeOption.Lifting) ?? "" }, cancellationToken: cancellation), cancellation)));
        var command = new ExampledCommand("held", "Lists the turns that wait for a person.", """
            r1 guardrail held
            r1 guardrail held get 3f2a/turns/2
            """) { get, decided, Listing.Limit, Listing.Json };
        command.SetAction((parsed, cancellation) => All<HeldTurn>(
            parsed,
            async (connection, size, token) =>
            {
                var page = await connection.Call(c => c.Guardrail.ListHeldTurnsAsync(new() { Parent = Tenant(parsed), PageSize = size, PageToken = token, Decided = parsed.GetValue(decided) }, cancellationToken: cancellation), cancellation);
                return (page.HeldTurns, page.NextPageToken);
            },
            ["Turn", "State", "Held", "Waits", "Categories", "Decided by"],
            held => [held.Turn[(held.Turn.IndexOf("/conversations/", StringComparison.Ordinal) + "/conversations/".Length)..], $"{held.State}", Listing.Text(held.HoldTime), Waits(held), string.Join(", ", held.Categories), held.Decider]));
        return command;
    }

    private static ExampledCommand Release()
    {
        var command = new ExampledCommand("release", "Lets a held turn go on: its answer comes as the conversation's next turn.", "r1 guardrail release 3f2a/turns/2 -m harmless") { Turn, Purpose, Listing.Json };
        command.SetAction((parsed, cancellation) =>
        {
            var request = new ReleaseHeldTurnRequest { Turn = TurnName(parsed), Purpose = parsed.GetRequiredValue(Purpose), RequestId = Guid.NewGuid().ToString() };
            return ShowHeld(parsed, connection => connection.Call(c => c.Guardrail.ReleaseHeldTurnAsync(request, cancellationToken: cancellation), cancellation));
        });
        return command;
    }

    private static ExampledCommand Discard()
    {
        var command = new ExampledCommand("discard", "Keeps a held turn back for good; the customer is told so as the conversation's next turn.", "r1 guardrail discard 3f2a/turns/2 -m \"promises returns\"") { Turn, Purpose, Listing.Json };
        command.SetAction((parsed, cancellation) =>
        {
            var request = new DiscardHeldTurnRequest { Turn = TurnName(parsed), Purpose = parsed.GetRequiredValue(Purpose), RequestId = Guid.NewGuid().ToString() };
            return ShowHeld(parsed, connection => connection.Call(c => c.Guardrail.DiscardHeldTurnAsync(request, cancellationToken: cancellation), cancellation));
        });
        return command;
    }

    private static async Task<int> All<T>(ParseResult parsed, Func<Connection, int, string, Task<(IReadOnlyList<T>, string)>> page, string[] columns, Func<T, string[]> row) where T : IMessage
    {
        using var connection = parsed.Connect();
        await new Listing(parsed.GetValue(Listing.Json)).Write(Listing.Pages(parsed.GetValue(Listing.Limit), (size, token) => page(connection, size, token)), columns, row);
        return ExitCode.Done;
    }

    private static async Task<int> ShowList(ParseResult parsed, Func<Connection, Task<WordList>> call)
    {
        using var connection = parsed.Connect();
        var list = await call(connection);
        new Listing(parsed.GetValue(Listing.Json)).Write(
            list,
            [("name", list.Name), ("title", list.Title), ("etag", list.Etag), ("changed", Listing.Text(list.UpdateTime)), ("by", list.Updater), .. list.Entries.Select(entry => (entry.Term, Words(entry)))]);
        return ExitCode.Done;
    }

    private static async Task<int> ShowProposal(ParseResult parsed, Func<Connection, Task<Proposal>> call, CancellationToken cancellation)
    {
        using var connection = parsed.Connect();
        var proposal = await call(connection);
        while (proposal.NextPageToken is { Length: > 0 } token)
        {
            var more = await connection.Call(c => c.Guardrail.GetProposalAsync(new() { Name = proposal.Name, PageToken = token }, cancellationToken: cancellation), cancellation);
            proposal.Entries.Add(more.Entries);
            proposal.NextPageToken = more.NextPageToken;
        }
        new Listing(parsed.GetValue(Listing.Json)).Write(
            proposal,
            [
                ("name", proposal.Name), ("state", $"{proposal.State}"), ("edition", proposal.Edition), ("purpose", proposal.Purpose), ("hash", proposal.Hash),
                ("words", $"{proposal.EntryCount}: {proposal.AddedCount} more and {proposal.RemovedCount} fewer than before"),
                ("proposed", Listing.Text(proposal.ProposeTime)), ("by", proposal.Proposer), ("until", Listing.Text(proposal.ExpireTime)), ("decided", Listing.Text(proposal.DecideTime)), ("decided by", proposal.Decider),
                .. proposal.Entries.Select(entry => (entry.Term, Words(entry))),
            ]);
        return ExitCode.Done;
    }

    private static async Task<int> ShowHeld(ParseResult parsed, Func<Connection, Task<HeldTurn>> call)
    {
        using var connection = parsed.Connect();
        var held = await call(connection);
        new Listing(parsed.GetValue(Listing.Json)).Write(
            held,
            ("turn", held.Turn), ("state", $"{held.State}"), ("held", Listing.Text(held.HoldTime)), ("waits", Waits(held)), ("categories", string.Join(", ", held.Categories)),
            ("question", held.Input), ("held answer", held.HeldAnswer), ("decided", Listing.Text(held.DecideTime)), ("by", held.Decider), ("purpose", held.Purpose), ("told in", held.DecisionTurn));
        return ExitCode.Done;
    }

    private static string Words(WordListEntry entry)
    {
        var days = entry.ValidFrom.Length + entry.ValidUntil.Length == 0 ? "" : $", {entry.ValidFrom} to {entry.ValidUntil}";
        return $"{entry.Category} {entry.Level}, {entry.Action} {entry.Scope}{days}";
    }

    private static string Waits(HeldTurn held) => held.Scope is WordListEntry.Types.Scope.Input ? "question" : "answer";

    private static string Tenant(ParseResult parsed) => $"tenants/{parsed.TenantName()}";

    private static string Named(ParseResult parsed, string kind, string typed) => typed.StartsWith("tenants/", StringComparison.Ordinal) ? typed : $"{Tenant(parsed)}/{kind}/{typed}";

    private static string ListName(ParseResult parsed) => Named(parsed, "wordLists", parsed.GetRequiredValue(List));

    private static string ProposalName(ParseResult parsed) => Named(parsed, "lexiconProposals", parsed.GetRequiredValue(Proposal));

    private static string TurnName(ParseResult parsed) => Names.Turn(parsed.TenantName(), parsed.GetRequiredValue(Turn));

    private static string Candidate(string tenant, string typed) => typed.Split('/') switch
    {
        [""] => "",
        ["lists"] => $"{tenant}/wordLists/-",
        ["lists", var id] => $"{tenant}/wordLists/{id}",
        ["proposals", var id] => $"{tenant}/lexiconProposals/{id}",
        ["editions", var number] => $"{tenant}/lexiconEditions/{number}",
        _ => typed,
    };
}
