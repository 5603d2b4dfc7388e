using System.CommandLine;
using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Spectre.Console;

namespace R1Grains.Cli;

/// <summary>Writes answers of a server: tables for people; tab-separated lines or JSON lines for programs.</summary>
internal sealed class Listing(bool json)
{
    public const int StandardLimit = 1000;

    public static readonly Option<bool> Json = new("--json") { Description = "A JSON object per line, in the protocol's field names." };

    public static readonly Option<int> Limit = new("--limit", "-n")
    {
        Description = "At most so many.",
        HelpName = "n",
        DefaultValueFactory = _ => StandardLimit,
        Validators = { result => { if (result.GetValueOrDefault<int>() < 1) result.AddError("--limit begins at 1."); } },
    };

    private const int PageSize = 500;

    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithTypeRegistry(
        TypeRegistry.FromMessages(ErrorInfo.Descriptor, RetryInfo.Descriptor, BadRequest.Descriptor, LocalizedMessage.Descriptor)));

    public static bool IsTerminal => !Console.IsOutputRedirected;

    public static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    public static string Text(Timestamp? time) => time is null ? "" : time.ToDateTime().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public static string JsonOf(IMessage message) => Formatter.Format(message);

    /// <summary>Tabs and line ends in a value would be taken for the listing's own.</summary>
    public static string Line(IEnumerable<string> values) => string.Join('\t', values.Select(value =>
        value.Replace("\\", "\\\\").Replace("\t", "\\t").Replace("\r", "\\r").Replace("\n", "\\n")));

    /// <summary>Asks for page after page; tells on the error output if it stopped before the end.</summary>
    public static async IAsyncEnumerable<T> Pages<T>(int limit, Func<int, string, Task<(IReadOnlyList<T> Items, string Next)>> page)
    {
        for (var (token, left) = ("", limit); ;)
        {
            var (items, next) = await page(Math.Min(left, PageSize), token);
            foreach (var item in items)
                yield return item;
            left -= items.Count;
            if (next is "")
                yield break;
            if (left <= 0)
            {
                Console.Error.WriteLine($"r1: these are the first {limit}; --limit shows more.");
                yield break;
            }
            token = next;
        }
    }

    public async Task Write<T>(IAsyncEnumerable<T> items, string[] columns, Func<T, string[]> row) where T : IMessage
    {
        var table = new Table { Border = TableBorder.Minimal }.AddColumns(columns);
        await foreach (var item in items)
            if (json)
                Console.WriteLine(JsonOf(item));
            else if (IsTerminal)
                table.AddRow([.. row(item).Select(value => new Spectre.Console.Text(value))]);
            else
                Console.WriteLine(Line(row(item)));
        if (!json && IsTerminal)
            AnsiConsole.Write(table);
    }

    public void Write(IMessage message, params (string Name, string Value)[] fields)
    {
        if (json)
        {
            Console.WriteLine(JsonOf(message));
            return;
        }
        var grid = new Grid().AddColumn(new GridColumn { NoWrap = true }).AddColumn();
        foreach (var (name, value) in fields.Where(field => field.Value is not ""))
            if (IsTerminal)
                grid.AddRow(new Spectre.Console.Text(name, Color.Grey), new Spectre.Console.Text(value));
            else
                Console.WriteLine(Line([name, value]));
        if (IsTerminal)
            AnsiConsole.Write(grid);
    }
}
