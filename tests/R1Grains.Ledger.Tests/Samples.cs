namespace R1Grains.Ledger.Tests;

/// <summary>Records with fixed contents: the same arguments give the same bytes.</summary>
internal static class Samples
{
    public static readonly DateTimeOffset Start = new(2026, 1, 5, 9, 30, 0, 123, 456, TimeSpan.Zero);

    public static readonly int[] Prompt = [151644, 8948, 198, 100000, 7];

    /// <summary>After the first piece, on another device.</summary>
    public static readonly ResumePoint Resumed = new(3, Digest.Of("other numerics"u8));

    public static readonly Digest Lexicon = Digest.Of("lexicon"u8);

    public static ConversationKey Key(string conversation = "c1", string tenant = "demo") => new(tenant, conversation);

    public static AdministrativeRecord Administrative(string tenant = "demo") => new()
    {
        Tenant = tenant,
        Time = Start,
        Actor = "anna",
        Action = "binding.set",
        Resource = $"tenants/{tenant}/bindings/ben",
        Purpose = "换岗",
        Details = [new Label("role", "agent"), new Label("until", "")],
    };

    public static ConversationOpened Opened(ConversationKey key, string? requestId = null) => new()
    {
        Key = key,
        RequestId = requestId ?? $"create-{key.Conversation}",
        PayloadHash = Digest.Of("create"u8),
        Time = Start,
        Caller = "dev",
        Channel = "chat",
        Customer = "customers/42",
        Agent = "assistant",
        LanguageCode = "zh-CN",
        Labels = [new Label("branch", "浦东"), new Label("vip", "")],
        IdleTimeout = TimeSpan.FromMinutes(30),
    };

    public static TurnOpened Turn(ConversationKey key, int turn, long epoch, string? requestId = null) => new()
    {
        Key = key,
        Turn = turn,
        Epoch = epoch,
        RequestId = requestId ?? $"turn-{turn}",
        PayloadHash = Digest.Of("turn"u8),
        Time = Start.AddSeconds(10 * turn),
        Deadline = Start.AddSeconds(10 * turn + 120),
        Caller = "dev",
        Input = "定期存款的利率是多少？",
        LanguageCode = "zh-CN",
        Passages = [new Passage("deposits.md", "r7", "一年期定期存款利率为 1.35%。")],
        Release = new Release("r1-tiny", Digest.Of("model"u8), "r1", "2026-01", Digest.Of("policy"u8)),
        Sampling = new SamplingSettings
        {
            Temperature = 0.6m,
            TopP = 0.95m,
            TopK = 40,
            RepetitionPenalty = 1.05m,
            Seed = 18446744073709551615,
            MaxTokens = 512,
            ReasoningBudget = 256,
            StopStrings = ["<|im_end|>"],
        },
        Context = new ContextReport(2048, 512, 100, 0, 40, 12, turn - 1, 0),
        Numerics = Digest.Of("numerics"u8),
        Lexicon = Lexicon,
        Hits = [new(HitPlace.Input, 0, 4, 0xFEDCBA9876543210, "test", 3, HitAction.Mask)],
        PersonalData = [new(HitPlace.Input, 4, 6, "bank_card")],
        Disclosure = new("您正在与人工智能助手对话。", IsLabelled: true),
    };

    public static Piece Piece(ConversationKey key, int turn, int number, long epoch, string? text = null) => new()
    {
        Key = key,
        Turn = turn,
        Number = number,
        Epoch = epoch,
        Time = Start.AddSeconds(10 * turn + number),
        TokenIds = [1000 * turn + number, 7, 8],
        Text = text ?? $"第{number}句，",
        ResumePoints = number == 2 ? [Resumed] : [],
    };

    public static TurnClosed Closed(ConversationKey key, int turn, long epoch, int pieces, string? answer = null) => new()
    {
        Key = key,
        Turn = turn,
        Epoch = epoch,
        Time = Start.AddSeconds(10 * turn + 9),
        Outcome = Outcome.Completed,
        FinishReason = "stop",
        Usage = new Usage(5, 2, 3 * pieces),
        PieceCount = pieces,
        TrailingTokenIds = [151645],
        Reasoning = "客户问利率。",
        Answer = answer ?? string.Concat(Enumerable.Range(1, pieces).Select(number => Piece(key, turn, number, epoch).Text)),
        FirstTokenTime = Start.AddSeconds(10 * turn).AddMilliseconds(250),
        ResumePoints = [Resumed],
        Lexicon = Lexicon,
        Hits = [new(HitPlace.Answer, 0, 1, 1, "test", 1, HitAction.Mask), new(HitPlace.Reasoning, 2, 4, 2, "测试", 9, HitAction.Block)],
        PersonalData = [new(HitPlace.Answer, 1, 3, "mobile_number")],
        Held = "保本保息。",
    };

    public static ConversationCompleted Completed(ConversationKey key, long epoch, int turns) => new()
    {
        Key = key,
        Epoch = epoch,
        Time = Start.AddSeconds(10 * turns + 60),
        Caller = "dev",
        RequestId = "complete-1",
        Reason = "caller",
    };

    /// <summary>Creates a conversation and takes it over; returns the epoch.</summary>
    public static async Task<long> Begin(this IRecord record, ConversationKey key)
    {
        await record.CreateConversationAsync(Opened(key));
        return (await record.TakeOverAsync(key))!.Epoch;
    }

    /// <summary>Writes a whole turn.</summary>
    public static async Task<Receipt> AppendTurn(this IRecord record, ConversationKey key, int turn, long epoch, int pieces)
    {
        await record.AppendAsync(Turn(key, turn, epoch), Prompt);
        for (var number = 1; number <= pieces; number++)
            await record.AppendAsync(Piece(key, turn, number, epoch));
        return await record.AppendAsync(Closed(key, turn, epoch, pieces));
    }

    /// <summary>What a report says of conversations alone: how many checkpoints there are is a matter of time.</summary>
    public static VerificationReport WithoutTrees(this VerificationReport report) => report with { Signers = [], Leaves = 0, Checkpoints = 0 };
}
