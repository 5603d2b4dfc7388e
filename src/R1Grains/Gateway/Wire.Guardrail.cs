using System.Diagnostics;
using System.Globalization;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using R1Grains.Access;
using R1Grains.Compliance;
using R1Grains.Conversations;
using R1Grains.Knowledge;
using R1Grains.Ledger;

namespace R1Grains.Gateway;

/// <summary>Words, what comes into force of them, and what waits for a person.</summary>
internal static partial class Wire
{
    private const int MaxCategory = 64;
    private const int MaxTried = 20_000;
    private const string Day = "yyyy-MM-dd";

    public static string Title(this V1.WordList list) => Line("word_list.title", Field("word_list.title", list.Title));

    public static Authorship By(this Caller caller, string requestId, byte[] payload) => new(caller.Subject, requestId, Convert.ToHexStringLower(payload));

    /// <exception cref="RefusedException">An entry cannot be one; it is named.</exception>
    public static IReadOnlyList<LexiconEntry> ToEntries(this RepeatedField<V1.WordListEntry> entries)
    {
        if (entries.Count > WordList.EntriesMax)
            throw Refuse.Field(Reason.InvalidArgument, "word_list.entries", $"word_list.entries has {entries.Count} entries: put at most {WordList.EntriesMax} into a list");
        return [.. entries.Select((entry, i) => entry.ToEntry($"word_list.entries[{i}]"))];
    }

    private static LexiconEntry ToEntry(this V1.WordListEntry wire, string field)
    {
        if (wire.Level is < 1 or > 9)
            throw Refuse.Field(Reason.InvalidArgument, $"{field}.level", $"{field}.level {wire.Level} is none of 1 to 9");
        if (wire.Category.Length > MaxCategory)
            throw Refuse.Field(Reason.InvalidArgument, $"{field}.category", $"{field}.category has {wire.Category.Length} characters: send at most {MaxCategory}");
        var action = wire.Action switch
        {
            V1.WordListEntry.Types.Action.Allow => LexiconAction.Allow,
            V1.WordListEntry.Types.Action.Mask => LexiconAction.Mask,
            V1.WordListEntry.Types.Action.Review => LexiconAction.Review,
            V1.WordListEntry.Types.Action.Replace => LexiconAction.Replace,
            V1.WordListEntry.Types.Action.Block => LexiconAction.Block,
            var other => throw Refuse.Field(Reason.InvalidArgument, $"{field}.action", $"{field}.action {(int)other} is unknown: use ALLOW, MASK, REVIEW, REPLACE or BLOCK"),
        };
        var (from, until) = (DayOf(wire.ValidFrom, $"{field}.valid_from"), DayOf(wire.ValidUntil, $"{field}.valid_until"));
        if (until < from)
            throw Refuse.Field(Reason.InvalidArgument, $"{field}.valid_until", $"{field}.valid_until {wire.ValidUntil} is before valid_from {wire.ValidFrom}: the entry would hold on no day");
        var entry = new LexiconEntry(wire.Term.Trim(), new(wire.Category, wire.Level, action, wire.Scope.ToScope($"{field}.scope") ?? LexiconScope.Both, From: from, Until: until));
        try
        {
            // What could never be found, or not be kept as it is.
            Lexicon.Require([entry]);
            LexiconFile.Write([entry]);
            return entry;
        }
        catch (LexiconException wrong)
        {
            throw Refuse.Field(Reason.InvalidArgument, field, $"{field}: {wrong.Message}");
        }
    }

    /// <summary>Null where it is unspecified.</summary>
    private static LexiconScope? ToScope(this V1.WordListEntry.Types.Scope scope, string field) => scope switch
    {
        V1.WordListEntry.Types.Scope.Unspecified => null,
        V1.WordListEntry.Types.Scope.Input => LexiconScope.Input,
        V1.WordListEntry.Types.Scope.Output => LexiconScope.Output,
        V1.WordListEntry.Types.Scope.Both => LexiconScope.Both,
        _ => throw Refuse.Field(Reason.InvalidArgument, field, $"{field} {(int)scope} is unknown: use INPUT, OUTPUT or BOTH"),
    };

    private static DateOnly? DayOf(string text, string field) =>
        text.Length == 0 ? null
        : DateOnly.TryParseExact(text, Day, CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) ? day
        : throw Refuse.Field(Reason.InvalidArgument, field, $"{field} {Refuse.Quote(text)} is no day: write it as 2026-12-31");

