using System.CommandLine;
using R1Grains.V1;
using Spectre.Console;

namespace R1Grains.Cli;

/// <summary><c>r1 tenants reindex</c></summary>
internal static class ReindexCommand
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);

    private static readonly Option<bool> NoWait = new("--no-wait") { Description = "Return at once; it is built all the same." };

    public static Command Create(Argument<string> tenant)
    {
        var reindex = new ExampledCommand(
            "reindex",
            "Forgets the search index of a tenant and has it built anew from the record, e.g. after its key was changed. Until it is done, 'r1 audit search' finds what has been seen so far.",
            """
            r1 tenants reindex demo
            r1 tenants reindex demo --purpose "new search key" --no-wait
            """) { tenant, PurposeOption.Purpose, NoWait };
        reindex.SetAction((parsed, cancellation) => Run(parsed, $"tenants/{parsed.GetRequiredValue(tenant)}", cancellation));
        return reindex;
    }

    private static async Task<int> Run(ParseResult parsed, string name, CancellationToken cancellation)
    {
        using var connection = parsed.Connect();
        var request = new RebuildSearchIndexRequest { Name = name, RequestId = Guid.NewGuid().ToString(), Purpose = parsed.GetValue(PurposeOption.Purpose) ?? "" };
        await connection.Call(c => c.Tenants.RebuildSearchIndexAsync(request, cancellationToken: cancellation), cancellation);
        if (parsed.GetValue(NoWait))
            return ExitCode.Done;
        // What is recorded meanwhile is nobody's business here.
        var end = (await Read(connection, name, cancellation)).TreeLeaves;
        await WithProgress(end, async told =>
        {
            while (await Read(connection, name, cancellation) is { } index && index.IndexedLeaves < end)
            {
                told(index.IndexedLeaves);
                await Task.Delay(Look, TimeProvider.System, cancellation);
            }
        });
        Console.WriteLine($"{end} leaves looked at");
        return ExitCode.Done;
    }

    private static Task<SearchIndex> Read(Connection connection, string name, CancellationToken cancellation) =>
        connection.Call(c => c.Tenants.GetSearchIndexAsync(new() { Name = name }, cancellationToken: cancellation), cancellation);

    private static Task WithProgress(long end, Func<Action<long>, Task> run) => Console.IsErrorRedirected || Console.IsOutputRedirected
        ? run(_ => { })
        : AnsiConsole.Progress().AutoClear(true).StartAsync(context =>
        {
            var task = context.AddTask("leaves", maxValue: Math.Max(1, end));
            return run(at => task.Value = at);
        });
}
