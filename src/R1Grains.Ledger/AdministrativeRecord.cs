namespace R1Grains.Ledger;

/// <summary>Who did or tried what beside the conversations, in a tenant or in the cluster itself.</summary>
public sealed record AdministrativeRecord
{
    /// <summary>Or <see cref="IRegistry.Cluster"/>.</summary>
    public required string Tenant { get; init; }

    /// <summary>Kept in UTC, in whole microseconds, as every time in the record.</summary>
    public required DateTimeOffset Time { get; init; }

    public required string Actor { get; init; }

    /// <summary>Dotted words, e.g. <c>lexicon.publish</c>.</summary>
    public required string Action { get; init; }

    /// <summary>The name of what it was about.</summary>
    public required string Resource { get; init; }

    /// <summary>Why, in the actor's words.</summary>
    public string Purpose { get; init; } = "";

    /// <summary>Kept in this order. Nothing of what customers said belongs here.</summary>
    public IReadOnlyList<Label> Details { get; init; } = [];

    /// <summary>What was changed with it. The registry fills it in.</summary>
    public IReadOnlyList<DocumentMark> Documents { get; init; } = [];
}

/// <summary>Commits a record to a document's state.</summary>
/// <param name="Version">After the change.</param>
/// <param name="Hash">SHA-256 over the content; null where it was removed.</param>
public sealed record DocumentMark(string Kind, string Id, long Version, Digest? Hash);

/// <summary>An administrative record in its tenant's chain.</summary>
/// <param name="Index">Position in the chain, from 0.</param>
/// <param name="Leaf">Commits to the record and to all before it.</param>
public sealed record AdministrativeEntry(long Index, AdministrativeRecord Record, Digest Leaf);
