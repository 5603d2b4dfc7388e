using System.CommandLine;
using R1Grains.V1;

namespace R1Grains.Cli;

/// <summary><c>r1 access</c></summary>
internal static class AccessCommand
{
    private static readonly Argument<string> Subject = new("subject") { Description = "As tokens name it." };

    private static readonly Argument<string[]> Roles = new("roles") { Description = "E.g. agent.", Arity = ArgumentArity.OneOrMore };

    public static Command Create()
    {
        var list = new ExampledCommand("list", "Lists who has which roles in a tenant, beside what their tokens say.", "r1 access list --tenant demo") { Listing.Limit, Listing.Json };
        list.SetAction(List);

        var bind = new ExampledCommand("bind", "Gives a subject these roles, in the place of those it was given before.", """
            r1 access bind anna agent
            r1 access bind ben auditor-full --purpose "examination 2026-11"
            """) { Subject, Roles, PurposeOption.Purpose, Listing.Json };
        bind.SetAction(Bind);

        var unbind = new ExampledCommand("unbind", "Takes from a subject what it was given.", "r1 access unbind anna") { Subject, PurposeOption.Purpose };
        unbind.SetAction(Unbind);

        return new ExampledCommand("access", "Says who may do what in a tenant.", """
            r1 access list
            r1 access bind anna agent
            """) { list, bind, unbind }.WithServer();
    }

    private static async Task<int> List(ParseResult parsed, CancellationToken cancellation)
    {
        using var connection = parsed.Connect();
        await new Listing(parsed.GetValue(Listing.Json)).Write(
            Bindings(connection, parsed, parsed.GetValue(Listing.Limit), cancellation),
            ["Subject", "Roles", "Set", "By"],
            binding => [binding.Subject, string.Join(", ", binding.Roles), Listing.Text(binding.UpdateTime), binding.UpdatedBy]);
        return ExitCode.Done;
    }

    private static async Task<int> Bind(ParseResult parsed, CancellationToken cancellation)
    {
        using var connection = parsed.Connect();
        var (requestId, roles, purpose) = (Guid.NewGuid().ToString(), parsed.GetRequiredValue(Roles), parsed.GetValue(PurposeOption.Purpose) ?? "");
        var binding = await Find(connection, parsed, cancellation) is { } there
            ? await connection.Call(
                c => c.Access.UpdateRoleBindingAsync(new() { Name = there.Name, RequestId = requestId, Roles = { roles }, Etag = there.Etag, Purpose = purpose }, cancellationToken: cancellation), cancellation)
            : await connection.Call(
                c => c.Access.CreateRoleBindingAsync(
                    new() { Parent = Parent(parsed), RequestId = requestId, RoleBinding = new() { Subject = parsed.GetRequiredValue(Subject), Roles = { roles } }, Purpose = purpose }, cancellationToken: cancellation),
                cancellation);
        new Listing(parsed.GetValue(Listing.Json)).Write(binding, ("subject", binding.Subject), ("roles", string.Join(", ", binding.Roles)), ("set", Listing.Text(binding.UpdateTime)), ("by", binding.UpdatedBy));
        return ExitCode.Done;
    }

    private static async Task<int> Unbind(ParseResult parsed, CancellationToken cancellation)
    {
        using var connection = parsed.Connect();
        if (await Find(connection, parsed, cancellation) is not { } there)
        {
            Console.Error.WriteLine($"r1: '{parsed.GetRequiredValue(Subject)}' was given nothing.");
            return ExitCode.Refused;
        }
        var request = new DeleteRoleBindingRequest { Name = there.Name, RequestId = Guid.NewGuid().ToString(), Etag = there.Etag, Purpose = parsed.GetValue(PurposeOption.Purpose) ?? "" };
        await connection.Call(c => c.Access.DeleteRoleBindingAsync(request, cancellationToken: cancellation), cancellation);
        return ExitCode.Done;
    }

    private static async Task<RoleBinding?> Find(Connection connection, ParseResult parsed, CancellationToken cancellation)
    {
        await foreach (var binding in Bindings(connection, parsed, int.MaxValue, cancellation))
            if (binding.Subject == parsed.GetRequiredValue(Subject))
                return binding;
        return null;
    }

    private static IAsyncEnumerable<RoleBinding> Bindings(Connection connection, ParseResult parsed, int limit, CancellationToken cancellation) => Listing.Pages<RoleBinding>(limit, async (size, token) =>
    {
        var page = await connection.Call(
            c => c.Access.ListRoleBindingsAsync(new() { Parent = Parent(parsed), PageSize = size, PageToken = token }, cancellationToken: cancellation), cancellation);
        return (page.RoleBindings, page.NextPageToken);
    });

    private static string Parent(ParseResult parsed) => $"tenants/{parsed.TenantName()}";
}
