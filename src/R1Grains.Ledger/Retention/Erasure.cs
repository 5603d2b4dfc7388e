using R1Grains.Ledger.Format;
using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Retention;

/// <remarks>The numbers are part of the document's format.</remarks>
public enum ErasureState
{
    /// <summary>Approved: nothing more is said, and few may read. It waits until nothing runs any more, and for what forbids it.</summary>
    Restricted = 1,

    /// <summary>The keys are being destroyed. There is no way back.</summary>
    Destroying = 2,

    Erased = 3,
}

/// <remarks>The numbers are part of the document's format.</remarks>
public enum ErasureOrigin
{
    /// <summary>Two people wanted it.</summary>
    Request = 1,

    /// <summary>What it destroys is past its time.</summary>
    Retention = 2,
}

/// <summary>A conversation of those that are erased, and the key under which its words lie.</summary>
public readonly record struct ErasedPart(string Conversation, DataKeyId Key);

/// <summary>An erasure from its approval on: what is to be destroyed, and how far that is.</summary>
public sealed record Erasure
{
    /// <summary>Of the documents of those that are under way.</summary>
    public const string Kind = "erasure";

    /// <summary>Of the documents of those that are done.</summary>
    public const string Done = "erasure-done";

    private const byte Format = 1;

    public required string Tenant { get; init; }

    public required string Id { get; init; }

    /// <summary>Of its document; 0 before there is one.</summary>
    public long Version { get; init; }

    public required ErasureOrigin Origin { get; init; }

    public required ErasureState State { get; init; }

    /// <summary>Whose; of what is past its time, the tenant's.</summary>
    public required Extent Extent { get; init; }

    public required string Requester { get; init; }

    public required DateTimeOffset Requested { get; init; }

    public required string Approver { get; init; }

    public required DateTimeOffset Approved { get; init; }

    /// <summary>Empty while it is restricted.</summary>
    public IReadOnlyList<ErasedPart> Parts { get; init; } = [];

    /// <summary>Of all parts.</summary>
    public long Turns { get; init; }

    /// <summary>Names of the exports that held any of it: nobody but who has them can destroy those.</summary>
    public IReadOnlyList<string> Exports { get; init; } = [];

    public DateTimeOffset? Erased { get; init; }

    /// <summary>A signed note over an <see cref="ErasureCertificate"/>, once it is done.</summary>
    public string? Certificate { get; init; }

    public string Name => NameOf(Tenant, Id);

    /// <summary>Each once, in the order of their names.</summary>
    public IReadOnlyList<DataKeyId> Keys => [.. Parts.Select(part => part.Key).Distinct().OrderBy(key => key.ToString(), StringComparer.Ordinal)];

    public static string NameOf(string tenant, string id) => $"tenants/{tenant}/erasures/{id}";

    internal byte[] Encode() => Extent.Encode(new ByteWriter().Byte(Format).Byte((byte)Origin).Byte((byte)State))
        .String(Requester)
        .Time(Requested)
        .String(Approver)
        .Time(Approved)
        .List(Parts, (writer, part) => writer.String(part.Conversation).Key(part.Key))
        .Int64(Turns)
        .List(Exports, (writer, export) => writer.String(export))
        .Optional(Erased, (writer, time) => writer.Time(time))
        .Optional(Certificate, (writer, note) => writer.String(note))
        .ToArray();

    /// <exception cref="InvalidDataException"/>
    internal static Erasure Decode(Document document)
    {
        var reader = new ByteReader(document.Content!);
        if (reader.Byte() is var format and not Format)
            throw new InvalidDataException($"an erasure's format is {format}");
        var erasure = new Erasure
        {
            Tenant = document.Key.Tenant,
            Id = document.Key.Id,
            Version = document.Version,
            Origin = (ErasureOrigin)reader.Byte(),
            State = (ErasureState)reader.Byte(),
            Extent = Extent.Decode(ref reader),
            Requester = reader.String(),
            Requested = reader.Time(),
            Approver = reader.String(),
            Approved = reader.Time(),
            Parts = reader.List((ref ByteReader part) => new ErasedPart(part.String(), part.Key())),
            Turns = reader.Int64(),
            Exports = reader.List((ref ByteReader export) => export.String()),
            Erased = reader.Present() ? reader.Time() : null,
            Certificate = reader.Present() ? reader.String() : null,
        };
        reader.End();
        return erasure;
    }

    /// <summary>As a follower of <see cref="Kind"/> sees it; null where it is not under way any more.</summary>
    public static Erasure? Of(Document document) => document.Content is null ? null : Decode(document);
}
