using System.Collections.Immutable;
using System.Text.Json;
using R1Grains.Compliance;
using R1Grains.Ledger;

namespace R1Grains.Conversations;

/// <summary>What the record holds, as the house shows it.</summary>
internal static class Views
{
    /// <summary>Finish reason of a turn that did not finish.</summary>
    private const string None = "NONE";

    public static ConversationView Of(Conversation conversation) => new(
        conversation.Key.Tenant,
        conversation.Key.Conversation,
        conversation.Completed is not null,
        conversation.Opened.Channel,
        conversation.Opened.Customer,
        conversation.Opened.Agent,
        conversation.Opened.LanguageCode,
        conversation.Opened.Labels.ToImmutableSortedDictionary(label => label.Name, label => label.Value, StringComparer.Ordinal),
        conversation.Opened.IdleTimeout,
        conversation.Opened.Time,
        conversation.LastActivity,
        conversation.Completed?.Time,
        conversation.TurnCount)
    {
        IsErased = conversation.IsErased,
    };

    public static TurnView Of(TurnRecord turn) => new(
        turn.Opened.Turn,
        turn.Opened.RequestId,
        turn.Closed is { } end ? StateOf(end) : TurnState.Running,
        turn.Opened.Input,
        RecordedItems.Masked(turn.Opened),
        turn.Closed?.Answer ?? string.Concat(turn.Pieces.Select(piece => piece.Text)),
        turn.Pieces.Count,
        turn.Closed is { } closed && Finish(closed) is not null ? Completed(turn.Opened, closed, turn.ClosedReceipt!) : null,
        turn.Closed is { } ended ? Failure(ended, turn.Opened.LanguageCode) : null,
        turn.Opened.Time,
        turn.Pieces.Count > 0 ? turn.Pieces[0].Time : null,
        turn.Closed?.Time,
        turn.Opened.Disclosure?.Notice ?? "",
        IsGenerated(turn.Opened, string.Concat(turn.Pieces.Select(piece => piece.Text))))
    {
        IsErased = turn.IsErased,
    };

    public static TurnState StateOf(TurnClosed closed) => closed.Outcome switch
    {
        Outcome.Completed => TurnState.Completed,
        Outcome.Blocked => IsHeld(closed) ? TurnState.Held : TurnState.Blocked,
        Outcome.Cancelled => TurnState.Cancelled,
        Outcome.Interrupted => TurnState.Interrupted,
        _ => TurnState.Failed,
    };

    /// <summary>Whether the turn ended by waiting for a person.</summary>
    public static bool IsHeld(TurnClosed? closed) => closed is { Outcome: Outcome.Blocked } && Finish(closed) is FinishReason.Review;

    /// <summary>The events of a turn as the record knows them; an open one lacks its end.</summary>
    public static IEnumerable<TurnEvent> Events(TurnRecord turn)
    {
        yield return Accepted(turn.Opened);
        foreach (var piece in turn.Pieces) yield return Released(turn.Opened, piece);
        if (turn.Closed is { } closed) yield return End(turn.Opened, closed, turn.ClosedReceipt!);
    }

    public static Accepted Accepted(TurnOpened opened) => new(opened.Time, opened.Turn, opened.Disclosure?.Notice ?? "");

    public static TextReleased Released(TurnOpened opened, Piece piece) => new(piece.Number, piece.Time, piece.Text, IsGenerated(opened, piece.Text));

    /// <summary>Whether a model wrote any of what was shown; null where nothing was, or where the tenant labels nothing.</summary>
    public static bool? IsGenerated(TurnOpened opened, string shown) => opened.Disclosure is { IsLabelled: true } && shown.Length > 0 ? !FixedWords.Are(shown) : null;

    public static TurnEvent End(TurnOpened opened, TurnClosed closed, Ledger.Receipt receipt) => Failure(closed, opened.LanguageCode) is { } failure
        ? new Failed(closed.PieceCount, closed.Time, failure)
        : Completed(opened, closed, receipt);

    public static ContextReport Of(Ledger.ContextReport report) => new(
        report.Window, report.Reserved, report.Policy, report.History, report.Passages, report.Input, report.TurnsKept, report.TurnsDropped);

    public static Receipt Of(Ledger.Receipt receipt, DateTimeOffset time) => new(receipt.Index, receipt.LeafHash.ToString(), time, receipt.Note);

    /// <summary>How the record writes a finish reason: as the wire does.</summary>
    public static string Name(FinishReason? reason) => reason is null ? None : JsonNamingPolicy.SnakeCaseUpper.ConvertName(reason.Value.ToString());

    /// <summary>How the record writes what failed, so that it can be told again.</summary>
    public static string Error(Refusal refusal) => $"{refusal.Reason}: {refusal.Detail}";

    private static Completed Completed(TurnOpened opened, TurnClosed closed, Ledger.Receipt receipt) => new(
        closed.PieceCount,
        closed.Time,
        Finish(closed) ?? FinishReason.Interrupted,
        new(closed.Usage.Prompt, closed.Usage.Reasoning, closed.Usage.Answer),
        Of(opened.Context),
        new(opened.Release.ModelName, opened.Release.ModelHash.ToString(), opened.Release.Template, opened.Release.PolicyVersion, $"{closed.Lexicon}"),
        Of(receipt, closed.Time),
        RecordedItems.Count(opened, closed));

    private static FinishReason? Finish(TurnClosed closed) =>
        Enum.TryParse<FinishReason>(closed.FinishReason.Replace("_", "", StringComparison.Ordinal), ignoreCase: true, out var reason) ? reason : null;

    private static Refusal? Failure(TurnClosed closed, string language)
    {
        if (closed.Error is not { } error) return null;
        var named = error.Split(": ", 2);
        var refusal = named is [var name, var detail] && Enum.TryParse<Reason>(name, out var reason) ? new Refusal(reason, detail) : new(Reason.Internal, error);
        return refusal.With(Refusal.LanguageKey, language);
    }
}
