namespace R1Grains.Ledger.Postgres;

/// <summary>What a connection is for. In the database each is a role named after it, with the rights that it needs and no others.</summary>
internal enum RecordRole
{
    /// <summary>Makes the tables.</summary>
    Owner,

    /// <summary>Adds to them, for all tenants.</summary>
    Writer,

    /// <summary>Reads what one tenant has.</summary>
    Reader,

    /// <summary>Reads everything.</summary>
    Verifier,

    /// <summary>Keeps the search index, for one tenant at a time.</summary>
    Indexer,
}
