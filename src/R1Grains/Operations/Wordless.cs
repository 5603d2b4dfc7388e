using System.Net.Sockets;
using System.Text;
using Npgsql;
using R1Grains.Conversations;
using R1Grains.Inference;
using R1Grains.Ledger;

namespace R1Grains.Operations;

/// <summary>
/// An exception as it may stand in a log: kinds and places. What threw it may have put into its message what a customer said,
/// so that messages are told only of kinds that are known not to.
/// </summary>
internal sealed class Wordless : Exception
{
    private readonly string _told;

    private Wordless(Exception exception) : base(exception.GetType().FullName) => _told = Tell(exception);

    /// <summary>The exception itself where no message in it can hold words.</summary>
    public static Exception Of(Exception exception) => All(exception).All(IsKnown) ? exception : new Wordless(exception);

    public override string ToString() => _told;

    private static bool IsKnown(Exception exception) => exception
        is RefusedException or StaleEpochException or RecordUnavailableException or RecordServerException or RecordFolderException or WordlessKind
        or NpgsqlException and not PostgresException or SocketException or IOException or TimeoutException or OperationCanceledException or OrleansException;

    private static string Tell(Exception exception)
    {
        var told = new StringBuilder();
        foreach (var cause in All(exception))
        {
            if (told.Length > 0) told.Append("\n ---> ");
            told.Append(cause.GetType().FullName);
            if (IsKnown(cause)) told.Append(": ").Append(cause.Message);
            else if (cause is PostgresException { SqlState: var state }) told.Append(": ").Append(state);
            if (cause.StackTrace is { } stack) told.Append('\n').Append(stack);
        }
        return told.ToString();
    }

    private static IEnumerable<Exception> All(Exception exception) => exception is AggregateException { InnerExceptions: var several }
        ? several.SelectMany(All).Prepend(new WordlessKind(exception))
        : exception.InnerException is { } inner ? All(inner).Prepend(exception) : [exception];

    /// <summary>The message of an <see cref="AggregateException"/> is those of its parts.</summary>
    private sealed class WordlessKind(Exception exception) : Exception(exception.GetType().Name);
}
