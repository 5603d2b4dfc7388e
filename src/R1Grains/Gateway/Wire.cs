using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using R1Grains.Access;
using R1Grains.Audit;
using R1Grains.Compliance;
using R1Grains.Conversations;
using R1Grains.Engine.Models;
using R1Grains.Ledger.Tree;
using R1Grains.Operations;

namespace R1Grains.Gateway;

/// <summary>The one mapping between the wire (<c>V1</c>) and the house's own types.</summary>
internal static partial class Wire
{
    private const int MaxTextField = 256;
    private const int MaxLabels = 64;
    private static readonly TimeSpan DefaultIdleTimeout = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan MaxIdleTimeout = TimeSpan.FromDays(30);

    public static UserTurn ToUserTurn(this V1.StreamTurnRequest request, ConversationName conversation, Caller caller, DateTimeOffset? deadline)
    {
        var text = request.Input?.Text ?? "";
        if (string.IsNullOrWhiteSpace(VisibleText.Of(text).Text))
            throw Refuse.Field(Reason.InputEmpty, "input.text", "input.text is empty: send the customer's words");
        if (request.ExpectedTurnIndex < 0)
            throw Refuse.Field(Reason.InvalidArgument, "expected_turn_index", $"expected_turn_index {request.ExpectedTurnIndex} is negative: turns count from 1, 0 means any");
        var concurrency = request.Concurrency switch
        {
            V1.Concurrency.Unspecified or V1.Concurrency.Queue => Concurrency.Queue,
            V1.Concurrency.Reject => Concurrency.Reject,
            V1.Concurrency.Supersede => Concurrency.Supersede,
            var unknown => throw Refuse.Field(Reason.InvalidArgument, "concurrency", $"concurrency {(int)unknown} is unknown: use QUEUE, REJECT or SUPERSEDE"),
        };
        // The hash of a text with a code of three digits would tell the code.
        var input = CustomerInput.Of(text);
        return new(
            RequestId.Parse(request.RequestId),
            PayloadHash.Of("turn", conversation.ToString(), input.Text, concurrency.ToString(), Number(request.ExpectedTurnIndex)),
            input.Text,
            concurrency,
            request.ExpectedTurnIndex == 0 ? null : request.ExpectedTurnIndex,
            caller.Subject,
            deadline)
        {
            Trace = Tracing.Here,
            PersonalData = input.Items,
        };
    }

    public static V1.StreamTurnRequest ToStreamTurn(this V1.SendTurnRequest request) => new()
    {
        Conversation = request.Conversation,
        RequestId = request.RequestId,
        Input = request.Input,
        Concurrency = request.Concurrency,
        ExpectedTurnIndex = request.ExpectedTurnIndex,
    };

    public static NewConversation ToNewConversation(this V1.CreateConversationRequest request, Caller caller)
    {
        var wanted = request.Conversation ?? new();
        var language = Field("conversation.language_code", wanted.LanguageCode) switch
        {
            "" or "zh" => "zh",
            "en" => "en",
            var other => throw Refuse.Field(Reason.InvalidArgument, "conversation.language_code", $"conversation.language_code {Refuse.Quote(other)} is not served: use zh or en"),
        };
        if (wanted.Labels.Count > MaxLabels)
            throw Refuse.Field(Reason.InvalidArgument, "conversation.labels", $"conversation.labels has {wanted.Labels.Count} entries: send at most {MaxLabels}");
        var labels = wanted.Labels.ToImmutableSortedDictionary(
            label => Field("conversation.labels", label.Key), label => Field("conversation.labels", label.Value), StringComparer.Ordinal);
        var idle = IdleTimeout(wanted.IdleTimeout);
        return new(
            RequestId.Parse(request.RequestId),
            PayloadHash.Of(
                "conversation",
                [request.Parent, request.ConversationId, wanted.Channel, wanted.Customer, wanted.Agent, language, Number(idle.Ticks), .. labels.SelectMany(label => new[] { label.Key, label.Value })]),
            caller.Subject,
            Field("conversation.channel", wanted.Channel),
            Field("conversation.customer", wanted.Customer),
            Field("conversation.agent", wanted.Agent),
            language,
            labels,
            idle);
    }

