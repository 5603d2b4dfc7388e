namespace R1Grains.Ledger.Format;

/// <summary>Places of personal data as bytes: their count, then the fields of each.</summary>
internal static class PersonalItems
{
    public static ByteWriter Write(ByteWriter writer, IReadOnlyList<PersonalItem> items) => writer.List(items, (w, item) => w
        .Byte((byte)item.Place)
        .Int32(item.Start)
        .Int32(item.End)
        .String(item.Kind));

    public static PersonalItem[] Read(ref ByteReader reader) => reader.List((ref ByteReader r) => new PersonalItem(
        (HitPlace)r.Byte() is var place && Enum.IsDefined(place) ? place : throw new InvalidDataException($"a place is {place:D}"), r.Int32(), r.Int32(), r.String()));
}
