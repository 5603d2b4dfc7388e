using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using R1Grains.Ledger;

namespace R1Grains.Conversations;

/// <summary>What a person decides about a held turn. It becomes a turn of its own, which the customer sees.</summary>
/// <param name="Turn">The held one.</param>
/// <param name="Releases">Or keeps it back for good.</param>
[GenerateSerializer, Immutable, Alias("r1.Review")]
public sealed record Review([property: Id(0)] int Turn, [property: Id(1)] bool Releases)
{
    private const string Release = "release of turn ";
    private const string Discard = "discard of turn ";

    /// <summary>Of its turn. A client's request id has no spaces, so none can be taken for it.</summary>
    public string RequestId => string.Create(CultureInfo.InvariantCulture, $"{(Releases ? Release : Discard)}{Turn}");

    /// <summary>The turn that tells its customer.</summary>
    /// <param name="key">The conversation.</param>
    public UserTurn ToTurn(ConversationKey key, string decider) =>
        new(RequestId, Digest.Of(Encoding.UTF8.GetBytes($"{key} {RequestId}")).ToArray(), "", Concurrency.Queue, null, decider, null) { Review = this };

    /// <summary>Null for the request id of a client.</summary>
    public static Review? Of(string requestId) =>
        requestId.StartsWith(Release, StringComparison.Ordinal) ? new(int.Parse(requestId.AsSpan(Release.Length), CultureInfo.InvariantCulture), Releases: true)
        : requestId.StartsWith(Discard, StringComparison.Ordinal) ? new(int.Parse(requestId.AsSpan(Discard.Length), CultureInfo.InvariantCulture), Releases: false)
        : null;
}
