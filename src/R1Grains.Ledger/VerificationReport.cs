using System.Text;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger;

/// <param name="Entries">Ledger entries whose hash was recomputed.</param>
/// <param name="Bad">Contradictions found. A conversation is left at its first.</param>
/// <param name="FirstBad">Null when everything agrees.</param>
public sealed record VerificationReport(
    long Conversations,
    long Turns,
    long OpenTurns,
    long Entries,
    long Pieces,
    long Bad,
    BadRecord? FirstBad)
{
    /// <summary>Conversations whose words cannot be read by anybody any more; 0 where no data keys were given.</summary>
    public long Erased { get; init; }

    /// <summary>Whose hash was recomputed, of all tenants.</summary>
    public long AdministrativeRecords { get; init; }

    public bool Valid => FirstBad is null;

    /// <summary>That are no longer kept, with their month, and of which the trees have the hash.</summary>
    public long RetiredEntries { get; init; }

    /// <summary>Of all tenants' trees.</summary>
    public long Leaves { get; init; }

    public long Checkpoints { get; init; }

    /// <summary>Of the tenant of whom alone something was looked at; null where that is all of them, or where the tree is at fault.</summary>
    public VerifiedTree? Tree { get; init; }

    /// <summary>Ids of the keys that may sign: those given, and those to which rotations led; none where signatures were not looked at.</summary>
    public IReadOnlyList<uint> Signers { get; init; } = [];
}

/// <summary>Where the record contradicts itself; null where a level does not apply: what has a tenant and no conversation is of the tenant's administrative chain, or of its tree.</summary>
/// <param name="Index">Position in the conversation's chain.</param>
/// <param name="Piece">Number of the piece within the turn.</param>
public sealed record BadRecord(string? Tenant, string? Conversation, long? Index, int? Turn, int? Piece, string Reason)
{
    /// <summary>Of what is told of a contradiction, in characters.</summary>
    private const int TextMax = 1_000;

    public string? Conversation { get; init; } = Conversation is null ? null : Readable(Conversation);

    public string Reason { get; init; } = Readable(Reason);

    /// <summary>Whether it is the tenant's tree that contradicts itself, or what it is built over.</summary>
    public bool InTree { get; init; }

    /// <summary>Number of the leaf within the tree, from 0.</summary>
    public long? Leaf { get; init; }

    public override string ToString() => $"{Place}: {Reason}";

    /// <summary>In words.</summary>
    public string Place
    {
        get
        {
            var place = Tenant is null ? "record" : $"tenants/{Tenant}{(Conversation is { } name ? $"/conversations/{name}" : InTree ? " tree" : "/administration")}";
            if (Leaf is not null)
                place += $" leaf {Leaf}";
            if (Turn is not null)
                place += $"/turns/{Turn}";
            if (Piece is not null)
                place += $" piece {Piece}";
            if (Index is not null)
                place += $" (entry {Index})";
            return place;
        }
    }

    /// <summary>What stands in a row that was tampered with may be of any length, and no text at all; it is recorded and sent like any other.</summary>
    private static string Readable(string text)
    {
        var readable = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (readable.Length >= TextMax)
                return readable.Append('…').ToString();
            readable.Append(Rune.IsControl(rune) ? Rune.ReplacementChar : rune);
        }
        return readable.ToString();
    }
}

/// <summary>The tree that a walk of one tenant ended with.</summary>
/// <param name="Size">Leaves that were compared.</param>
/// <param name="Checkpoint">The last that was signed of them, of as many or a few less; null where none is.</param>
public sealed record VerifiedTree(long Size, Digest Root, SignedNote? Checkpoint);

/// <summary>How far a walk is. Each record is one leaf, so that there are as many of the one as of the other.</summary>
/// <param name="Records">Looked at, those that are no longer kept among them.</param>
/// <param name="Leaves">Compared with what they stand for.</param>
/// <param name="Total">Leaves when the walk began, or what it found since.</param>
public sealed record VerificationProgress(long Records, long Leaves, long Total);
