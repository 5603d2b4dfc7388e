using System.CommandLine;
using R1Grains.V1;

namespace R1Grains.Cli;

/// <summary><c>r1 tenants</c></summary>
internal static class TenantsCommand
{
    private static readonly Argument<string> Id = new("tenant") { Description = "Its id: a-z, 0-9 and '-'." };

    private static readonly Argument<string> Update = new("update") { Description = "The name of what was proposed, as 'updates' shows it." };

    private static readonly Option<FileInfo> Policy = File("--policy", "What the model is told first.", isRequired: true);

    private static readonly Option<FileInfo> Facts = File("--facts", "What answers are taken from.", isRequired: true);

    private static readonly Option<FileInfo> Lexicon = File("--lexicon", "Words of its own, added to the list that ships.", isRequired: false);

    private static readonly Option<FileInfo> Settings = File("--settings", "How customers are told that a machine answers, as tenant.json has it.", isRequired: false);

    public static Command Create()
    {
        var list = new ExampledCommand("list", "Lists the tenants that were set, the last changed ones last.", "r1 tenants list --token $OPERATOR") { Listing.Limit, Listing.Json };
        list.SetAction(List);

        var get = new ExampledCommand("get", "Shows a tenant with its texts.", "r1 tenants get north --json") { Id, Listing.Json };
        get.SetAction((parsed, cancellation) => Show(parsed, connection => Find(connection, parsed, cancellation)));

        var create = new ExampledCommand("create", "Creates a tenant. Every process serves it within a second.", """
            r1 tenants create north --policy policy.md --facts facts.md
            r1 tenants create north --policy policy.md --facts facts.md --lexicon lexicon.txt --purpose "Branch North goes live"
            """) { Id, Policy, Facts, Lexicon, Settings, PurposeOption.Purpose, Listing.Json };
        create.SetAction(async (parsed, cancellation) =>
        {
            var request = new CreateTenantRequest
            {
                TenantId = parsed.GetRequiredValue(Id),
                RequestId = Guid.NewGuid().ToString(),
                Tenant = await Read(parsed, cancellation),
                Purpose = parsed.GetValue(PurposeOption.Purpose) ?? "",
            };
            return await Show(parsed, connection => connection.Call(c => c.Tenants.CreateTenantAsync(request, cancellationToken: cancellation), cancellation));
        });

        var propose = new ExampledCommand("propose", "Proposes other texts in the place of a tenant's; another operator has to approve it.", "r1 tenants propose north --policy policy.md --facts facts.md") { Id, Policy, Facts, Lexicon, Settings, PurposeOption.Purpose, Listing.Json };
        propose.SetAction(async (parsed, cancellation) =>
        {
            var tenant = await Read(parsed, cancellation);
            return await ShowUpdate(parsed, async connection =>
            {
                var there = await FindOrFolder(connection, parsed, cancellation);
                // What is not named stays.
                if (parsed.GetValue(Lexicon) is null) tenant.Lexicon = there.Lexicon;
                if (parsed.GetValue(Settings) is null) tenant.AiDisclosure = there.AiDisclosure;
                var request = new ProposeTenantUpdateRequest
                {
                    Name = there.Name,
                    RequestId = Guid.NewGuid().ToString(),
                    Tenant = tenant,
                    Etag = there.Etag,
                    Purpose = parsed.GetValue(PurposeOption.Purpose) ?? "",
                };
                return await connection.Call(c => c.Tenants.ProposeTenantUpdateAsync(request, cancellationToken: cancellation), cancellation);
            });
        });

        return new ExampledCommand("tenants", "Lists, creates and changes tenants; for operators. What changes in a tenant that is there takes two of them.", """
            r1 tenants list
            r1 tenants create north --policy policy.md --facts facts.md
            r1 tenants reindex north
            """) { list, get, create, propose, Updates(), Approve(), Reject(), ReindexCommand.Create(Id) }.WithServer();
    }

