using System.Collections.Immutable;
using R1Grains.Compliance;
using R1Grains.Conversations;
using R1Grains.Knowledge;

namespace R1Grains.Tests.Conversations;

/// <summary>Orleans can write the arguments of a call into a log or an exception: words must not be in what it writes.</summary>
public sealed class WordsTests
{
    private const string Words = "zebrafish";

    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;

    public static readonly TheoryData<object> WithWords = new()
    {
        new UserTurn("1", [], Words, Concurrency.Queue, null, "anna", null),
        new TextReleased(1, Now, Words, true),
        new WatchedEvent(1, new TextReleased(1, Now, Words, true)),
        new TurnView(1, "1", TurnState.Running, Words, Words, Words, 1, null, null, Now, null, null, Words, null),
        new ContextEntry(1, true, 2, Words, Words),
        new ContextWindowView(new(0, 0, 0, 0, 0, 0, 0, 0), [new ContextEntry(1, true, 2, Words, Words)], Words),
        new TextTrial(Words, LexiconScope.Input, "en", null, Candidate.None, "", 0),
        new TextVerdict(LexiconAction.Allow, Words, Words, [], "", 0),
        new NewConversation("1", [], "anna", Words, Words, Words, "en", ImmutableSortedDictionary<string, string>.Empty, TimeSpan.Zero),
        new ConversationView("demo", "c", false, Words, Words, Words, "en", ImmutableSortedDictionary<string, string>.Empty, TimeSpan.Zero, Now, Now, null, 0),
    };

    [Theory]
    [MemberData(nameof(WithWords), DisableDiscoveryEnumeration = true)]
    public void What_crosses_silos_writes_no_words(object value) => Assert.DoesNotContain(Words, value.ToString());
}
