using System.CommandLine;
using R1Grains.V1;
using Spectre.Console;

namespace R1Grains.Cli;

/// <summary><c>r1 audit show</c></summary>
internal static class AuditShowCommand
{
    private static readonly Argument<string> Conversation = new("conversation") { Description = "The conversation's id, or its full name." };

    private static readonly Option<TranscriptView> View = new("--view")
    {
        Description = "Redacted: personal data are masked. Full: whole texts, passages and what waits for a person. Reasoning: the model's reasoning as well. Each needs its permission.",
        HelpName = "view",
        DefaultValueFactory = _ => TranscriptView.Redacted,
    };

    public static Command Create()
    {
        var show = new ExampledCommand(
            "show",
            "Shows a conversation as the record holds it, turn by turn. That it was read, by whom and why, is recorded.",
            """
            r1 audit show 3f2a -m "complaint 4711"
            r1 audit show 3f2a --view Full -m "complaint 4711"
            r1 audit show 3f2a --view Reasoning -m "complaint 4711" --json
            """) { Conversation, View, PurposeOption.Reading, Listing.Limit, Listing.Json };
        show.SetAction(Run);
        return show.WithServer();
    }

    private static async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var connection = parsed.Connect();
        var request = new GetTranscriptRequest
        {
            Name = Names.Conversation(parsed.TenantName(), parsed.GetRequiredValue(Conversation)),
            View = parsed.GetValue(View),
            Purpose = parsed.GetRequiredValue(PurposeOption.Reading),
        };
        var json = parsed.GetValue(Listing.Json);
        var isFirst = true;
        var all = Listing.Pages<TranscriptTurn>(parsed.GetValue(Listing.Limit), async (size, token) =>
        {
            var page = await connection.Call(c => c.Transcripts.GetTranscriptAsync(
                new(request) { PageSize = size, PageToken = token }, cancellationToken: cancellation), cancellation);
            if (isFirst)
                Write(page.Conversation, json);
            isFirst = false;
            return (page.Turns, page.NextPageToken);
        });
        await foreach (var turn in all)
            Write(turn, json);
        return ExitCode.Done;
    }

    private static void Write(Conversation conversation, bool json)
    {
        if (json)
            Console.WriteLine(Listing.JsonOf(conversation));
        else
            Line("", string.Join("  ", ((string[])[conversation.Name, Listing.Text(conversation.CreateTime), conversation.Channel, conversation.Customer, conversation.Agent, conversation.LanguageCode, conversation.Erased ? "erased" : ""]).Where(part => part.Length > 0)));
    }

    private static void Write(TranscriptTurn turn, bool json)
    {
        if (json)
        {
            Console.WriteLine(Listing.JsonOf(turn));
            return;
        }
        var release = turn.Turn.Completed?.Release;
        Console.WriteLine();
        Line($"turn {turn.Turn.Index}", string.Join("  ", ((string[])[Listing.Text(turn.Turn.CreateTime), $"{turn.Turn.State}", turn.Caller, release?.Model ?? "", turn.Turn.Erased ? "erased" : ""]).Where(part => part.Length > 0)));
        Line("notice", turn.Turn.Notice);
        Line("question", turn.Turn.Input?.Text ?? "");
        foreach (var passage in turn.Passages)
            Line("passage", $"{passage.Source} {passage.Revision}{(passage.Text.Length > 0 ? $": {passage.Text}" : "")}");
        Line("reasoning", turn.Reasoning);
        Line(turn.Turn is { HasAiGenerated: true, AiGenerated: false } ? "fixed answer" : "answer", turn.Turn.Output);
        Line("held answer", turn.HeldAnswer);
        Line("lexicon", string.Join(", ", turn.Hits.Select(hit => $"{hit.Place} {hit.Start}-{hit.End} {hit.Category} {hit.Level} {hit.Action}")));
        Line("masked", string.Join(", ", turn.PersonalData.Select(item => $"{item.Place} {item.Start}-{item.End} {item.Kind}")));
        Line("failure", turn.Turn.Failure is { } failure ? Refusal.Of(failure).ToString() : "");
    }

    /// <summary>One line of a listing for programs; for people the text with its own lines.</summary>
    private static void Line(string name, string text)
    {
        if (text.Length == 0)
            return;
        if (!Listing.IsTerminal)
            Console.WriteLine(Listing.Line([name, text]));
        else if (name.Length == 0)
            AnsiConsole.MarkupLine($"[bold]{Markup.Escape(text)}[/]");
        else
            AnsiConsole.MarkupLine($"[grey]{name,-12}[/] {Markup.Escape(text)}");
    }
}
