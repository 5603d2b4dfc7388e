namespace R1Grains.Ledger;

/// <summary>
/// By which logins a process comes to a record in PostgreSQL: connection strings as Npgsql reads them, each of a login that has
/// been granted the roles of what it is for. One is enough where it has been granted all.
/// </summary>
/// <param name="writer">Adds to the record; several hosts are tried for the primary among them.</param>
public sealed class PostgresLogins(string writer)
{
    public string Writer { get; } = writer;

    /// <summary>Reads what belongs to one tenant.</summary>
    public string Reader { get; init; } = writer;

    /// <summary>Keeps the search index.</summary>
    public string Indexer { get; init; } = writer;

    /// <summary>Makes the tables where they are missing, and raises those of an older version.</summary>
    public string Owner { get; init; } = writer;

    public static implicit operator PostgresLogins(string all) => FromString(all);

    public static PostgresLogins FromString(string all) => new(all);
}