    public static TextTrial ToTrial(this V1.TestTextRequest request, TenantName tenant)
    {
        if (request.Text.Length is 0 or > MaxTried)
            throw Refuse.Field(request.Text.Length == 0 ? Reason.InputEmpty : Reason.InvalidArgument, "text", $"text has {request.Text.Length} characters: send 1 to {MaxTried}");
        var scope = request.Scope.ToScope("scope") is (LexiconScope.Input or LexiconScope.Output) and { } asked
            ? asked
            : throw Refuse.Field(Reason.InvalidArgument, "scope", "scope is neither INPUT nor OUTPUT: say whether it comes from a customer or from the model");
        var language = request.LanguageCode switch
        {
            "" or "zh" => "zh",
            "en" => "en",
            var other => throw Refuse.Field(Reason.InvalidArgument, "language_code", $"language_code {Refuse.Quote(other)} is not served: use zh or en"),
        };
        var trial = new TextTrial(request.Text, scope, language, DayOf(request.Day, "day"), Candidate.None, "", 0);
        return request.Candidate switch
        {
            "" => trial,
            var all when all == $"{tenant}/wordLists/{WordListName.All}" => trial with { Candidate = Candidate.WordLists },
            var name => CandidateOf(name) switch
            {
                { } candidate when candidate.Tenant != tenant.Tenant => throw new RefusedException(new(candidate.Missing, $"{candidate} is not of {tenant}")),
                WordListName list => trial with { Candidate = Candidate.WordList, Id = list.WordList },
                ProposalName proposal => trial with { Candidate = Candidate.Proposal, Id = proposal.Proposal },
                EditionName edition => trial with { Candidate = Candidate.Edition, Number = edition.Number },
                _ => throw new UnreachableException(name),
            },
        };
    }

    private static ResourceName CandidateOf(string name) => name.Split('/') is [_, _, var kind, _]
        ? kind switch
        {
            "lexiconProposals" => ProposalName.Parse(name, "candidate"),
            "lexiconEditions" => EditionName.Parse(name, "candidate"),
            _ => WordListName.Parse(name, "candidate"),
        }
        : WordListName.Parse(name, "candidate");

    public static V1.TestTextResponse ToWire(this TextVerdict verdict, TenantName tenant, LexiconScope scope) => new()
    {
        Outcome = verdict.Outcome switch
        {
            LexiconAction.Allow => V1.TestTextResponse.Types.Outcome.Passes,
            LexiconAction.Mask => V1.TestTextResponse.Types.Outcome.Masked,
            LexiconAction.Review => V1.TestTextResponse.Types.Outcome.Held,
            _ => scope is LexiconScope.Input ? V1.TestTextResponse.Types.Outcome.Blocked : V1.TestTextResponse.Types.Outcome.Replaced,
        },
        Shown = verdict.Shown,
        NormalForm = verdict.NormalForm,
        Hits =
        {
            verdict.Hits.Select(hit => new V1.TextHit
            {
                Start = hit.Start,
                End = hit.End,
                Entry = hit.Entry.ToWire(),
                Disguise = hit.Disguise switch
                {
                    Disguise.Pinyin => V1.TextHit.Types.Disguise.Pinyin,
                    Disguise.Leet => V1.TextHit.Types.Disguise.Leet,
                    _ => V1.TextHit.Types.Disguise.Unspecified,
                },
            }),
        },
        Lexicon = verdict.Lexicon,
        Edition = EditionOf(tenant.Tenant, verdict.Edition),
    };

    public static V1.WordListEntry ToWire(this LexiconEntry entry) => new()
    {
        Term = entry.Text,
        Category = entry.Rule.Category,
        Level = entry.Rule.Level,
        Action = entry.Rule.Action switch
        {
            LexiconAction.Allow => V1.WordListEntry.Types.Action.Allow,
            LexiconAction.Mask => V1.WordListEntry.Types.Action.Mask,
            LexiconAction.Review => V1.WordListEntry.Types.Action.Review,
            LexiconAction.Replace => V1.WordListEntry.Types.Action.Replace,
            LexiconAction.Block => V1.WordListEntry.Types.Action.Block,
            var action => throw new UnreachableException($"action {action}"),
        },
        Scope = entry.Rule.Scope switch
        {
            LexiconScope.Input => V1.WordListEntry.Types.Scope.Input,
            LexiconScope.Output => V1.WordListEntry.Types.Scope.Output,
            _ => V1.WordListEntry.Types.Scope.Both,
        },
        ValidFrom = DayText(entry.Rule.From),
        ValidUntil = DayText(entry.Rule.Until),
    };

