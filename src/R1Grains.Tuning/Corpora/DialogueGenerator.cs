namespace R1Grains.Tuning.Corpora;

/// <summary>
/// Endless training dialogues of an invented bank world, the same for the same seed. Nothing that <see cref="Reserve"/>
/// or a frame's split holds out ever appears.
/// </summary>
public sealed class DialogueGenerator(ulong seed)
{
    private readonly Dice _dice = new(seed);
    private long _count;

    public static string Policy => SampleBank.Policy;

    public IEnumerable<Dialogue> Take(long count)
    {
        for (var i = 0L; i < count; i++) yield return Next();
    }

    public Dialogue Next()
    {
        var book = _dice.Chance(55) ? Chinese.Book : English.Book;
        var grounded = new Grounded(book, _dice, Split.Train);
        var conversation = new Conversation(book, _dice, Split.Train);
        var (kind, turns) = _dice.Below(1000) switch
        {
            < 130 => ("plain", Of(grounded.Plain())),
            < 460 => ("distractor", Of(grounded.Distractor())),
            < 600 => ("missing", Of(grounded.Missing())),
            < 750 => ("several", Of(grounded.Several())),
            < 805 => ("follow_up", Of(grounded.FollowUps(_dice.Between(2, 3)))),
            < 825 => ("recall", conversation.Recall(grounded)),
            < 905 => ("read_back", conversation.ReadBack(grounded)),
            < 990 => ("procedure", conversation.Procedural(_dice.Chance(80) ? 1 : _dice.Between(2, 3))),
            < 998 => ("archive", Of(grounded.Archive())),
            _ => ("long", conversation.Long(grounded, _dice.Between(5, 9))),
        };
        return new Dialogue($"c{seed:x}-{_count++}", book.Language, kind, AnyPolicy(), turns);
    }

    private string AnyPolicy() => _dice.Below(10) switch
    {
        < 6 => SampleBank.Policy,
        < 8 => "",
        _ => _dice.Pick(SampleBank.OtherPolicies),
    };

    private static List<Utterance> Of(params IEnumerable<Exchange> exchanges) => [.. exchanges.SelectMany(e => new[] { e.Question, e.Answer })];
}
