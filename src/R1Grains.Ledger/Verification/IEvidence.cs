using System.Data.Common;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger.Verification;

/// <summary>A record's rows as a verifier reads them. Every reader is read to its end or disposed of before the next of its kind.</summary>
internal interface IEvidence : IDisposable
{
    const string HeadQuery = $"SELECT id, tenant, name, caller, request_id, {HeadRow.Columns} FROM conversation_head WHERE id > $1 ORDER BY id LIMIT 1";

    const string EntriesQuery = """
        SELECT idx, format, kind, turn, epoch, time, hash, payload, request_id, prompt, piece_count, pieces_hash
        FROM entry WHERE conversation_id = $1 ORDER BY idx
        """;

    const string PiecesQuery = """
        SELECT turn, number, epoch, time, token_ids, text, resume_points, hash
        FROM piece WHERE conversation_id = $1 ORDER BY turn, number
        """;

    const string AdministrationQuery = "SELECT tenant, next_index, last_hash FROM administration WHERE tenant > $1 ORDER BY tenant LIMIT 1";

    const string AdministrativeRecordsQuery = "SELECT idx, format, time, hash, payload FROM administrative_record WHERE tenant = $1 ORDER BY idx";

    const string DocumentsQuery = "SELECT kind, id, version, content FROM document WHERE tenant = $1 ORDER BY kind, id";

    /// <summary>False for a record from before there was one.</summary>
    bool HoldsRegistry { get; }

    /// <summary>Until <see cref="End"/>, everything is read as it is at one moment.</summary>
    void Begin();

    void End();

    /// <summary>The head of the first conversation with a greater number, if there is one.</summary>
    DbDataReader Head(long after);

    DbDataReader Entries(long conversation);

    DbDataReader Pieces(long conversation);

    /// <summary>The end of the administrative chain of the first tenant with a greater name, if there is one.</summary>
    DbDataReader Administration(string after);

    DbDataReader AdministrativeRecords(string tenant);

    DbDataReader Documents(string tenant);

    /// <summary>A tenant of which a row of this table speaks, and no chain's end.</summary>
    string? FindStrayTenant(string table);

    /// <summary>Of the conversation created last, as the store itself keeps count.</summary>
    long LastNumber();

    /// <summary>A conversation number of which a row of this table speaks, and no head.</summary>
    long? FindStray(string table);

    /// <summary>Whether the store says by it that its bytes are not what they must be.</summary>
    bool IsDamage(Exception failure);
}
