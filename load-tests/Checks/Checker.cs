using R1Grains.LoadTests.Clients;

namespace R1Grains.LoadTests.Checks;

/// <summary>Compares what every client saw with the record. It knows neither how the one came about nor the other.</summary>
internal sealed class Checker
{
    /// <summary>How long after its deadline a turn may still be open: until the next round that looks for such turns, and some more.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(45);

    /// <summary>An answer that says everything twice is that long at least; two equal words are no defect.</summary>
    private const int DoubledLengthMin = 40;

    private readonly List<Defect> _defects = [];
    private readonly HashSet<string> _stuck = [];
    private int _pieces;
    private long _characters;

    private Checker()
    {
    }

    /// <param name="record">All turns of every conversation that a client used, and of no other.</param>
    /// <param name="unable">Conversations that took no further turn.</param>
    /// <param name="turnTime">The deadline of turns of which the record tells none, from their opening.</param>
    public static Account Check(
        IReadOnlyCollection<SeenTurn> seen, IReadOnlyCollection<RecordedTurn> record, IEnumerable<string> unable, DateTimeOffset now, TimeSpan turnTime)
    {
        var checker = new Checker();
        var asked = seen.ToLookup(turn => turn.Question.Conversation);
        var recorded = record.ToLookup(turn => turn.Conversation);
        foreach (var conversation in asked.Select(group => group.Key).Union(recorded.Select(group => group.Key)))
            checker.Conversation([.. asked[conversation]], [.. recorded[conversation]], now, turnTime);
        foreach (var conversation in unable)
            checker.Stuck(conversation, "it takes no further turn");
        return new(checker._defects, seen.Count, record.Count, checker._pieces, checker._characters);
    }

    private void Conversation(IReadOnlyList<SeenTurn> asked, IReadOnlyList<RecordedTurn> recorded, DateTimeOffset now, TimeSpan turnTime)
    {
        var requests = asked.Select(seen => seen.Question.RequestId).ToHashSet();
        foreach (var turns in recorded.GroupBy(turn => turn.RequestId))
        {
            foreach (var again in turns.Skip(1))
                Add(DefectKind.TurnsDuplicated, Name(again), $"request {again.RequestId} is turn {turns.First().Index} as well");
            if (!requests.Contains(turns.Key))
                Add(DefectKind.TurnsDuplicated, Name(turns.First()), $"nobody sent request {turns.Key}");
        }
        foreach (var turn in recorded)
        {
            if (IsDoubled(turn.Text)) Add(DefectKind.TurnsDuplicated, Name(turn), "its answer is recorded twice over");
            if (turn.End is RecordedEnd.Open && (turn.Deadline ?? turn.Opened + turnTime) + Grace < now)
                Stuck(turn.Conversation, $"turn {turn.Index} is open long after its deadline");
        }
        foreach (var seen in asked) Turn(seen, recorded);
    }

    private void Turn(SeenTurn seen, IReadOnlyList<RecordedTurn> recorded)
    {
        if (seen.Index == 0)
        {
            if (seen.End is SeenEnd.Refused && recorded.Any(turn => turn.RequestId == seen.Question.RequestId))
                Add(DefectKind.TurnsDuplicated, seen.Question.Conversation, $"request {seen.Question.RequestId} was refused with {seen.Reason} and stands in the record");
            return;
        }
        foreach (var other in seen.OtherIndexes)
            Add(DefectKind.TurnsDuplicated, seen.Name, $"its request was accepted as turn {other} as well");

        var turn = recorded.FirstOrDefault(turn => turn.Index == seen.Index && turn.RequestId == seen.Question.RequestId);
        if (turn is null)
            Add(DefectKind.TurnsLost, seen.Name, $"request {seen.Question.RequestId} was accepted, and the record has no such turn");
        else if (!IsEndOf(seen, turn))
            Add(DefectKind.TurnsLost, seen.Name, $"the client was told {seen.End}, the record says {turn.End}");

        Stream(seen, turn);
        if (turn is { End: RecordedEnd.Completed } && seen.Question.Answer is { } answer && answer != turn.Text)
            Add(DefectKind.AnswersChanged, seen.Name, $"the recorded answer has {turn.Text.Length} characters and differs at {CommonLength(answer, turn.Text)}");
    }

    private void Stream(SeenTurn seen, RecordedTurn? turn)
    {
        var last = 0L;
        foreach (var piece in seen.Pieces)
        {
            if (piece.Sequence > last + 1) Add(DefectKind.StreamGaps, seen.Name, $"piece {piece.Sequence} came after piece {last}");
            if (piece.Sequence <= last) Add(DefectKind.StreamRepeats, seen.Name, $"piece {piece.Sequence} came after piece {last}");
            last = Math.Max(last, piece.Sequence);
            Piece(seen, piece, turn is not null && piece.Sequence >= 1 && piece.Sequence <= turn.Pieces.Count ? turn.Pieces[(int)piece.Sequence - 1] : "");
        }
        if (turn is not null && seen.End is SeenEnd.Completed && last < turn.Pieces.Count)
            Add(DefectKind.StreamGaps, seen.Name, $"it was completed after piece {last}, the record has {turn.Pieces.Count}");
    }

    private void Piece(SeenTurn seen, SeenPiece piece, string recorded)
    {
        var common = CommonLength(piece.Text, recorded);
        if (common < piece.Text.Length)
            Add(DefectKind.UnrecordedCharacters, seen.Name, $"piece {piece.Sequence} is not the recorded one from its character {common} on", piece.Text.Length - common);
        else if (common < recorded.Length)
            Add(DefectKind.StreamGaps, seen.Name, $"piece {piece.Sequence} came without its last {recorded.Length - common} characters");
        _pieces++;
        _characters += piece.Text.Length;
    }

    private void Stuck(string conversation, string what)
    {
        if (_stuck.Add(conversation)) Add(DefectKind.ConversationsStuck, conversation, what);
    }

    private void Add(string kind, string where, string what, long count = 1) => _defects.Add(new(kind, where, what, count));

    /// <summary>A cancelled turn ends with <c>completed</c> as well. What a client was not told cannot be wrong.</summary>
    private static bool IsEndOf(SeenTurn seen, RecordedTurn turn) => seen.End switch
    {
        SeenEnd.Completed => turn.End is RecordedEnd.Completed or RecordedEnd.Cancelled or RecordedEnd.Blocked,
        SeenEnd.Failed => turn.End is RecordedEnd.Failed or RecordedEnd.Interrupted or RecordedEnd.Blocked,
        _ => true,
    };

    private static bool IsDoubled(string text) =>
        text.Length >= DoubledLengthMin && text.Length % 2 == 0 && text.AsSpan(0, text.Length / 2).SequenceEqual(text.AsSpan(text.Length / 2));

    private static int CommonLength(string one, string other) => one.AsSpan().CommonPrefixLength(other);

    private static string Name(RecordedTurn turn) => $"{turn.Conversation}/turns/{turn.Index}";
}