    /// <param name="isLifted">Whether who the customer is, and what else was said of the conversation, is shown without masks.</param>
    public static V1.Conversation ToWire(this ConversationView view, bool isLifted = false)
    {
        var wire = view.ToWhole();
        if (isLifted) return wire;
        (wire.Customer, wire.Agent, wire.Channel) = (Masked(wire.Customer), Masked(wire.Agent), Masked(wire.Channel));
        foreach (var (name, value) in view.Labels)
            wire.Labels[name] = Masked(value);
        return wire;
    }

    private static V1.Conversation ToWhole(this ConversationView view) => new()
    {
        Name = new ConversationName(view.Tenant, view.Conversation).ToString(),
        State = view.Completed ? V1.Conversation.Types.State.Completed : V1.Conversation.Types.State.Active,
        Channel = view.Channel,
        Customer = view.Customer,
        Agent = view.Agent,
        LanguageCode = view.LanguageCode,
        Labels = { view.Labels },
        IdleTimeout = view.IdleTimeout.ToDuration(),
        CreateTime = view.CreateTime.ToTimestamp(),
        UpdateTime = view.UpdateTime.ToTimestamp(),
        CompleteTime = view.CompleteTime?.ToTimestamp(),
        TurnCount = view.TurnCount,
        Erased = view.IsErased,
    };

    /// <param name="isLifted">Whether the customer's words are shown without masks.</param>
    public static V1.Turn ToWire(this TurnView view, ConversationName conversation, string? language, bool isLifted = false)
    {
        var wire = view.ToUnlabelled(conversation, language, isLifted);
        if (view.IsGenerated is { } isGenerated) wire.AiGenerated = isGenerated;
        return wire;
    }

    private static V1.Turn ToUnlabelled(this TurnView view, ConversationName conversation, string? language, bool isLifted) => new()
    {
        Name = conversation.Turn(view.Index).ToString(),
        Index = view.Index,
        RequestId = view.RequestId,
        State = ToWire(view.State),
        Input = new() { Text = isLifted ? view.Input : view.Masked },
        Output = view.Output,
        LastSequence = view.LastSequence,
        Completed = view.Completed?.ToWire(),
        Failure = view.Failure is { } failure ? Faults.Failure(failure, language) : null,
        CreateTime = view.CreateTime.ToTimestamp(),
        FirstTextTime = view.FirstTextTime?.ToTimestamp(),
        EndTime = view.EndTime?.ToTimestamp(),
        Notice = view.Notice,
        Erased = view.IsErased,
    };

    private static V1.Turn.Types.State ToWire(TurnState state) => state switch
    {
        TurnState.Queued => V1.Turn.Types.State.Queued,
        TurnState.Running => V1.Turn.Types.State.Running,
        TurnState.Completed => V1.Turn.Types.State.Completed,
        TurnState.Cancelled => V1.Turn.Types.State.Cancelled,
        TurnState.Failed => V1.Turn.Types.State.Failed,
        TurnState.Interrupted => V1.Turn.Types.State.Interrupted,
        TurnState.Blocked => V1.Turn.Types.State.Blocked,
        TurnState.Held => V1.Turn.Types.State.HeldForReview,
        _ => throw new UnreachableException($"turn state {state}"),
    };

