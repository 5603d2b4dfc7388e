namespace R1Grains.Ledger;

/// <summary>Names a document. The parts are compared byte by byte.</summary>
/// <param name="Kind">E.g. <c>role-binding</c>: those who follow a kind read all documents of it.</param>
public readonly record struct DocumentKey(string Tenant, string Kind, string Id)
{
    public override string ToString() => $"{Kind} '{Id}' of tenant '{Tenant}'";
}

/// <summary>Something that is set, as it is now.</summary>
/// <param name="Version">Raised by every change and never used again, not even after a removal: the etag.</param>
/// <param name="Change">The change of the registry that made it so.</param>
/// <param name="Content">Null where it was removed, which only followers see.</param>
public sealed record Document(DocumentKey Key, long Version, long Change, byte[]? Content);

/// <param name="ExpectedVersion">Of what is there; 0 where there is none.</param>
/// <param name="Content">Null removes it.</param>
public sealed record DocumentChange(string Kind, string Id, long ExpectedVersion, byte[]? Content);

/// <summary>Somebody else changed the document first. Nothing was written: read it again.</summary>
/// <param name="found">0 where there is none.</param>
public sealed class DocumentConflictException(DocumentKey key, long expected, long found)
    : Exception($"The {key} {(found == 0 ? "does not exist" : $"has version {found}")}; version {expected} was expected.")
{
    public DocumentKey Key { get; } = key;

    public long Expected { get; } = expected;

    public long Found { get; } = found;
}
