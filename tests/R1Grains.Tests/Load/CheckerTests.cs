using R1Grains.LoadTests.Checks;
using R1Grains.LoadTests.Clients;
using static R1Grains.LoadTests.Checks.DefectKind;

namespace R1Grains.Tests.Load;

/// <summary>Each defect, put into a log and a record that agreed before, is found, and nothing else is.</summary>
public sealed class CheckerTests
{
    private const string Conversation = "tenants/demo/conversations/c1";
    private static readonly string[] Pieces = ["Yes, ", "the fee ", "is 3 yuan."];
    private static readonly DateTimeOffset Opened = new(2026, 1, 5, 9, 30, 0, TimeSpan.Zero);
    private static readonly TimeSpan TurnTime = TimeSpan.FromMinutes(1);

    [Fact]
    public void What_was_seen_as_it_is_recorded_has_no_defect()
    {
        var account = Check([Seen(1), Seen(2)], [Recorded(1), Recorded(2)]);
        Assert.Empty(account.Defects);
        Assert.Equal((2, 2, 6, 46L), (account.TurnsSeen, account.TurnsRecorded, account.PiecesCompared, account.CharactersCompared));
    }

    [Fact]
    public void A_replay_a_turn_that_was_given_up_and_one_that_was_refused_have_no_defect()
    {
        var givenUp = Seen(2, Pieces[..1]);
        givenUp.End = SeenEnd.GivenUp;
        Assert.Empty(Check([Seen(1), Seen(1), givenUp, Refused("r3")], [Recorded(1), Recorded(2)]).Defects);
    }

    [Fact]
    public void An_accepted_turn_without_a_record_is_lost_and_its_text_unrecorded() =>
        AssertFound(Check([Seen(1), Seen(2)], [Recorded(1)]), (TurnsLost, 1), (UnrecordedCharacters, 23));

    [Fact]
    public void A_turn_whose_number_belongs_to_another_request_is_lost() =>
        AssertFound(Check([Accepted(1), Seen(2), Refused("r3")], [Recorded(2), Recorded(1) with { RequestId = "r2" }]), (TurnsDuplicated, 1), (TurnsLost, 1));

    [Theory]
    [InlineData(SeenEnd.Completed, RecordedEnd.Open)]
    [InlineData(SeenEnd.Completed, RecordedEnd.Interrupted)]
    [InlineData(SeenEnd.Failed, RecordedEnd.Completed)]
    public void An_end_that_is_not_the_recorded_one_is_lost(object seenEnd, object recordedEnd)
    {
        var seen = Seen(1);
        seen.End = (SeenEnd)seenEnd;
        AssertFound(Check([seen], [Recorded(1) with { End = (RecordedEnd)recordedEnd }]), (TurnsLost, 1));
    }

    [Fact]
    public void A_request_that_became_two_turns_is_duplicated() =>
        AssertFound(Check([Seen(1)], [Recorded(1), Recorded(2) with { RequestId = "r1" }]), (TurnsDuplicated, 1));

    [Fact]
    public void A_request_that_was_accepted_under_two_numbers_is_duplicated()
    {
        var seen = Seen(1);
        seen.OtherIndexes.Add(2);
        AssertFound(Check([seen], [Recorded(1)]), (TurnsDuplicated, 1));
    }

    [Fact]
    public void A_turn_that_nobody_asked_for_is_a_duplicate() =>
        AssertFound(Check([Seen(1)], [Recorded(1), Recorded(2)]), (TurnsDuplicated, 1));

    [Fact]
    public void An_answer_that_is_given_twice_over_is_duplicated()
    {
        string[] twice = [.. Pieces, .. Pieces];
        AssertFound(Check([Seen(1, twice)], [Recorded(1, twice)]), (TurnsDuplicated, 1));
    }

    [Fact]
    public void A_refused_request_that_stands_in_the_record_is_duplicated_by_whoever_asks_anew() =>
        AssertFound(Check([Refused("r1")], [Recorded(1)]), (TurnsDuplicated, 1));

    [Fact]
    public void A_piece_that_was_left_out_is_a_gap()
    {
        var seen = Seen(1);
        seen.Pieces.RemoveAt(1);
        AssertFound(Check([seen], [Recorded(1)]), (StreamGaps, 1));
    }

    [Fact]
    public void An_end_before_the_last_piece_is_a_gap() =>
        AssertFound(Check([Seen(1, Pieces[..2])], [Recorded(1)]), (StreamGaps, 1));

