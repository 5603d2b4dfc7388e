using R1Grains.Ledger;
using R1Grains.LoadTests.Filter;
using R1Grains.LoadTests.Ledger;

namespace R1Grains.LoadTests;

/// <summary>
/// Years of a bank's conversations, written by way of the record's own appends. Turn n is the same in every run: sentences of
/// a bank's service in question and answer, and in each a name, so that there are words of any rarity.
/// </summary>
internal sealed class SearchedTurns(IRecord record)
{
    public const string Tenant = "demo";

    /// <summary>Of a conversation.</summary>
    public const int Turns = 10;

    /// <summary>Has one of so many conversations, over all of the time.</summary>
    public const string Regular = "customers/regular";

    private const int RegularEvery = 500;
    private const int Customers = 50_000;
    private const int Sentences = 20_000;
    private const int SentencesOfAnswer = 3;

    // The record groups what is under way at once into its commits.
    private const int AtOnce = 512;

    private static readonly DateTimeOffset Start = new(2019, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Seven years at a million turns.</summary>
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(220);

    private static readonly string[] Names = [.. Enumerable.Range('一', 3_000).Select(unit => $"{(char)unit}")];

    private readonly List<string> _sentences = CleanText.Of(Sentences, seed: 7);

    /// <summary>Entries that so many turns are: the opening of each conversation, of each turn, and its end.</summary>
    public static int Leaves(int turns) => turns / Turns + 2 * turns;

    public static string Conversation(int number) => $"search-{number}";

    /// <summary>Two characters that few turns have, or none.</summary>
    public static string Name(Random random) => Names[random.Next(Names.Length)] + Names[random.Next(Names.Length)];

    /// <summary>Those from one number to before another; both are multiples of <see cref="Turns"/>.</summary>
    public async Task Write(int from, int to, CancellationToken cancellation)
    {
        var bar = new ProgressBar("turns recorded", to - from);
        await Parallel.ForAsync(from / Turns, to / Turns, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation }, async (conversation, _) =>
        {
            var key = new ConversationKey(Tenant, Conversation(conversation));
            var first = Start + conversation * Turns * Between;
            await record.CreateConversationAsync(new()
            {
                Key = key,
                RequestId = key.Conversation,
                PayloadHash = default,
                Time = first,
                Caller = "dev",
                Channel = "chat",
                Customer = conversation % RegularEvery == 0 ? Regular : $"customers/{conversation % Customers}",
                Agent = $"agents/{conversation % 100}",
                LanguageCode = "zh",
                Labels = [],
                IdleTimeout = TimeSpan.FromDays(36_500),
            });
            var epoch = (await record.TakeOverAsync(key, recentTurns: 1))!.Epoch;
            for (var turn = 1; turn <= Turns; turn++)
            {
                await Write(key, turn, epoch, first + turn * Between, new Random(conversation * Turns + turn));
                bar.Advance();
            }
        });
    }

    private async Task Write(ConversationKey key, int turn, long epoch, DateTimeOffset time, Random random)
    {
        var answer = string.Concat(Enumerable.Range(0, SentencesOfAnswer).Select(_ => Sentence(random)));
        await record.AppendAsync(
            new TurnOpened
            {
                Key = key,
                Turn = turn,
                Epoch = epoch,
                RequestId = $"turn-{turn}",
                PayloadHash = default,
                Time = time,
                Deadline = time.AddMinutes(2),
                Caller = "dev",
                Input = $"我是{Name(random)}。{Sentence(random)}",
                LanguageCode = "zh",
                Passages = [],
                Release = new("r1-tiny", default, "r1", "2026-01", default),
                Sampling = LedgerTurn.Sampling,
                Context = new(2048, 512, 100, 0, 0, 220, 0, 0),
                PersonalData = [],
            },
            Array.Empty<int>());
        await record.AppendAsync(new Piece { Key = key, Turn = turn, Number = 1, Epoch = epoch, Time = time, TokenIds = [], Text = answer });
        await record.AppendAsync(new TurnClosed
        {
            Key = key,
            Turn = turn,
            Epoch = epoch,
            Time = time.AddSeconds(2),
            Outcome = Outcome.Completed,
            FinishReason = "STOP",
            Usage = new(320, 0, 280),
            PieceCount = 1,
            TrailingTokenIds = [],
            Reasoning = "",
            Answer = answer,
            ResumePoints = [],
            PersonalData = [],
        });
    }

    private string Sentence(Random random) => _sentences[random.Next(_sentences.Count)];
}
