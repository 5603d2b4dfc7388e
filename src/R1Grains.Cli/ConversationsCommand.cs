using System.CommandLine;
using System.Globalization;
using R1Grains.V1;

namespace R1Grains.Cli;

/// <summary><c>r1 conversations</c></summary>
internal static class ConversationsCommand
{
    private static readonly Argument<string> Name = new("conversation") { Description = "Its id, or its full name." };

    public static Command Create()
    {
        var list = new ExampledCommand("list", "Lists a tenant's conversations, the oldest first.", """
            r1 conversations list
            r1 conversations list --tenant demo --limit 5000 --json
            r1 conversations list | cut -f1,2
            """) { Listing.Limit, Listing.Json };
        list.SetAction((parsed, cancellation) => List(parsed, parsed.GetValue(Listing.Limit), parsed.GetValue(Listing.Json), cancellation));

        var get = new ExampledCommand("get", "Shows a conversation.", """
            r1 conversations get 3f2a
            r1 conversations get 3f2a --lift-masks "callback on request 17"
            """) { Name, PurposeOption.Lifting, Listing.Json };
        get.SetAction((parsed, cancellation) => Show(parsed, connection => connection.Call(
            c => c.Conversations.GetConversationAsync(new() { Name = NameOf(parsed), LiftMasks = parsed.GetValue(PurposeOption.Lifting) is not null, Purpose = parsed.GetValue(PurposeOption.Lifting) ?? "" }, cancellationToken: cancellation), cancellation)));

        var complete = new ExampledCommand("complete", "Ends a conversation: it takes no more turns.", "r1 conversations complete 3f2a") { Name, Listing.Json };
        complete.SetAction((parsed, cancellation) =>
        {
            var request = new CompleteConversationRequest { Name = NameOf(parsed), RequestId = Guid.NewGuid().ToString() };
            return Show(parsed, connection => connection.Call(
                c => c.Conversations.CompleteConversationAsync(request, cancellationToken: cancellation), cancellation));
        });

        var command = new ExampledCommand("conversations", "Lists, shows and ends conversations.", """
            r1 conversations
            r1 conversations get 3f2a
            """) { list, get, complete }.WithServer();
        command.SetAction((parsed, cancellation) => List(parsed, Listing.StandardLimit, json: false, cancellation));
        return command;
    }

    private static async Task<int> List(ParseResult parsed, int limit, bool json, CancellationToken cancellation)
    {
        using var connection = parsed.Connect();
        var parent = $"tenants/{parsed.TenantName()}";
        var all = Listing.Pages<Conversation>(limit, async (size, token) =>
        {
            var page = await connection.Call(c => c.Conversations.ListConversationsAsync(
                new() { Parent = parent, PageSize = size, PageToken = token }, cancellationToken: cancellation), cancellation);
            return (page.Conversations, page.NextPageToken);
        });
        await new Listing(json).Write(
            all,
            ["Conversation", "State", "Turns", "Created", "Last activity", "Channel", "Customer", "Language"],
            c => [Names.Id(c.Name), $"{c.State}", Listing.Text(c.TurnCount), Listing.Text(c.CreateTime), Listing.Text(c.UpdateTime), c.Channel, c.Customer, c.LanguageCode]);
        return ExitCode.Done;
    }

    private static async Task<int> Show(ParseResult parsed, Func<Connection, Task<Conversation>> call)
    {
        using var connection = parsed.Connect();
        var conversation = await call(connection);
        new Listing(parsed.GetValue(Listing.Json)).Write(
            conversation,
            ("name", conversation.Name),
            ("state", $"{conversation.State}"),
            ("turns", Listing.Text(conversation.TurnCount)),
            ("created", Listing.Text(conversation.CreateTime)),
            ("last activity", Listing.Text(conversation.UpdateTime)),
            ("completed", Listing.Text(conversation.CompleteTime)),
            ("channel", conversation.Channel),
            ("customer", conversation.Customer),
            ("agent", conversation.Agent),
            ("language", conversation.LanguageCode),
            ("idle timeout", conversation.IdleTimeout?.ToTimeSpan().ToString("c", CultureInfo.InvariantCulture) ?? ""),
            ("labels", string.Join(", ", conversation.Labels.Select(label => $"{label.Key}={label.Value}"))));
        return ExitCode.Done;
    }

    private static string NameOf(ParseResult parsed) => Names.Conversation(parsed.TenantName(), parsed.GetRequiredValue(Name));
}
