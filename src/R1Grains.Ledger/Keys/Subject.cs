namespace R1Grains.Ledger.Keys;

/// <remarks>The numbers are part of the record's format.</remarks>
public enum SubjectKind
{
    Customer = 1,

    /// <summary>A conversation of which nobody said whose it is.</summary>
    Conversation = 2,
}

/// <summary>
/// Whose words a conversation holds, without telling who that is: HMAC-SHA256, under an index key of the tenant, of the
/// customer's id, or of the conversation's where there is no customer.
/// </summary>
/// <param name="Version">Of the index key.</param>
public readonly record struct Subject(SubjectKind Kind, int Version, Digest Hash);
