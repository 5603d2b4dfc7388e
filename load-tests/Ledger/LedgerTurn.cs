using R1Grains.Ledger;

namespace R1Grains.LoadTests.Ledger;

/// <summary>A conversation's appends in their real mix: an opening of 1 KB, four pieces of 300 bytes, a close of 6 KB, again and again.</summary>
internal sealed class LedgerTurn(IRecord record, ConversationKey key, long epoch)
{
    private const int Pieces = 4;

    public static readonly int[] TokenIds = [.. Enumerable.Range(1_000, 22)];
    public static readonly DateTimeOffset Time = new(2026, 1, 5, 9, 30, 0, TimeSpan.Zero);

    private static readonly string Input = new('问', 220);
    private static readonly string Text = new('答', 70);
    private static readonly string Answer = string.Concat(Enumerable.Repeat(Text, Pieces));
    private static readonly string Reasoning = new('想', 1_670);

    /// <summary>Of every turn that is written without a model.</summary>
    public static SamplingSettings Sampling { get; } = new()
    {
        Temperature = 0.6m,
        TopP = 0.95m,
        TopK = 40,
        RepetitionPenalty = 1m,
        Seed = 1,
        MaxTokens = 512,
        ReasoningBudget = 256,
        StopStrings = [],
    };

    private int _turn = 1;
    private int _step;

    /// <summary>Whether the turn that was begun has not been closed.</summary>
    public bool IsOpen => _step > 0;

    public static async Task<LedgerTurn> BeginAsync(IRecord record, string conversation)
    {
        var opened = Conversation(conversation);
        await record.CreateConversationAsync(opened);
        return new LedgerTurn(record, opened.Key, (await record.TakeOverAsync(opened.Key))!.Epoch);
    }

    public async Task AppendNextAsync()
    {
        switch (_step++)
        {
            case 0:
                await record.AppendAsync(Opened(key, _turn, epoch, $"turn-{_turn}"), TokenIds);
                break;
            case <= Pieces:
                await record.AppendAsync(new Piece { Key = key, Turn = _turn, Number = _step - 1, Epoch = epoch, Time = Time, TokenIds = TokenIds, Text = Text });
                break;
            default:
                await record.AppendAsync(Closed(key, _turn, epoch, Pieces, Answer));
                (_turn, _step) = (_turn + 1, 0);
                break;
        }
    }

    public static ConversationOpened Conversation(string conversation) => new()
    {
        Key = new("demo", conversation),
        RequestId = $"create-{conversation}",
        PayloadHash = default,
        Time = Time,
        Caller = "dev",
        Channel = "chat",
        Customer = "customers/1",
        Agent = "assistant",
        LanguageCode = "zh-CN",
        Labels = [],
        IdleTimeout = TimeSpan.FromMinutes(30),
    };

    public static TurnOpened Opened(ConversationKey key, int turn, long epoch, string requestId) => new()
    {
        Key = key,
        Turn = turn,
        Epoch = epoch,
        RequestId = requestId,
        PayloadHash = default,
        Time = Time,
        Deadline = Time.AddMinutes(2),
        Caller = "dev",
        Input = Input,
        LanguageCode = "zh-CN",
        Passages = [],
        Release = new Release("r1-tiny", default, "r1", "2026-01", default),
        Sampling = Sampling,
        Context = new ContextReport(2048, 512, 100, 0, 0, 220, 0, 0),
    };

    public static TurnClosed Closed(ConversationKey key, int turn, long epoch, int pieces, string answer) => new()
    {
        Key = key,
        Turn = turn,
        Epoch = epoch,
        Time = Time,
        Outcome = Outcome.Completed,
        FinishReason = "stop",
        Usage = new Usage(320, 1_000, 280),
        PieceCount = pieces,
        TrailingTokenIds = [151645],
        Reasoning = Reasoning,
        Answer = answer,
        ResumePoints = [],
    };
}
