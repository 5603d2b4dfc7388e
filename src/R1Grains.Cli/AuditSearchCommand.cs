using System.CommandLine;
using R1Grains.V1;
using Spectre.Console;

namespace R1Grains.Cli;

/// <summary><c>r1 audit search</c></summary>
internal static class AuditSearchCommand
{
    /// <summary>As many as a person looks through.</summary>
    private const int StandardLimit = 50;

    private static readonly Argument<string[]> Words = new("words")
    {
        Description = "All must occur, in the question or in the answer. '\"late fee\"' keeps words together, fee* finds what begins so. None finds every turn.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<int> Limit = new("--limit", "-n")
    {
        Description = "At most so many.",
        HelpName = "n",
        DefaultValueFactory = _ => StandardLimit,
        Validators = { result => { if (result.GetValueOrDefault<int>() < 1) result.AddError("--limit begins at 1."); } },
    };

    public static Command Create()
    {
        var search = new ExampledCommand(
            "search",
            "Finds turns that have ended, the latest first. Personal data are masked, and cannot be searched; what is found is recorded as read.",
            """
            r1 audit search 年费 -m "complaint 4711"
            r1 audit search 提前 还款 --customer customers/42 --since 2026-01-01 -m "complaint 4711"
            r1 audit search '"late fee"' waive* --until 2026-03-31 -m "quarterly sample"
            r1 audit search --hit-action Block --since 7d -m "weekly review" --json
            """)
        {
            Words, PurposeOption.Reading, Limit, Listing.Json,
        }.WithFilter();
        search.SetAction(Run);
        return search.WithServer();
    }

    private static async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var connection = parsed.Connect();
        var (request, json) = (Request(parsed), parsed.GetValue(Listing.Json));
        SearchIndex? index = null;
        var found = 0;
        var all = Listing.Pages<TranscriptMatch>(parsed.GetValue(Limit), async (size, token) =>
        {
            var page = await connection.Call(c => c.Transcripts.SearchTranscriptsAsync(
                new(request) { PageSize = size, PageToken = token }, cancellationToken: cancellation), cancellation);
            index ??= page.Index;
            return (page.Matches, page.NextPageToken);
        });
        await foreach (var match in all)
        {
            found++;
            if (json)
                Console.WriteLine(Listing.JsonOf(match));
            else if (Listing.IsTerminal)
                Show(match);
            else
                Console.WriteLine(Listing.Line([Short(match), Listing.Text(match.EndTime), $"{match.State}", match.Customer, match.Agent, Excerpts.Plain(match.Question), Excerpts.Plain(match.Answer)]));
        }
        if (index is { } state && state.IndexedLeaves < state.TreeLeaves - Lag(state))
            Console.Error.WriteLine($"r1: the search index is being built and has seen {100 * state.IndexedLeaves / state.TreeLeaves} % of the record: the latest turns are not found yet.");
        if (found == 0 && !json)
            Console.Error.WriteLine("r1: nothing was found.");
        return ExitCode.Done;
    }

    private static SearchTranscriptsRequest Request(ParseResult parsed) => new()
    {
        Parent = $"tenants/{parsed.TenantName()}",
        Purpose = parsed.GetRequiredValue(PurposeOption.Reading),
        Query = string.Join(' ', parsed.GetValue(Words) ?? []),
        Filter = parsed.Filter(),
    };

    private static void Show(TranscriptMatch match)
    {
        AnsiConsole.MarkupLine($"[grey]{Listing.Text(match.EndTime)}[/]  [bold]{Markup.Escape(Short(match))}[/]  {match.State}  {(match.Erased ? "erased" : Markup.Escape(match.Customer))}");
        if (match.Question.Text.Length > 0)
            AnsiConsole.MarkupLine($"  [grey]›[/] {Excerpts.Marked(match.Question)}");
        if (match.Answer.Text.Length > 0)
            AnsiConsole.MarkupLine($"  [grey]‹[/] {Excerpts.Marked(match.Answer)}");
        if (match.Hits.Count > 0)
            AnsiConsole.MarkupLine($"  [grey]lexicon: {Markup.Escape(string.Join(", ", match.Hits.Select(hit => $"{hit.Category} {hit.Level} {hit.Action}").Distinct()))}[/]");
    }

    /// <summary>conversation/turns/number: what other commands take.</summary>
    private static string Short(TranscriptMatch match) => match.Turn[(match.Turn.IndexOf("/conversations/", StringComparison.Ordinal) + "/conversations/".Length)..];

    /// <summary>A busy record is a few seconds ahead of its index, always.</summary>
    private static long Lag(SearchIndex index) => 1_000 + index.TreeLeaves / 100;
}