    public static V1.TurnEvent ToWire(this TurnEvent turnEvent, ConversationName conversation, string? language)
    {
        var wire = new V1.TurnEvent { Sequence = turnEvent.Sequence, EventTime = turnEvent.Time.ToTimestamp() };
        switch (turnEvent)
        {
            case Accepted accepted:
                wire.Accepted = new() { Turn = conversation.Turn(accepted.Turn).ToString(), Index = accepted.Turn, Notice = accepted.Notice };
                break;
            case QueuePosition queue:
                wire.QueuePosition = new() { Position = queue.Position };
                break;
            case ReasoningProgress reasoning:
                wire.ReasoningProgress = new() { Tokens = reasoning.Tokens };
                break;
            case TextReleased text:
                wire.TextDelta = text.Text;
                if (text.IsGenerated is { } isGenerated) wire.AiGenerated = isGenerated;
                break;
            case Heartbeat:
                wire.Heartbeat = new();
                break;
            case Completed completed:
                wire.Completed = completed.ToWire();
                break;
            case Failed failed:
                wire.Failed = Faults.Failure(failed.Refusal, language);
                break;
            default:
                throw new UnreachableException($"turn event {turnEvent.GetType().Name}");
        }
        return wire;
    }

    public static V1.ConversationEvent ToWire(this WatchedEvent watched, ConversationName conversation, string? language) => new()
    {
        Turn = watched.Turn == 0 ? "" : conversation.Turn(watched.Turn).ToString(),
        Event = watched.Event.ToWire(conversation, language),
    };

    /// <summary>Dropped turns come without their texts: what the window keeps has a bound, and what it dropped has none.</summary>
    /// <param name="withTexts">Whether the caller may read transcripts.</param>
    public static V1.ContextWindow ToWire(this ContextWindowView view, ConversationName conversation, bool withTexts) => new()
    {
        Report = view.Report.ToWire(),
        Turns =
        {
            view.Turns.Select(entry => new V1.ContextWindow.Types.Entry
            {
                Turn = conversation.Turn(entry.Turn).ToString(),
                Disposition = entry.Kept ? V1.ContextWindow.Types.Entry.Types.Disposition.Kept : V1.ContextWindow.Types.Entry.Types.Disposition.Dropped,
                Tokens = entry.Tokens,
                Input = withTexts && entry.Kept ? entry.Input : "",
                Answer = withTexts && entry.Kept ? entry.Answer : "",
            }),
        },
        Policy = withTexts ? view.Policy : "",
    };

    public static V1.Replay ToWire(this Verdict verdict)
    {
        var (recorded, present) = (verdict.Turn.Opened.Release, verdict.Present);
        return new()
        {
            Result = verdict.Obstacle is not null ? V1.Replay.Types.Result.NotComparable
                : verdict.Difference is not null ? V1.Replay.Types.Result.Differs
                : V1.Replay.Types.Result.Identical,
            RecordedTokens = verdict.Recorded,
            ComparedTokens = verdict.Compared,
            Difference = verdict.Difference?.ToWire(),
            Obstacle = verdict.Obstacle?.ToWire(),
            Segments =
            {
                verdict.Segments.Select(segment => new V1.Replay.Types.Segment
                {
                    FirstToken = segment.First,
                    Tokens = segment.End - segment.First,
                    Numerics = $"{segment.Numerics}",
                }),
            },
            RecordedRelease = new() { Model = recorded.ModelName, ModelHash = recorded.ModelHash.ToString(), Template = recorded.Template, PolicyVersion = recorded.PolicyVersion, Lexicon = $"{verdict.Turn.Closed?.Lexicon}" },
            PresentRelease = new() { Model = present.Name, ModelHash = present.Hash, Template = present.Template.Name },
            PromptHash = verdict.Turn.PromptHash.ToString(),
            PresentNumerics = { verdict.PresentNumerics },
        };
    }

    private static V1.Replay.Types.Difference ToWire(this Difference difference)
    {
        var wire = new V1.Replay.Types.Difference { Index = difference.Index };
        if (difference.Recorded is { } recorded) wire.RecordedTokenId = recorded;
        if (difference.Replayed is { } replayed) wire.ReplayedTokenId = replayed;
        return wire;
    }

