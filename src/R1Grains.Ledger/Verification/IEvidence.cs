using System.Data.Common;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Verification;

/// <summary>
/// A record's rows as a verifier reads them: those of all tenants, or as if there were no other tenant than one. Every reader is
/// read to its end or disposed of before the next of its kind.
/// </summary>
internal interface IEvidence : IDisposable
{
    const string HeadColumns = $"id, tenant, name, caller, request_id, data_key, customer, {HeadRow.Columns}";

    const string EntryColumns = "idx, format, kind, turn, epoch, time, hash, skeleton, sealed, request_id, prompt, piece_count, pieces_hash, receipt";

    const string PieceColumns = "turn, number, epoch, time, skeleton, sealed, hash";

    const string AdministrationQuery = "SELECT tenant, next_index, last_hash FROM administration WHERE tenant > $1 ORDER BY tenant LIMIT 1";

    const string AdministrationOfQuery = "SELECT tenant, next_index, last_hash FROM administration WHERE tenant = $1";

    const string AdministrativeRecordsQuery = "SELECT idx, format, time, hash, payload FROM administrative_record WHERE tenant = $1 AND idx >= $2 ORDER BY idx LIMIT $3";

    const string DocumentsQuery = "SELECT kind, id, version, content FROM document WHERE tenant = $1 ORDER BY kind, id";

    const string TreeQuery = "SELECT id, tenant, origin, size, edge FROM tree WHERE id > $1 ORDER BY id LIMIT 1";

    /// <summary>With the hash and the tenant of what each leaf stands for.</summary>
    const string LeavesQuery = """
        SELECT l.number, l.kind, l.owner, l.idx, coalesce(e.hash, r.hash), coalesce(h.tenant, r.tenant)
        FROM leaf l
        JOIN tree t ON t.id = l.tree
        LEFT JOIN entry e ON l.kind = 1 AND e.conversation_id = l.owner AND e.idx = l.idx
        LEFT JOIN conversation_head h ON h.id = e.conversation_id
        LEFT JOIN administrative_record r ON l.kind = 2 AND l.owner = 0 AND r.tenant = t.tenant AND r.idx = l.idx
        WHERE l.tree = $1 AND l.number >= $2 AND l.number < $3 ORDER BY l.number
        """;

    /// <summary>Where the entries of a conversation stand in the tree, and with which hash.</summary>
    const string PlacesQuery = """
        SELECT l.idx, l.number, substr(x.hashes, CAST(1 + 32 * (l.number % 256) AS INTEGER), 32)
        FROM conversation_head h
        JOIN tree t ON t.tenant = h.tenant
        JOIN leaf l ON l.tree = t.id AND l.kind = 1 AND l.owner = h.id
        JOIN tile x ON x.tree = l.tree AND x.level = 0 AND x.number = l.number / 256
        WHERE h.id = $1 ORDER BY l.idx
        """;

    const string RetiredMonthsQuery = $"SELECT kind, id, content FROM document WHERE tenant = '{IRegistry.Cluster}' AND kind IN ('{RetiredMonth.Kind}', '{RetiredMonth.PiecesKind}') AND content IS NOT NULL";

    const string SigningKeysQuery = $"SELECT id, content FROM document WHERE tenant = '{IRegistry.Cluster}' AND kind = '{SigningRotation.Kind}' AND content IS NOT NULL";

    const string LeafTilesQuery = "SELECT level, number, hashes FROM tile WHERE tree = $1 AND level = 0 AND number >= $2 AND number < $3 ORDER BY number";

    const string UpperTilesQuery = "SELECT level, number, hashes FROM tile WHERE tree = $1 AND level <> 0 ORDER BY level, number";

    const string CheckpointsQuery = "SELECT size, note FROM checkpoint WHERE tree = $1 AND size > $2 AND size <= $3 ORDER BY size";

    const string LeafCountQuery = "SELECT CAST(coalesce(sum(size), 0) AS bigint) FROM tree";

    /// <summary>Whose rows alone there are; null for those of all tenants.</summary>
    string? Tenant { get; }

    /// <summary>Until <see cref="End"/>, everything is read as it is at one moment.</summary>
    void Begin();

    void End();

    /// <summary>The tables whose rows name the number of a conversation.</summary>
    IReadOnlyList<string> TablesOfConversations { get; }

    /// <summary>
    /// The head of the first conversation with a greater number, if there is one: <see cref="HeadColumns"/>, and what
    /// contradicts it in what the store keeps beside it, else null. So it is with entries and pieces.
    /// </summary>
    DbDataReader Head(long after);

    /// <summary>In the order of the chain: <see cref="EntryColumns"/>.</summary>
    DbDataReader Entries(long conversation);

    /// <summary>In the order of turns and numbers: <see cref="PieceColumns"/>.</summary>
    DbDataReader Pieces(long conversation);

    /// <summary>The end of the administrative chain of the first tenant with a greater name, if there is one.</summary>
    DbDataReader Administration(string after);

    DbDataReader AdministrationOf(string tenant);

    /// <param name="first">Index of the first.</param>
    DbDataReader AdministrativeRecords(string tenant, long first, int limit);

    DbDataReader Documents(string tenant);

    /// <summary>A tenant of which a row of this table speaks, and no chain's end.</summary>
    string? FindStrayTenant(string table);

    /// <summary>The first tree with a greater number, if there is one.</summary>
    DbDataReader Tree(long after);

    /// <summary>Not beside <see cref="Entries"/>.</summary>
    DbDataReader Places(long conversation);

    /// <summary>Reads what is the cluster's own and concerns every tenant: <see cref="RetiredMonths"/> and <see cref="SigningKeys"/> come from nowhere else.</summary>
    T OfCluster<T>(Func<T> read);

    /// <summary>The documents about what is no longer kept: kind, id, content.</summary>
    DbDataReader RetiredMonths();

    /// <summary>The documents about keys that sign in the place of others: id, content.</summary>
    DbDataReader SigningKeys();

    /// <summary>Those of the leaves.</summary>
    DbDataReader LeafTiles(long tree, long first, long end);

    DbDataReader UpperTiles(long tree);

    /// <summary>May be read beside <see cref="LeafTiles"/>.</summary>
    DbDataReader Leaves(long tree, long first, long end);

    /// <param name="after">Only those of more leaves,</param>
    /// <param name="last">and of no more than these.</param>
    DbDataReader Checkpoints(long tree, long after, long last);

    /// <summary>Of all trees.</summary>
    long CountLeaves();

    /// <summary>What stands in no tree, though all that was written with it has been put there: of conversations with these numbers.</summary>
    (string Tenant, string What)? FindEntryOutsideTrees(long after, long last);

    /// <inheritdoc cref="FindEntryOutsideTrees"/>
    (string Tenant, string What)? FindRecordOutsideTrees();

    /// <summary>Of the conversation created last, as the store itself keeps count, of all tenants together.</summary>
    long LastNumber();

    /// <summary>A conversation number of which a row of this table speaks, and no head.</summary>
    long? FindStray(string table);

    /// <summary>Whether the store says by it that its bytes are not what they must be.</summary>
    bool IsDamage(Exception failure);
}
