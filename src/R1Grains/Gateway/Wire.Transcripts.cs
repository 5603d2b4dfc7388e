using System.Diagnostics;
using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using R1Grains.Access;
using R1Grains.Audit;
using R1Grains.Compliance;
using R1Grains.Conversations;
using R1Grains.Ledger;
using R1Grains.Ledger.Search;

namespace R1Grains.Gateway;

/// <summary>What auditors ask for, and what they are shown of it.</summary>
internal static partial class Wire
{
    public static TranscriptFilter ToFilter(this V1.TranscriptFilter? wire)
    {
        wire ??= new();
        return new(
            TimeOf(wire.StartTime, "filter.start_time"),
            TimeOf(wire.EndTime, "filter.end_time"),
            Field("filter.customer", wire.Customer),
            Field("filter.agent", wire.Agent),
            Field("filter.channel", wire.Channel),
            [.. wire.States.Select(state => state.ToState()).Distinct()],
            Field("filter.model", wire.Model),
            wire.Hits?.ToFilter());
    }

    private static HitFilter ToFilter(this V1.LexiconHitFilter wire)
    {
        if (wire.LevelMin is < 0 or > 9)
            throw Refuse.Field(Reason.InvalidArgument, "filter.hits.level_min", $"filter.hits.level_min {wire.LevelMin} is none of 0 to 9");
        if (!System.Enum.IsDefined(wire.Action))
            throw Refuse.Field(Reason.InvalidArgument, "filter.hits.action", $"filter.hits.action {(int)wire.Action} is unknown: use MASK, REVIEW, REPLACE or BLOCK");
        if (!System.Enum.IsDefined(wire.Place))
            throw Refuse.Field(Reason.InvalidArgument, "filter.hits.place", $"filter.hits.place {(int)wire.Place} is unknown: use INPUT, ANSWER or REASONING");
        return new(
            Field("filter.hits.category", wire.Category),
            wire.Action is V1.LexiconHit.Types.Action.Unspecified ? null : (HitAction)wire.Action,
            wire.Place is V1.LexiconHit.Types.Place.Unspecified ? null : (HitPlace)wire.Place,
            wire.LevelMin);
    }

    public static AuditFilter ToFilter(this V1.ListAuditEventsRequest request) => new(
        TimeOf(request.StartTime, "start_time"), TimeOf(request.EndTime, "end_time"), Field("actor", request.Actor), Field("action", request.Action), Field("resource", request.Resource));

    public static V1.SearchIndex ToWire(this IndexState index) => new() { IndexedLeaves = index.Leaves, TreeLeaves = index.TreeLeaves };

    public static V1.TranscriptMatch ToWire(this FoundTurn found)
    {
        var (conversation, opened, closed) = (found.Turn.Conversation, found.Turn.Opened, found.Turn.Closed);
        var wire = new V1.TranscriptMatch
        {
            Turn = NameOf(opened.Key).Turn(opened.Turn).ToString(),
            State = ToWire(Views.StateOf(closed)),
            CreateTime = opened.Time.ToTimestamp(),
            EndTime = closed.Time.ToTimestamp(),
            Customer = Masked(conversation.Customer),
            Agent = Masked(conversation.Agent),
            Channel = Masked(conversation.Channel),
            Release = opened.Release.ToWire(closed),
            Hits = { opened.Hits.Concat(closed.Hits).Select(ToWire) },
            Question = ToExcerpt(found, found.Question, 0),
            Answer = ToExcerpt(found, found.Answer, 1),
            Erased = found.Turn.IsErased,
        };
        if (Views.IsGenerated(opened, found.Answer) is { } isGenerated) wire.AiGenerated = isGenerated;
        return wire;
    }

    private static V1.Excerpt ToExcerpt(FoundTurn found, string text, int number)
    {
        var excerpt = Excerpt.Of(text, [.. found.Places.Where(place => place.Text == number).Select(place => (place.Start, place.End))]);
        return new()
        {
            Text = excerpt.Text,
            Words = { excerpt.Words.Select(word => new V1.Excerpt.Types.Span { Start = word.Start, End = word.End }) },
            CutBefore = excerpt.IsCutBefore,
            CutAfter = excerpt.IsCutAfter,
        };
    }

    /// <param name="view">What the caller may see.</param>
    public static V1.Conversation ToWire(this ConversationView conversation, V1.TranscriptView view) => conversation.ToWire(isLifted: IsWhole(view));

