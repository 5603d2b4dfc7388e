using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Retention;

/// <summary>Keeps what it covers from being erased, whoever asks and however old it is, until it is released.</summary>
public sealed record LegalHold(string Tenant, string Id, Extent Extent, string Why, string PlacedBy, DateTimeOffset PlacedAt)
{
    /// <summary>Of the documents of holds in force.</summary>
    public const string Kind = "legal-hold";

    /// <summary>Of the documents of those that were released.</summary>
    public const string Released = "legal-hold-released";

    private const byte Format = 2;

    /// <summary>Names of the erasures that were destroying some of it already when it was placed: that alone it does not keep.</summary>
    public IReadOnlyList<string> TooLateFor { get; init; } = [];

    /// <summary>Null while it is in force.</summary>
    public HoldRelease? Release { get; init; }

    public string Name => $"tenants/{Tenant}/legalHolds/{Id}";

    internal byte[] Encode() => Extent.Encode(new ByteWriter().Byte(Format))
        .String(Why)
        .String(PlacedBy)
        .Time(PlacedAt)
        .List(TooLateFor, (writer, erasure) => writer.String(erasure))
        .Optional(Release, (writer, release) => writer.String(release.By).Time(release.At).String(release.Why))
        .ToArray();

    /// <exception cref="InvalidDataException"/>
    internal static LegalHold Decode(Document document)
    {
        var reader = new ByteReader(document.Content!);
        if (reader.Byte() is var format and not Format)
            throw new InvalidDataException($"a legal hold's format is {format}");
        var hold = new LegalHold(document.Key.Tenant, document.Key.Id, Extent.Decode(ref reader), reader.String(), reader.String(), reader.Time())
        {
            TooLateFor = reader.List((ref ByteReader erasure) => erasure.String()),
            Release = reader.Present() ? new(reader.String(), reader.Time(), reader.String()) : null,
        };
        reader.End();
        return hold;
    }
}

public sealed record HoldRelease(string By, DateTimeOffset At, string Why);
