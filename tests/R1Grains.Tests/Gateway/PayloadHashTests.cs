using R1Grains.Access;
using R1Grains.Gateway;
using R1Grains.V1;

namespace R1Grains.Tests.Gateway;

public sealed class PayloadHashTests
{
    private static readonly Caller Anna = new("demo", "anna", PermissionSet.All);
    private static readonly ConversationName Name = new("demo", "c");

    // The hashes stand in records: a change here refuses the retries of every request recorded before it.
    [Fact]
    public void The_hash_of_a_turn_never_changes() => Assert.Equal(
        "cd31199ecc35e4f0a2536e09c08e3c5ed868f4d28544182834db9ce888ef44ff", Convert.ToHexStringLower(Hash(new StreamTurnRequest { RequestId = "1", Input = new() { Text = "年费是多少？" }, ExpectedTurnIndex = 2 })));

    [Fact]
    public void The_hash_of_a_conversation_never_changes() => Assert.Equal(
        "ee930f7f161457b80ab43424fd8fcc362246935b33a959239a1b137bc0a370ee", Convert.ToHexStringLower(Hash(new CreateConversationRequest
        {
            Parent = "tenants/demo",
            ConversationId = "c",
            RequestId = "1",
            Conversation = new() { Channel = "app", Customer = "k1", LanguageCode = "zh", Labels = { ["b"] = "2", ["a"] = "1" } },
        })));

    [Fact]
    public void The_id_and_what_means_the_same_leave_the_hash_alone()
    {
        var turn = new StreamTurnRequest { RequestId = "1", Input = new() { Text = "a" } };
        Assert.Equal(Hash(turn), Hash(new StreamTurnRequest(turn) { RequestId = "2" }));
        Assert.Equal(Hash(turn), Hash(new StreamTurnRequest(turn) { Concurrency = Concurrency.Queue }));
        Assert.Equal(Hash(turn), Hash(new SendTurnRequest { RequestId = "3", Input = new() { Text = "a" } }.ToStreamTurn()));

        var conversation = new CreateConversationRequest { Parent = "tenants/demo", RequestId = "1", Conversation = new() { Labels = { ["a"] = "1", ["b"] = "2" } } };
        Assert.Equal(Hash(conversation), Hash(new CreateConversationRequest(conversation) { RequestId = "2" }));
        Assert.Equal(Hash(conversation), Hash(new CreateConversationRequest(conversation) { Conversation = new() { LanguageCode = "zh", Labels = { ["b"] = "2", ["a"] = "1" } } }));
    }

    [Fact]
    public void Every_other_meaning_has_another_hash()
    {
        var turn = new StreamTurnRequest { RequestId = "1", Input = new() { Text = "a" } };
        byte[][] hashes =
        [
            Hash(turn),
            Hash(new StreamTurnRequest(turn) { Input = new() { Text = "a " } }),
            Hash(new StreamTurnRequest(turn) { Concurrency = Concurrency.Reject }),
            Hash(new StreamTurnRequest(turn) { Concurrency = Concurrency.Supersede }),
            Hash(new StreamTurnRequest(turn) { ExpectedTurnIndex = 1 }),
            turn.ToUserTurn(new("demo", "d"), Anna, deadline: null).PayloadHash,
            PayloadHash.Of("k", "ab", "c"),
            PayloadHash.Of("k", "a", "bc"),
            PayloadHash.Of("k", "abc"),
            PayloadHash.Of("k", "abc", ""),
        ];
        Assert.Equal(hashes.Length, hashes.Select(Convert.ToHexString).Distinct().Count());
    }

    private static byte[] Hash(StreamTurnRequest request) => request.ToUserTurn(Name, Anna, deadline: null).PayloadHash;

    private static byte[] Hash(CreateConversationRequest request) => request.ToNewConversation(Anna).PayloadHash;
}