    /// <param name="view">What the caller may see.</param>
    public static V1.TranscriptTurn ToWire(this TurnRecord turn, ConversationName conversation, string? language, V1.TranscriptView view)
    {
        var (opened, closed, isWhole) = (turn.Opened, turn.Closed, IsWhole(view));
        return new()
        {
            Turn = Views.Of(turn).ToWire(conversation, language ?? opened.LanguageCode, isWhole),
            Caller = opened.Caller,
            LanguageCode = opened.LanguageCode,
            Deadline = opened.Deadline.ToTimestamp(),
            Passages = { opened.Passages.Select(passage => new V1.TranscriptTurn.Types.Passage { Source = passage.Source, Revision = passage.Revision, Text = isWhole ? passage.Text : "" }) },
            PolicyHash = opened.Release.PolicyHash.ToString(),
            Sampling = opened.Sampling.ToWire(),
            Numerics = $"{opened.Numerics}",
            ResumePoints = { (closed?.ResumePoints ?? []).Select(point => new V1.TranscriptTurn.Types.ResumePoint { Tokens = point.Tokens, Numerics = $"{point.Numerics}" }) },
            InputLexicon = $"{opened.Lexicon}",
            Hits = { opened.Hits.Concat(closed?.Hits ?? []).Select(ToWire) },
            PersonalData = { (opened.PersonalData ?? []).Concat(closed?.PersonalData ?? []).Select(ToWire) },
            CancelledBy = closed?.CancelledBy ?? "",
            Error = isWhole ? closed?.Error ?? "" : "",
            HeldAnswer = isWhole ? closed?.Held ?? "" : "",
            Reasoning = view is V1.TranscriptView.Reasoning ? closed?.Reasoning ?? "" : "",
            OpenedReceipt = Views.Of(turn.OpenedReceipt, opened.Time).ToWire(),
            ClosedReceipt = turn.ClosedReceipt is { } receipt ? Views.Of(receipt, closed!.Time).ToWire() : null,
        };
    }

    public static V1.AuditEvent ToWire(this AdministrativeEntry entry) => new()
    {
        Index = entry.Index,
        Time = entry.Record.Time.ToTimestamp(),
        Actor = entry.Record.Actor,
        Action = entry.Record.Action,
        Resource = entry.Record.Resource,
        Purpose = entry.Record.Purpose,
        Details = { entry.Record.Details.Select(detail => new V1.AuditEvent.Types.Detail { Name = detail.Name, Value = detail.Value }) },
        Changes =
        {
            entry.Record.Documents.Select(mark => new V1.AuditEvent.Types.Change { Kind = mark.Kind, Id = mark.Id, Version = mark.Version, Hash = $"{mark.Hash}" }),
        },
        LeafHash = entry.Leaf.ToString(),
    };

    private static V1.TranscriptTurn.Types.Sampling ToWire(this SamplingSettings sampling) => new()
    {
        Temperature = sampling.Temperature.ToString(CultureInfo.InvariantCulture),
        TopP = sampling.TopP.ToString(CultureInfo.InvariantCulture),
        TopK = sampling.TopK,
        RepetitionPenalty = sampling.RepetitionPenalty.ToString(CultureInfo.InvariantCulture),
        Seed = sampling.Seed,
        MaxTokens = sampling.MaxTokens,
        ReasoningBudget = sampling.ReasoningBudget,
        StopStrings = { sampling.StopStrings },
    };

    private static V1.Release ToWire(this Ledger.Release release, TurnClosed closed) => new()
    {
        Model = release.ModelName,
        ModelHash = release.ModelHash.ToString(),
        Template = release.Template,
        PolicyVersion = release.PolicyVersion,
        Lexicon = $"{closed.Lexicon}",
    };

    private static V1.LexiconHit ToWire(LexiconHit hit) => new()
    {
        // The contract's numbers are the record's.
        Place = (V1.LexiconHit.Types.Place)hit.Place,
        Start = hit.Start,
        End = hit.End,
        Category = hit.Category,
        Level = hit.Level,
        Action = (V1.LexiconHit.Types.Action)hit.Action,
        Entry = hit.Entry.ToString("x16", CultureInfo.InvariantCulture),
    };

    private static V1.PersonalDataItem ToWire(PersonalItem item) => new() { Place = (V1.LexiconHit.Types.Place)item.Place, Start = item.Start, End = item.End, Kind = item.Kind };

    private static TurnState ToState(this V1.Turn.Types.State state) => state switch
    {
        V1.Turn.Types.State.Completed => TurnState.Completed,
        V1.Turn.Types.State.Cancelled => TurnState.Cancelled,
        V1.Turn.Types.State.Failed => TurnState.Failed,
        V1.Turn.Types.State.Interrupted => TurnState.Interrupted,
        V1.Turn.Types.State.Blocked => TurnState.Blocked,
        V1.Turn.Types.State.HeldForReview => TurnState.Held,
        _ => throw Refuse.Field(Reason.InvalidArgument, "filter.states", $"filter.states has {state}, and a turn that has ended is COMPLETED, CANCELLED, FAILED, INTERRUPTED, BLOCKED or HELD_FOR_REVIEW"),
    };

    private static bool IsWhole(V1.TranscriptView view) => view switch
    {
        V1.TranscriptView.Unspecified or V1.TranscriptView.Redacted => false,
        V1.TranscriptView.Full or V1.TranscriptView.Reasoning => true,
        _ => throw new UnreachableException($"view {view}"),
    };

    private static string Masked(string text) => PersonalData.Mask(text, PersonalData.Find(text));

    private static ConversationName NameOf(ConversationKey key) => new(key.Tenant, key.Conversation);

    private static DateTimeOffset? TimeOf(Timestamp? time, string field)
    {
        try
        {
            return time?.ToDateTimeOffset();
        }
        catch (InvalidOperationException)
        {
            throw Refuse.Field(Reason.InvalidArgument, field, $"{field} is no time between the years 1 and 9999");
        }
    }
}
