using System.Globalization;
using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Keys;

/// <summary>Another version of a key that somebody wants: under way, or in force.</summary>
/// <param name="Version">That it makes.</param>
/// <param name="Requester">Who asked for it.</param>
/// <param name="RequestId">Of the request, which may be sent twice.</param>
public sealed record KeyRotation(string Tenant, KeyKind Kind, int Version, string Requester, string RequestId, DateTimeOffset Requested)
{
    /// <summary>Of the documents.</summary>
    public const string Document = "key-rotation";

    private const byte Format = 2;

    /// <summary>When everything was done; null while it is under way.</summary>
    public DateTimeOffset? Done { get; init; }

    /// <summary>Of the root key that is to wrap, by <see cref="RootKey.Id"/>; 0 for other kinds.</summary>
    public uint Root { get; init; }

    /// <summary>Keys that were wrapped anew since it was last taken up.</summary>
    public long Wrapped { get; init; }

    /// <summary>Of the document.</summary>
    public long Edition { get; init; }

    public string Id => IdOf(Kind, Version);

    public static string IdOf(KeyKind kind, int version) => string.Create(CultureInfo.InvariantCulture, $"{NameOf(kind)}-{version}");

    /// <summary>As records and commands name it.</summary>
#pragma warning disable CA1308 // Not to compare, but as people write it.
    public static string NameOf(KeyKind kind) => kind.ToString().ToLowerInvariant();
#pragma warning restore CA1308

    internal byte[] Encode() => new ByteWriter().Byte(Format).Byte((byte)Kind).Int32(Version).String(Requester).String(RequestId).Time(Requested)
        .Int64(Root).Int64(Wrapped).Optional(Done, (writer, done) => writer.Time(done)).ToArray();

    /// <exception cref="InvalidDataException"/>
    public static KeyRotation Of(Document document)
    {
        var reader = new ByteReader(document.Content!);
        if (reader.Byte() is var format and not Format)
            throw new InvalidDataException($"a key rotation's format is {format}");
        var rotation = new KeyRotation(document.Key.Tenant, (KeyKind)reader.Byte(), reader.Int32(), reader.String(), reader.String(), reader.Time())
        {
            Root = (uint)reader.Int64(),
            Wrapped = reader.Int64(),
            Done = reader.Present() ? reader.Time() : null,
            Edition = document.Version,
        };
        reader.End();
        return rotation;
    }
}