    [Fact]
    public void A_piece_without_its_last_characters_is_a_gap() =>
        AssertFound(Check([Seen(1, ["Yes, ", "the f", "is 3 yuan."])], [Recorded(1)]), (StreamGaps, 1));

    [Fact]
    public void A_piece_that_comes_again_is_a_repeat()
    {
        var seen = Seen(1);
        seen.Pieces.Insert(2, seen.Pieces[1]);
        AssertFound(Check([seen], [Recorded(1)]), (StreamRepeats, 1));
    }

    [Fact]
    public void A_piece_that_comes_again_with_another_text_is_unrecorded_as_well()
    {
        var seen = Seen(1);
        seen.Pieces.Add(new(2, "the rate "));
        AssertFound(Check([seen], [Recorded(1)]), (StreamRepeats, 1), (UnrecordedCharacters, 5));
    }

    [Fact]
    public void Characters_that_are_not_the_recorded_ones_are_counted() =>
        AssertFound(Check([Seen(1, ["Yes, ", "the fee ", "is 5 yuan."])], [Recorded(1)]), (UnrecordedCharacters, 7));

    [Fact]
    public void Text_behind_the_recorded_text_is_unrecorded() =>
        AssertFound(Check([Seen(1, [.. Pieces, " A year."])], [Recorded(1)]), (UnrecordedCharacters, 8));

    [Fact]
    public void A_conversation_with_a_turn_open_long_after_its_deadline_is_stuck()
    {
        var (seen, open) = (Seen(1), Recorded(1) with { End = RecordedEnd.Open, Closed = null });
        seen.End = SeenEnd.GivenUp;
        Assert.Empty(Check([seen], [open], now: Opened + TurnTime + TimeSpan.FromSeconds(1)).Defects);
        AssertFound(Check([seen], [open], now: Opened + TimeSpan.FromMinutes(5)), (ConversationsStuck, 1));
        Assert.Empty(Check([seen], [open with { Deadline = Opened + TimeSpan.FromMinutes(10) }], now: Opened + TimeSpan.FromMinutes(5)).Defects);
    }

    [Fact]
    public void A_conversation_that_takes_no_further_turn_is_stuck_once() =>
        AssertFound(Check([Seen(1)], [Recorded(1)], unable: [Conversation, Conversation]), (ConversationsStuck, 1));

    [Fact]
    public void An_answer_that_the_model_does_not_give_is_changed()
    {
        var seen = new SeenTurn(new("test", Conversation, "r1", "How much?", string.Concat(Pieces)), due: 0) { Index = 1, End = SeenEnd.Completed };
        string[] other = ["Yes, ", "the fee ", "is 3 ", "is 3 yuan."];
        seen.Pieces.AddRange(other.Select((text, i) => new SeenPiece(i + 1, text)));
        AssertFound(Check([seen], [Recorded(1, other)]), (AnswersChanged, 1));
    }

    private static SeenTurn Seen(int index, params string[] pieces) => new(new("test", Conversation, $"r{index}", "How much?"), due: 0)
    {
        Index = index,
        End = SeenEnd.Completed,
        Pieces = [.. (pieces.Length == 0 ? Pieces : pieces).Select((text, i) => new SeenPiece(i + 1, text))],
    };

    private static SeenTurn Accepted(int index) => new(new("test", Conversation, $"r{index}", "How much?"), due: 0) { Index = index };

    private static SeenTurn Refused(string requestId) => new(new("test", Conversation, requestId, "How much?"), due: 0) { End = SeenEnd.Refused, Reason = "MODEL_QUEUE_FULL" };

    private static RecordedTurn Recorded(int index, params string[] pieces) =>
        new(Conversation, index, $"r{index}", pieces.Length == 0 ? Pieces : pieces, RecordedEnd.Completed, Opened, FirstText: Opened, Closed: Opened);

    private static Account Check(IReadOnlyList<SeenTurn> seen, IReadOnlyList<RecordedTurn> record, IEnumerable<string>? unable = null, DateTimeOffset? now = null) =>
        Checker.Check(seen, record, unable ?? [], now ?? Opened, TurnTime);

    private static void AssertFound(Account account, params (string Kind, long Count)[] expected)
    {
        Assert.Equal(expected.OrderBy(defect => defect.Kind), account.Defects.Select(defect => defect.Kind).Distinct().Order().Select(kind => (kind, account.Count(kind))));
        Assert.All(account.Defects, defect => Assert.StartsWith(Conversation, defect.Where));
    }
}
