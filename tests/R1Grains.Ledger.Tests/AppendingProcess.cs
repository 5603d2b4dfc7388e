using System.Diagnostics;
using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Tests;

/// <summary>A process that writes turns into a record for as long as it lives, and says on its output what was acknowledged.</summary>
internal static class AppendingProcess
{
    private const int Conversations = 8;

    public static Process Start(params string[] store)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in (string[])["exec", typeof(AppendingProcess).Assembly.Location, "append", .. store])
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    public static async Task<int> Run(string[] store)
    {
        await using var record = await OpenAsync(store);
        Say("ready");
        await Task.WhenAll(Enumerable.Range(0, Conversations).Select(number => Converse(record, Samples.Key($"{Prefix(store)}c{number}"))));
        return 0;
    }

    private static async Task<IRecord> OpenAsync(string[] store) => store switch
    {
        ["sqlite", var folder] => await SqliteRecord.OpenAsync(folder),
        // The keys end with the process.
        ["postgres", var connectionString, var marks, ..] => await PostgresRecord.OpenAsync(connectionString, new FileRecordMarks(marks), Postgres.PostgresStore.Identity(marks), await KeyRing.OpenBesideAsync(marks)),
        _ => throw new ArgumentException("unknown store"),
    };

    /// <summary>So that several processes have conversations of their own.</summary>
    private static string Prefix(string[] store) => store is ["postgres", _, _, var prefix] ? prefix : "";

    /// <summary>Ends only with the process.</summary>
    private static async Task Converse(IRecord record, ConversationKey key)
    {
        await record.CreateConversationAsync(Samples.Opened(key));
        var taken = (await record.TakeOverAsync(key))!;
        if (taken.Turns is [.., { Closed: null } open])
            await Close(open.Opened.Turn, open.Pieces.Count, open.Pieces.Aggregate("", (text, piece) => text + piece.Text));

        for (var turn = taken.NextTurn; ; turn++)
        {
            Say(Line("opened", await record.AppendAsync(Samples.Turn(key, turn, taken.Epoch), Samples.Prompt)));
            for (var number = 1; number <= 4; number++)
            {
                await record.AppendAsync(Samples.Piece(key, turn, number, taken.Epoch));
                Say($"piece {key.Conversation} {turn} {number}");
            }
            await Close(turn, 4, null);
        }

        async Task Close(int turn, int pieces, string? answer) =>
            Say(Line("closed", await record.AppendAsync(Samples.Closed(key, turn, taken.Epoch, pieces, answer))));
    }

    private static string Line(string what, Receipt receipt) => $"{what} {receipt.Key.Conversation} {receipt.Index} {receipt.LeafHash}";

    /// <summary>The end mark tells a line from the beginning of one.</summary>
    private static void Say(string line) => Console.Out.WriteLine(line + " .");
}
