using System.Text;
using Npgsql;
using R1Grains.Ledger;
using R1Grains.LoadTests.Ledger;

namespace R1Grains.LoadTests.Cluster;

/// <summary>Conversations of a few turns, written by way of the record's own appends as an activation would have written them, but without a model.</summary>
/// <param name="run">Begins every name, so that runs do not meet.</param>
internal sealed class RecordedConversations(string run, Pace pace)
{
    public const int Turns = 3;
    public const string Tenant = "demo";

    // The record groups what is under way at once into its commits.
    private const int AtOnce = 512;

    // Conversations.
    private const int LookedAtFirst = 1_000;
    private const int ReleasedLength = 70;

    // Longer than any run: nobody completes them meanwhile.
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromDays(1);

    public string Name(int number) => $"tenants/{Tenant}/conversations/{Id(number)}";

    public string Input(int number, int turn) => $"{Id(number)} says {turn}";

    public string Answer(int number, int turn) => pace.Answer(Input(number, turn));

    /// <summary>Those numbered from 0 to <paramref name="count"/>.</summary>
    /// <param name="postgres">Connection string of a user to whom the record's tables belong.</param>
    public async Task Write(IRecord record, string postgres, int count, CancellationToken cancellation)
    {
        var bar = new ProgressBar("conversations recorded", count);
        await using var source = NpgsqlDataSource.Create(postgres);
        // The server plans for tables as it last looked at them, which it does by itself about once a minute: until then
        // as for nearly empty ones, and every commit reads all of the heads.
        for (var (from, to) = (0, LookedAtFirst); from < count; (from, to) = (to, to * 10))
        {
            await Parallel.ForAsync(from, Math.Min(to, count), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation }, async (number, _) =>
            {
                await Write(record, number);
                bar.Advance();
            });
            await using var look = source.CreateCommand("ANALYZE");
            await look.ExecuteNonQueryAsync(cancellation);
        }
    }

    private string Id(int number) => $"{run}-{number}";

    private async Task Write(IRecord record, int number)
    {
        var key = new ConversationKey(Tenant, Id(number));
        var now = TimeProvider.System.GetUtcNow();
        await record.CreateConversationAsync(new()
        {
            Key = key,
            RequestId = key.Conversation,
            PayloadHash = default,
            Time = now,
            Caller = "dev",
            Channel = "chat",
            Customer = $"customers/{number}",
            Agent = "assistant",
            LanguageCode = "en",
            Labels = [new("branch", "7")],
            IdleTimeout = IdleTimeout,
        });
        var epoch = (await record.TakeOverAsync(key, recentTurns: 1))!.Epoch;
        for (var turn = 1; turn <= Turns; turn++)
        {
            var (input, answer) = (Input(number, turn), Answer(number, turn));
            await record.AppendAsync(Opened(key, turn, epoch, now, input), Ids(input));
            // A client sees units of about this length.
            var pieces = answer.Chunk(ReleasedLength).Select(text => new string(text)).ToList();
            foreach (var (i, text) in pieces.Index())
                await record.AppendAsync(new Piece { Key = key, Turn = turn, Number = i + 1, Epoch = epoch, Time = now, TokenIds = Ids(text), Text = text });
            await record.AppendAsync(Closed(key, turn, epoch, now, input, answer, pieces.Count));
        }
    }

    private static TurnOpened Opened(ConversationKey key, int turn, long epoch, DateTimeOffset now, string input) => new()
    {
        Key = key,
        Turn = turn,
        Epoch = epoch,
        RequestId = $"turn-{turn}",
        PayloadHash = default,
        Time = now,
        Deadline = now.AddMinutes(5),
        Caller = "dev",
        Input = input,
        LanguageCode = "en",
        Passages = [],
        Release = new("scripted", default, "deepseek-r1", "1", default),
        Sampling = LedgerTurn.Sampling,
        Context = new(8_192, 2_048, 32, 0, 0, input.Length, turn - 1, 0),
    };

    private static TurnClosed Closed(ConversationKey key, int turn, long epoch, DateTimeOffset now, string input, string answer, int pieces) => new()
    {
        Key = key,
        Turn = turn,
        Epoch = epoch,
        Time = now,
        Outcome = Outcome.Completed,
        FinishReason = "STOP",
        Usage = new(input.Length, PacedAnswers.Reasoning.Length, answer.Length),
        PieceCount = pieces,
        TrailingTokenIds = [],
        Reasoning = PacedAnswers.Reasoning,
        Answer = answer,
        ResumePoints = [],
    };

    private static int[] Ids(string text) => [.. Encoding.UTF8.GetBytes(text).Select(value => (int)value)];
}
