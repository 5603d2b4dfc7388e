using System.Globalization;
using R1Grains.Conversations;
using R1Grains.Ledger;

namespace R1Grains.Compliance;

/// <summary>A turn that waits for a person, or has. What was said stands in its record and not here.</summary>
/// <param name="Place">The input or the answer.</param>
/// <param name="Categories">Of what was found.</param>
public sealed record HeldTurn(ConversationKey Key, int Turn, HitPlace Place, IReadOnlyList<string> Categories, DateTimeOffset Time)
{
    internal const string Waiting = "held-turn";
    internal const string Decided = "reviewed-turn";

    /// <summary>Kind of a second copy of what is decided, until the conversation has a turn that tells it.</summary>
    internal const string Untold = "untold-decision";

    /// <summary>Null while nobody has decided.</summary>
    public HeldDecision? Decision { get; init; }

    internal string Id => IdOf(Key.Conversation, Turn);

    internal string Name => string.Create(CultureInfo.InvariantCulture, $"tenants/{Key.Tenant}/conversations/{Key.Conversation}/turns/{Turn}");

    internal static string IdOf(string conversation, int turn) => string.Create(CultureInfo.InvariantCulture, $"{conversation}/{turn:D9}");

    internal static HeldTurn Of(Document document)
    {
        var (text, name) = (HeadedText.Parse(document.Content!), document.Key.Id.Split('/'));
        var turn = int.Parse(name[1], CultureInfo.InvariantCulture);
        return new(new(document.Key.Tenant, name[0]), turn, Enum.Parse<HitPlace>(text["place"]), text["categories"].Split(' ', StringSplitOptions.RemoveEmptyEntries), text.Time("time"))
        {
            Decision = text["decider"].Length == 0 ? null : new(new(turn, text["decision"] == "release"), text["decider"], text.Time("decided"), text["purpose"]),
        };
    }

    internal byte[] Write() => HeadedText.Write(
        "",
        ("place", $"{Place}"), ("categories", string.Join(' ', Categories)), ("time", HeadedText.Text(Time)),
        ("decision", Decision is { } decision ? decision.Review.Releases ? "release" : "discard" : null), ("decider", Decision?.Decider),
        ("decided", Decision is { } decided ? HeadedText.Text(decided.Time) : null), ("purpose", Decision?.Purpose));
}

public sealed record HeldDecision(Review Review, string Decider, DateTimeOffset Time, string Purpose);
