using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Retention;

/// <summary>What of a tenant's conversations is meant: those of a customer, a single one, or, where it names neither, all.</summary>
/// <param name="Subjects">Of the customer, by every version of the index key, the one in force last: who that is stands nowhere.</param>
/// <param name="Conversation">By name.</param>
public sealed record Extent(IReadOnlyList<Digest> Subjects, string? Conversation)
{
    public static readonly Extent Tenant = new([], null);

    public static Extent OfCustomer(IEnumerable<Digest> subjects) => new([.. subjects], null);

    public static Extent OfConversation(string conversation) => new([], conversation);

    public bool IsCustomer => Subjects.Count > 0;

    /// <param name="subject">Of the conversation's key.</param>
    public bool Covers(string conversation, Digest subject) => IsCustomer ? Subjects.Contains(subject) : Conversation is null || Conversation == conversation;

    /// <summary>Whatever version of the index key the extent knew when it was named.</summary>
    public bool Covers(Conversation conversation) => conversation.Subjects.Append(conversation.Subject).Any(subject => Covers(conversation.Key.Conversation, subject));

    /// <summary>As administrative records name it.</summary>
    public string Resource(string tenant) => $"tenants/{tenant}{(IsCustomer ? $"/customers/{Subjects[^1]}" : Conversation is { } name ? $"/conversations/{name}" : "")}";

    public bool Equals(Extent? other) => other is not null && Conversation == other.Conversation && Subjects.SequenceEqual(other.Subjects);

    public override int GetHashCode() => HashCode.Combine(Conversation, Subjects.Count);

    internal ByteWriter Encode(ByteWriter writer) => writer
        .List(Subjects, (list, subject) => list.Digest(subject))
        .Optional(Conversation, (optional, name) => optional.String(name));

    internal static Extent Decode(ref ByteReader reader) => new(
        reader.List((ref ByteReader subject) => subject.Digest()), reader.Present() ? reader.String() : null);
}