    public static V1.WordList ToWire(this WordList list, bool withEntries) => new()
    {
        Name = new WordListName(list.Tenant, list.Id).ToString(),
        Title = list.Title,
        Entries = { withEntries ? list.Entries.Select(ToWire) : [] },
        EntryCount = list.Entries.Count,
        Etag = Etag.Of(list.Version),
        UpdateTime = list.Time.ToTimestamp(),
        Updater = list.By.Subject,
    };

    public static V1.Proposal.Types.State StateAt(this Proposal proposal, DateTimeOffset now) => proposal.State switch
    {
        ProposalState.Pending when now >= proposal.Ends => V1.Proposal.Types.State.Expired,
        ProposalState.Pending => V1.Proposal.Types.State.Pending,
        ProposalState.Approved => V1.Proposal.Types.State.Approved,
        ProposalState.Rejected => V1.Proposal.Types.State.Rejected,
        var state => throw new UnreachableException($"proposal state {state}"),
    };

    /// <summary>Without its entries, of which there are more than a message takes.</summary>
    public static V1.Proposal ToWire(this ProposedEdition proposed, DateTimeOffset now)
    {
        var proposal = proposed.Proposal;
        return new()
        {
            Name = new ProposalName(proposal.Tenant, proposal.Id).ToString(),
            State = proposal.StateAt(now),
            Purpose = proposal.Purpose,
            EntryCount = proposed.Entries.Count,
            Hash = $"{proposal.PayloadHash}",
            Edition = EditionOf(proposal.Tenant, proposed.Number),
            Proposer = proposal.Proposer,
            ProposeTime = proposal.Proposed.ToTimestamp(),
            ExpireTime = proposal.Ends.ToTimestamp(),
            Decider = proposal.DecidedBy ?? "",
            DecideTime = proposal.DecidedAt?.ToTimestamp(),
            AddedCount = proposed.Added,
            RemovedCount = proposed.Removed,
        };
    }

    /// <inheritdoc cref="ToWire(ProposedEdition, DateTimeOffset)"/>
    public static V1.Edition ToWire(this Edition edition, int inForce) => new()
    {
        Name = EditionOf(edition.Tenant, edition.Number),
        EntryCount = edition.Count,
        Hash = $"{edition.Hash}",
        Proposal = new ProposalName(edition.Tenant, edition.Proposal).ToString(),
        Proposer = edition.Proposer,
        Approver = edition.Approver,
        PublishTime = edition.Time.ToTimestamp(),
        InForce = edition.Number == inForce,
    };

    /// <param name="isLifted">Whether personal data is shown as well.</param>
    public static V1.HeldTurn ToWire(this HeldTurn held, TurnRecord? turn, int? decision, bool isLifted)
    {
        var conversation = new ConversationName(held.Key.Tenant, held.Key.Conversation);
        return new()
        {
            Turn = conversation.Turn(held.Turn).ToString(),
            State = held.Decision?.Review.Releases switch
            {
                null => V1.HeldTurn.Types.State.Held,
                true => V1.HeldTurn.Types.State.Released,
                false => V1.HeldTurn.Types.State.Discarded,
            },
            HoldTime = held.Time.ToTimestamp(),
            Scope = held.Place is HitPlace.Input ? V1.WordListEntry.Types.Scope.Input : V1.WordListEntry.Types.Scope.Output,
            Categories = { held.Categories },
            Input = turn is null ? "" : isLifted ? turn.Opened.Input : RecordedItems.Masked(turn.Opened),
            HeldAnswer = turn?.Closed?.Held is not { } answer ? "" : isLifted ? answer : PersonalData.Mask(answer, PersonalData.Find(answer)),
            Decider = held.Decision?.Decider ?? "",
            DecideTime = held.Decision?.Time.ToTimestamp(),
            Purpose = held.Decision?.Purpose ?? "",
            DecisionTurn = decision is { } number ? conversation.Turn(number).ToString() : "",
        };
    }

    private static string EditionOf(string tenant, int number) => number == 0 ? "" : new EditionName(tenant, number).ToString();

    private static string DayText(DateOnly? day) => day?.ToString(Day, CultureInfo.InvariantCulture) ?? "";

    /// <summary>One that is kept in a line.</summary>
    private static string Line(string field, string text) => text.Any(char.IsControl)
        ? throw Refuse.Field(Reason.InvalidArgument, field, $"{field} has a control character in it: write one line")
        : text.Trim();
}
