using System.CommandLine;
using Google.Protobuf.WellKnownTypes;
using R1Grains.V1;

namespace R1Grains.Cli;

/// <summary><c>r1 keys</c></summary>
internal static class KeysCommand
{
    private static readonly Argument<string> Id = new("key") { Description = "Its id: a-z, 0-9 and '-'." };

    private static readonly Argument<string[]> Roles = new("roles") { Description = "E.g. customer-channel.", Arity = ArgumentArity.OneOrMore };

    private static readonly Option<string> For = new("--for") { Description = "What it is for.", HelpName = "text", DefaultValueFactory = _ => "" };

    private static readonly Option<int> Days = new("--days")
    {
        Description = "How long it holds, at most 366.",
        HelpName = "n",
        DefaultValueFactory = _ => 90,
        Validators = { result => { if (result.GetValueOrDefault<int>() is < 1 or > 366) result.AddError("--days is 1 to 366."); } },
    };

    public static Command Create()
    {
        var list = new ExampledCommand("list", "Lists the keys of a tenant's programs, those that are over among them.", "r1 keys list") { Listing.Limit, Listing.Json };
        list.SetAction(List);

        var create = new ExampledCommand("create", "Creates a key, and prints its secret: nobody can be told it again.", """
            r1 keys create desk customer-channel --for "agent desktop" --days 30
            R1_TOKEN=$(r1 keys create desk customer-channel) r1 chat
            """) { Id, Roles, For, Days, PurposeOption.Purpose, Listing.Json };
        create.SetAction(Create);

        var revoke = new ExampledCommand("revoke", "Ends a key for ever.", "r1 keys revoke desk") { Id, PurposeOption.Purpose };
        revoke.SetAction(Revoke);

        return new ExampledCommand("keys", "Gives keys to programs, and takes them back; shows and replaces those of the record.", """
            r1 keys list
            r1 keys create desk customer-channel
            r1 keys revoke desk
            r1 keys show
            r1 keys rotate tenant
            """) { list, create, revoke, RecordKeysCommand.Show(), RecordKeysCommand.Rotate() }.WithServer();
    }

    private static async Task<int> List(ParseResult parsed, CancellationToken cancellation)
    {
        using var connection = parsed.Connect();
        var all = Listing.Pages<ApiKey>(parsed.GetValue(Listing.Limit), async (size, token) =>
        {
            var page = await connection.Call(c => c.Access.ListApiKeysAsync(new() { Parent = Parent(parsed), PageSize = size, PageToken = token }, cancellationToken: cancellation), cancellation);
            return (page.ApiKeys, page.NextPageToken);
        });
        await new Listing(parsed.GetValue(Listing.Json)).Write(
            all,
            ["Key", "Roles", "For", "Created", "By", "Expires", "Revoked"],
            key => [Names.Id(key.Name), string.Join(", ", key.Roles), key.DisplayName, Listing.Text(key.CreateTime), key.CreatedBy, Listing.Text(key.ExpireTime), Listing.Text(key.RevokeTime)]);
        return ExitCode.Done;
    }

    private static async Task<int> Create(ParseResult parsed, CancellationToken cancellation)
    {
        using var connection = parsed.Connect();
        var request = new CreateApiKeyRequest
        {
            Parent = Parent(parsed),
            ApiKeyId = parsed.GetRequiredValue(Id),
            RequestId = Guid.NewGuid().ToString(),
            ApiKey = new()
            {
                DisplayName = parsed.GetRequiredValue(For),
                Roles = { parsed.GetRequiredValue(Roles) },
                ExpireTime = TimeProvider.System.GetUtcNow().AddDays(parsed.GetValue(Days)).ToTimestamp(),
            },
            Purpose = parsed.GetValue(PurposeOption.Purpose) ?? "",
        };
        var created = await connection.Call(c => c.Access.CreateApiKeyAsync(request, cancellationToken: cancellation), cancellation);
        Console.WriteLine(parsed.GetValue(Listing.Json) ? Listing.JsonOf(created) : created.Secret);
        return ExitCode.Done;
    }

    private static async Task<int> Revoke(ParseResult parsed, CancellationToken cancellation)
    {
        using var connection = parsed.Connect();
        var request = new RevokeApiKeyRequest { Name = $"{Parent(parsed)}/apiKeys/{parsed.GetRequiredValue(Id)}", RequestId = Guid.NewGuid().ToString(), Purpose = parsed.GetValue(PurposeOption.Purpose) ?? "" };
        await connection.Call(c => c.Access.RevokeApiKeyAsync(request, cancellationToken: cancellation), cancellation);
        return ExitCode.Done;
    }

    private static string Parent(ParseResult parsed) => $"tenants/{parsed.TenantName()}";
}
