using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Exports;

/// <remarks>The numbers are part of the document's format.</remarks>
public enum ExportState
{
    /// <summary>Its turns are looked for.</summary>
    Selecting = 1,

    /// <summary>It can be downloaded.</summary>
    Ready = 2,
    Cancelled = 3,
    Failed = 4,
}

/// <summary>An export that somebody asked for, and how far it is. It holds no words: those are read while it is downloaded.</summary>
public sealed record Export
{
    public const string Kind = "export";

    /// <summary>How long it can be downloaded, and is known.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromDays(7);

    private const byte Format = 1;

    public required string Tenant { get; init; }

    public required string Id { get; init; }

    /// <summary>Of its document; 0 before there is one.</summary>
    public long Version { get; init; }

    public required ExportState State { get; init; }

    public required ExportAsked Asked { get; init; }

    /// <summary>Also of customers whose words are about to be erased.</summary>
    public required bool WithRestricted { get; init; }

    /// <summary>Leaves of the tenant's tree when it was asked for: what is looked for must have been seen so far.</summary>
    public required long Leaves { get; init; }

    /// <summary>Where the looking goes on; what it means, only who looks knows.</summary>
    public string Cursor { get; init; } = "";

    /// <summary>Documents of the selection.</summary>
    public int Pages { get; init; }

    public long Turns { get; init; }

    /// <summary>Why it failed, for who asked.</summary>
    public string? Failure { get; init; }

    /// <summary>A signed note, once it is ready: what everything is proved against.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>In PEM, once it is ready.</summary>
    public string? Key { get; init; }

    public string Name => NameOf(Tenant, Id);

    public DateTimeOffset Expires => Asked.At + Kept;

    public static string NameOf(string tenant, string id) => $"tenants/{tenant}/exports/{id}";

    internal byte[] Encode() => new ByteWriter()
        .Byte(Format)
        .Byte((byte)State)
        .String(Asked.By)
        .Time(Asked.At)
        .String(Asked.Purpose)
        .String(Asked.View)
        .List(Asked.Filter, (writer, condition) => writer.String(condition.Name).String(condition.Value))
        .Byte((byte)(WithRestricted ? 1 : 0))
        .Int64(Leaves)
        .String(Cursor)
        .Int32(Pages)
        .Int64(Turns)
        .Optional(Failure, (writer, failure) => writer.String(failure))
        .Optional(Checkpoint, (writer, note) => writer.String(note))
        .Optional(Key, (writer, key) => writer.String(key))
        .ToArray();

    /// <summary>As a follower of <see cref="Kind"/> sees it; null where it is not known any more.</summary>
    public static Export? Of(Document document) => document.Content is null ? null : Decode(document);

    /// <exception cref="InvalidDataException"/>
    internal static Export Decode(Document document)
    {
        var reader = new ByteReader(document.Content!);
        if (reader.Byte() is var format and not Format)
            throw new InvalidDataException($"an export's format is {format}");
        var export = new Export
        {
            Tenant = document.Key.Tenant,
            Id = document.Key.Id,
            Version = document.Version,
            State = (ExportState)reader.Byte(),
            Asked = new(reader.String(), reader.Time(), reader.String(), reader.String(), reader.List((ref ByteReader condition) => new ExportCondition(condition.String(), condition.String()))),
            WithRestricted = reader.Present(),
            Leaves = reader.Int64(),
            Cursor = reader.String(),
            Pages = reader.Int32(),
            Turns = reader.Int64(),
            Failure = reader.Present() ? reader.String() : null,
            Checkpoint = reader.Present() ? reader.String() : null,
            Key = reader.Present() ? reader.String() : null,
        };
        reader.End();
        return export;
    }
}

/// <summary>Some of the turns that an export holds, found one after the other.</summary>
/// <param name="Turns">Each with where the looking goes on after it.</param>
/// <param name="Next">Where it goes on after all of them; null where there are no more.</param>
public sealed record FoundTurns(IReadOnlyList<(ClosedTurn Turn, string After)> Turns, string? Next);
