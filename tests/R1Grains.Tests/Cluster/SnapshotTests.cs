using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using R1Grains.Conversations;
using R1Grains.Inference;
using R1Grains.Ledger;

namespace R1Grains.Tests.Cluster;

/// <summary>Snapshots outlive the program that wrote them.</summary>
public sealed class SnapshotTests
{
    /// <summary>As version 1 wrote it, with 3 turns, the device d/0 and 40 tokens.</summary>
    private const string First = "200005010D4107642F3001A1E0";

    private static readonly Serializer Serializer = new ServiceCollection().AddSerializer().BuildServiceProvider().GetRequiredService<Serializer>();

    [Fact]
    public void A_snapshot_of_version_1_is_read()
    {
        var snapshot = Serializer.Deserialize<ConversationSnapshot>(Convert.FromHexString(First))!;
        Assert.Equal((1, 3, new Prefix("d/0", 40)), (snapshot.Version, snapshot.Turns, snapshot.Prefix));
        snapshot.RequireKnown(new("demo", "c"));
        snapshot.RequireWhole(Conversation(turns: 3));
    }

    [Fact]
    public void It_is_still_written_so() =>
        Assert.Equal(First, Convert.ToHexString(Serializer.SerializeToArray(new ConversationSnapshot { Turns = 3, Device = "d/0", PrefixTokens = 40 })));

    [Fact]
    public void A_version_from_the_future_is_refused() =>
        Assert.Equal(Reason.NodeUnavailable, Assert.Throws<RefusedException>(() => new ConversationSnapshot { Version = ConversationSnapshot.Known + 1 }.RequireKnown(new("demo", "c"))).Refusal.Reason);

    [Fact]
    public void A_record_with_fewer_turns_than_were_seen_is_refused() =>
        Assert.Equal(Reason.RecordUnavailable, Assert.Throws<RefusedException>(() => new ConversationSnapshot { Turns = 3 }.RequireWhole(Conversation(turns: 2))).Refusal.Reason);

    private static Conversation Conversation(int turns) => new(
        new()
        {
            Key = new("demo", "c"),
            RequestId = "r",
            PayloadHash = default,
            Time = DateTimeOffset.UnixEpoch,
            Caller = "anna",
            Channel = "",
            Customer = "",
            Agent = "",
            LanguageCode = "en",
            Labels = [],
            IdleTimeout = TimeSpan.FromMinutes(30),
        },
        DateTimeOffset.UnixEpoch, turns, TurnIsOpen: false, Completed: null);
}