    private static ExampledCommand Updates()
    {
        var get = new ExampledCommand("get", "Shows what was proposed, with its texts and its hash.", "r1 tenants updates get tenants/north/updates/tenant-3f2a…") { Update, Listing.Json };
        get.SetAction((parsed, cancellation) => ShowUpdate(parsed, connection => connection.Call(c => c.Tenants.GetTenantUpdateAsync(new() { Name = parsed.GetRequiredValue(Update) }, cancellationToken: cancellation), cancellation)));
        var of = new Argument<string>("tenant") { Description = "Its id.", Arity = ArgumentArity.ZeroOrOne };
        var command = new ExampledCommand("updates", "Lists what was proposed for a tenant.", "r1 tenants updates north") { of, get, Listing.Limit, Listing.Json };
        command.Validators.Add(result =>
        {
            if (result.GetValue(of) is null) result.AddError("Name the tenant, e.g. r1 tenants updates north.");
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            using var connection = parsed.Connect();
            var all = Listing.Pages<TenantUpdate>(parsed.GetValue(Listing.Limit), async (size, token) =>
            {
                var page = await connection.Call(c => c.Tenants.ListTenantUpdatesAsync(new() { Parent = $"tenants/{parsed.GetValue(of)}", PageSize = size, PageToken = token }, cancellationToken: cancellation), cancellation);
                return (page.Updates, page.NextPageToken);
            });
            await new Listing(parsed.GetValue(Listing.Json)).Write(
                all, ["Update", "State", "Proposed", "By", "Decided by", "Purpose"],
                update => [update.Name, $"{update.State}", Listing.Text(update.ProposeTime), update.Proposer, update.Decider, update.Purpose]);
            return ExitCode.Done;
        });
        return command;
    }

    private static ExampledCommand Approve()
    {
        var hash = new Option<string>("--hash") { Description = "As 'updates get' shows it: what comes into force is what was looked at.", HelpName = "hash", Required = true };
        var command = new ExampledCommand("approve", "Puts what another operator proposed in force; every process serves it within a second.", "r1 tenants approve tenants/north/updates/tenant-3f2a… --hash 9c1e…") { Update, hash, PurposeOption.Purpose, Listing.Json };
        command.SetAction((parsed, cancellation) =>
        {
            var request = new ApproveTenantUpdateRequest { Name = parsed.GetRequiredValue(Update), Hash = parsed.GetRequiredValue(hash), Purpose = parsed.GetValue(PurposeOption.Purpose) ?? "", RequestId = Guid.NewGuid().ToString() };
            return ShowUpdate(parsed, connection => connection.Call(c => c.Tenants.ApproveTenantUpdateAsync(request, cancellationToken: cancellation), cancellation));
        });
        return command;
    }

    private static ExampledCommand Reject()
    {
        var command = new ExampledCommand("reject", "Ends what was proposed without anything done.", "r1 tenants reject tenants/north/updates/tenant-3f2a… --purpose \"the old fee\"") { Update, PurposeOption.Purpose, Listing.Json };
        command.SetAction((parsed, cancellation) =>
        {
            var request = new RejectTenantUpdateRequest { Name = parsed.GetRequiredValue(Update), Purpose = parsed.GetValue(PurposeOption.Purpose) ?? "", RequestId = Guid.NewGuid().ToString() };
            return ShowUpdate(parsed, connection => connection.Call(c => c.Tenants.RejectTenantUpdateAsync(request, cancellationToken: cancellation), cancellation));
        });
        return command;
    }

    private static async Task<int> ShowUpdate(ParseResult parsed, Func<Connection, Task<TenantUpdate>> call)
    {
        using var connection = parsed.Connect();
        var update = await call(connection);
        new Listing(parsed.GetValue(Listing.Json)).Write(
            update,
            [
                ("name", update.Name), ("state", $"{update.State}"), ("replaces etag", update.Tenant?.Etag ?? ""), ("purpose", update.Purpose), ("hash", update.Hash),
                ("proposed", Listing.Text(update.ProposeTime)), ("by", update.Proposer), ("until", Listing.Text(update.ExpireTime)), ("decided", Listing.Text(update.DecideTime)), ("decided by", update.Decider),
                .. Texts(update.Tenant),
            ]);
        return ExitCode.Done;
    }

