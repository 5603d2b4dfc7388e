using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Conversations;

internal static partial class Log
{
    private static readonly Func<ILogger, ConversationKey, int, IDisposable?> Turning = LoggerMessage.DefineScope<ConversationKey, int>("{Conversation} turn {Turn}");

    /// <summary>Until it is disposed, every line of this flow, whoever writes it, carries these ids.</summary>
    public static IDisposable? InTurn(ILogger log, ConversationKey conversation, int turn) => Turning(log, conversation, turn);

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Conversation} turn {Turn} is opened with a prompt of {Tokens} tokens")]
    public static partial void Opened(ILogger log, ConversationKey conversation, int turn, int tokens);

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Conversation} turn {Turn} is closed as {Outcome} after {Pieces} pieces")]
    public static partial void Closed(ILogger log, ConversationKey conversation, int turn, Outcome outcome, int pieces);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Conversation} turn {Turn} goes on after {Pieces} recorded pieces")]
    public static partial void Continued(ILogger log, ConversationKey conversation, int turn, int pieces);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Conversation} turn {Turn} is submitted again after {Tokens} tokens: {Why}")]
    public static partial void Resubmitted(ILogger log, ConversationKey conversation, int turn, int tokens, [ToldData] string why);

    [LoggerMessage(Level = LogLevel.Critical, Message = "ALARM {Conversation} turn {Turn}: the recorded tokens of piece {Piece} do not give its text; the turn is closed as interrupted")]
    public static partial void NotReproduced(ILogger log, ConversationKey conversation, int turn, int piece);

    public static void Contradicted(ILogger log, Exception exception, ConversationKey conversation) => WordlesslyContradicted(log, Wordless.Of(exception), conversation);

    [LoggerMessage(Level = LogLevel.Critical, Message = "ALARM {Conversation}: the record contradicts this activation, which ends")]
    private static partial void WordlesslyContradicted(ILogger log, Exception exception, ConversationKey conversation);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Conversation} was taken over by another activation")]
    public static partial void TakenOver(ILogger log, ConversationKey conversation);

    public static void Broken(ILogger log, Exception exception, ConversationKey conversation) => WordlesslyBroken(log, Wordless.Of(exception), conversation);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Conversation}: a turn cannot go on; what is recorded of it stays open")]
    private static partial void WordlesslyBroken(ILogger log, Exception exception, ConversationKey conversation);

    public static void Unattended(ILogger log, Exception exception, ConversationKey conversation) => WordlesslyUnattended(log, Wordless.Of(exception), conversation);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Nobody could attend to {Conversation}; it is tried again")]
    private static partial void WordlesslyUnattended(ILogger log, Exception exception, ConversationKey conversation);

    public static void OpenTurnsUnknown(ILogger log, Exception exception) => WordlesslyOpenTurnsUnknown(log, Wordless.Of(exception));

    [LoggerMessage(Level = LogLevel.Error, Message = "The record does not tell its open turns; it is asked again within a minute")]
    private static partial void WordlesslyOpenTurnsUnknown(ILogger log, Exception exception);

    public static void Unreminded(ILogger log, Exception exception) => WordlesslyUnreminded(log, Wordless.Of(exception));

    [LoggerMessage(Level = LogLevel.Warning, Message = "No reminder could be set to attend to open turns; it is tried again")]
    private static partial void WordlesslyUnreminded(ILogger log, Exception exception);

    public static void NotKept(ILogger log, Exception exception, ConversationKey conversation) => WordlesslyNotKept(log, Wordless.Of(exception), conversation);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Conversation}: its snapshot was not kept; the next activation does without")]
    private static partial void WordlesslyNotKept(ILogger log, Exception exception, ConversationKey conversation);
}