    private static V1.Replay.Types.Obstacle ToWire(this Obstacle obstacle) => new()
    {
        Reason = obstacle.Reason switch
        {
            Incomparability.NothingSampled => V1.Replay.Types.Obstacle.Types.Reason.NothingSampled,
            Incomparability.OtherModel => V1.Replay.Types.Obstacle.Types.Reason.OtherModel,
            Incomparability.OtherTemplate => V1.Replay.Types.Obstacle.Types.Reason.OtherTemplate,
            Incomparability.PromptMissing => V1.Replay.Types.Obstacle.Types.Reason.PromptMissing,
            Incomparability.PromptAltered => V1.Replay.Types.Obstacle.Types.Reason.PromptAltered,
            Incomparability.OtherNumerics => V1.Replay.Types.Obstacle.Types.Reason.OtherNumerics,
            _ => throw new UnreachableException($"incomparability {obstacle.Reason}"),
        },
        Detail = obstacle.Detail,
    };

    private static V1.Completed ToWire(this Completed completed) => new()
    {
        FinishReason = completed.FinishReason switch
        {
            FinishReason.Stop => V1.Completed.Types.FinishReason.Stop,
            FinishReason.Length => V1.Completed.Types.FinishReason.Length,
            FinishReason.ReasoningBudget => V1.Completed.Types.FinishReason.ReasoningBudget,
            FinishReason.Cancelled => V1.Completed.Types.FinishReason.Cancelled,
            FinishReason.Guardrail => V1.Completed.Types.FinishReason.Guardrail,
            FinishReason.Review => V1.Completed.Types.FinishReason.Review,
            FinishReason.Interrupted => V1.Completed.Types.FinishReason.Interrupted,
            _ => throw new UnreachableException($"finish reason {completed.FinishReason}"),
        },
        Usage = new() { PromptTokens = completed.Usage.PromptTokens, ReasoningTokens = completed.Usage.ReasoningTokens, AnswerTokens = completed.Usage.AnswerTokens },
        ContextReport = completed.Context.ToWire(),
        Release = new() { Model = completed.Release.Model, ModelHash = completed.Release.ModelHash, Template = completed.Release.Template, PolicyVersion = completed.Release.PolicyVersion, Lexicon = completed.Release.Lexicon },
        Receipt = completed.Receipt.ToWire(),
        PersonalData = { completed.PersonalData },
    };

    public static V1.Receipt ToWire(this Receipt receipt) => new()
    {
        Index = receipt.Index,
        LeafHash = receipt.LeafHash,
        Time = receipt.Time.ToTimestamp(),
        SignedNote = receipt.Note ?? "",
        KeyId = receipt.Note is { } note ? $"{SignedNote.Parse(note).Signatures[0].KeyId:x8}" : "",
    };

    private static V1.ContextReport ToWire(this ContextReport report) => new()
    {
        WindowTokens = report.Window,
        ReservedTokens = report.Reserved,
        PolicyTokens = report.Policy,
        HistoryTokens = report.History,
        PassagesTokens = report.Passages,
        InputTokens = report.Input,
        TurnsKept = report.TurnsKept,
        TurnsDropped = report.TurnsDropped,
    };

    private static TimeSpan IdleTimeout(Duration? asked)
    {
        if (asked is null)
            return DefaultIdleTimeout;
        // Compared before it becomes a TimeSpan: a duration on the wire may exceed what that can hold.
        if (asked.Seconds < 1 || asked.Seconds > MaxIdleTimeout.TotalSeconds || asked.Nanos is < 0 or >= Duration.NanosecondsPerSecond)
            throw Refuse.Field(Reason.InvalidArgument, "conversation.idle_timeout", $"conversation.idle_timeout of {asked.Seconds} s is not between 1 s and {MaxIdleTimeout.Days} days");
        return TimeSpan.FromSeconds(asked.Seconds) + TimeSpan.FromTicks(asked.Nanos / TimeSpan.NanosecondsPerTick);
    }

    private static string Field(string name, string text) => text.Length <= MaxTextField
        ? text
        : throw Refuse.Field(Reason.InvalidArgument, name, $"{name} has {text.Length} characters: send at most {MaxTextField}");

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
