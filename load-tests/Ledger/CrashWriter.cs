using System.Diagnostics;
using System.Globalization;
using R1Grains.Ledger;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Tree;

namespace R1Grains.LoadTests.Ledger;

/// <summary>
/// A process that writes turns into a record for as long as it lives, and says on its output what was acknowledged. When it
/// is started again it goes on with its conversations, as their next activations would.
/// </summary>
internal static class CrashWriter
{
    public const string Argument = "crash-writer";

    private const int Conversations = 16;
    private const int Pieces = 4;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <param name="store">Connection string, folder of marks and key, and what the names of its conversations begin with.</param>
    public static Process Start(string[] store)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", ["exec", typeof(CrashWriter).Assembly.Location, Argument, .. store])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }

    /// <summary>Ends only with the process.</summary>
    public static async Task<int> RunAsync(string[] store)
    {
        if (store is not [var connection, var folder, var prefix]) throw new ArgumentException("a connection string, a folder and a prefix");
        // The keys end with the process.
        var keys = await KeyRing.OpenBesideAsync(folder);
        var record = await InsistAsync(async () => await PostgresRecord.OpenAsync(connection, new FileRecordMarks(folder), Identity(folder), keys));
        await Task.WhenAll(Enumerable.Range(0, Conversations).Select(number => ConverseAsync(record, $"{prefix}{number}")));
        return 0;
    }

    /// <summary>The same in every process that uses the folder.</summary>
    public static LogIdentity Identity(string folder) => new("r1grains", NoteSigner.ReadOrMake(Path.Combine(folder, SqliteRecord.KeyFileName)));

    public static string Request(int turn) => string.Create(CultureInfo.InvariantCulture, $"turn-{turn}");

    /// <summary>No two are the same.</summary>
    public static string Text(string conversation, int turn, int piece) => string.Create(CultureInfo.InvariantCulture, $"{conversation} 第{turn}轮第{piece}段，").PadRight(100, '答');

    /// <summary>As <see cref="RunAsync"/> says it. The mark at the end tells a line from the beginning of one.</summary>
    public static string Line(Receipt receipt) => string.Create(CultureInfo.InvariantCulture, $"entry {receipt.Key.Conversation} {receipt.Index} {receipt.LeafHash} .");

    public static string Line(string conversation, int turn, int piece) => string.Create(CultureInfo.InvariantCulture, $"piece {conversation} {turn} {piece} .");

    private static async Task ConverseAsync(IRecord record, string conversation)
    {
        var opened = LedgerTurn.Conversation(conversation);
        await InsistAsync(() => record.CreateConversationAsync(opened));
        while (true)
        {
            var taken = (await InsistAsync(() => record.TakeOverAsync(opened.Key)))!;
            try
            {
                if (taken.Turns is [.., { Closed: null } open])
                    await AnswerAsync(open.Opened.Turn, open.Pieces.Count);
                for (var turn = taken.NextTurn; ; turn++)
                {
                    Say(Line(await InsistAsync(() => record.AppendAsync(LedgerTurn.Opened(opened.Key, turn, taken.Epoch, Request(turn)), LedgerTurn.TokenIds))));
                    await AnswerAsync(turn, 0);
                }
            }
            catch (StaleEpochException)
            {
                // Its own take-over was committed, though nobody was told.
            }

            async Task AnswerAsync(int turn, int written)
            {
                for (var piece = written + 1; piece <= Pieces; piece++)
                {
                    await InsistAsync(async () =>
                    {
                        await record.AppendAsync(new Piece { Key = opened.Key, Turn = turn, Number = piece, Epoch = taken.Epoch, Time = LedgerTurn.Time, TokenIds = LedgerTurn.TokenIds, Text = Text(conversation, turn, piece) });
                        return true;
                    });
                    Say(Line(conversation, turn, piece));
                }
                var answer = string.Concat(Enumerable.Range(1, Pieces).Select(piece => Text(conversation, turn, piece)));
                Say(Line(await InsistAsync(() => record.AppendAsync(LedgerTurn.Closed(opened.Key, turn, taken.Epoch, Pieces, answer)))));
            }
        }
    }

    /// <summary>What is not known to be written is asked for again, the same, for as long as it takes.</summary>
    private static async Task<T> InsistAsync<T>(Func<Task<T>> ask)
    {
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (RecordUnavailableException away) when (away is not RecordRewoundException)
            {
                await Task.Delay(Pause, TimeProvider.System);
            }
        }
    }

    private static void Say(string line) => Console.Out.WriteLine(line);
}