    private static IEnumerable<(string, string)> Texts(Tenant? tenant) => tenant is null ? [] :
    [
        ("policy", tenant.Policy), ("facts", tenant.Facts), ("lexicon", tenant.Lexicon), ("ai_disclosure", tenant.AiDisclosure is { } disclosure ? $"{disclosure}" : ""),
    ];

    private static async Task<int> List(ParseResult parsed, CancellationToken cancellation)
    {
        using var connection = parsed.Connect();
        var all = Listing.Pages<Tenant>(parsed.GetValue(Listing.Limit), async (size, token) =>
        {
            var page = await connection.Call(c => c.Tenants.ListTenantsAsync(new() { PageSize = size, PageToken = token }, cancellationToken: cancellation), cancellation);
            return (page.Tenants, page.NextPageToken);
        });
        await new Listing(parsed.GetValue(Listing.Json)).Write(
            all, ["Tenant", "Changed", "By"], tenant => [Names.Id(tenant.Name), Listing.Text(tenant.UpdateTime), tenant.UpdatedBy]);
        return ExitCode.Done;
    }

    private static Task<Tenant> Find(Connection connection, ParseResult parsed, CancellationToken cancellation) => connection.Call(
        c => c.Tenants.GetTenantAsync(new() { Name = $"tenants/{parsed.GetRequiredValue(Id)}" }, cancellationToken: cancellation), cancellation);

    /// <summary>Of one that lies in a folder of the server nobody is told its texts.</summary>
    private static async Task<Tenant> FindOrFolder(Connection connection, ParseResult parsed, CancellationToken cancellation)
    {
        try
        {
            return await Find(connection, parsed, cancellation);
        }
        catch (RefusedException missing) when (missing.Refusal.Reason == "TENANT_NOT_FOUND")
        {
            return new() { Name = $"tenants/{parsed.GetRequiredValue(Id)}", Etag = "0" };
        }
    }

    private static async Task<int> Show(ParseResult parsed, Func<Connection, Task<Tenant>> call)
    {
        using var connection = parsed.Connect();
        var tenant = await call(connection);
        new Listing(parsed.GetValue(Listing.Json)).Write(
            tenant,
            [("name", tenant.Name), ("changed", Listing.Text(tenant.UpdateTime)), ("by", tenant.UpdatedBy), ("etag", tenant.Etag), .. Texts(tenant)]);
        return ExitCode.Done;
    }

    private static async Task<Tenant> Read(ParseResult parsed, CancellationToken cancellation) => new(await ReadSettings(parsed.GetValue(Settings), cancellation))
    {
        Policy = await System.IO.File.ReadAllTextAsync(parsed.GetRequiredValue(Policy).FullName, cancellation),
        Facts = await System.IO.File.ReadAllTextAsync(parsed.GetRequiredValue(Facts).FullName, cancellation),
        Lexicon = parsed.GetValue(Lexicon) is { } lexicon ? await System.IO.File.ReadAllTextAsync(lexicon.FullName, cancellation) : "",
    };

    /// <summary>The file has the form of the message, so that it can be a tenant folder's as well.</summary>
    private static async Task<Tenant> ReadSettings(FileInfo? settings, CancellationToken cancellation) =>
        settings is null ? new() : new() { AiDisclosure = (await JsonFile.Read<Tenant>(settings, cancellation)).AiDisclosure };

    private static Option<FileInfo> File(string name, string what, bool isRequired) =>
        new Option<FileInfo>(name) { Description = what, HelpName = "file", Required = isRequired }.AcceptExistingOnly();
}
