using System.Security.Cryptography;
using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Keys;

/// <summary>A tenant's wrapping, index and search keys, open: by version, those that are not destroyed.</summary>
/// <param name="tenant">The last one wraps what is new.</param>
/// <param name="index">The last one makes the subjects of what begins, all of what is looked for.</param>
/// <param name="search">The last one makes the terms of the search index; none where nothing was searched yet.</param>
internal sealed class TenantKeys(SortedList<int, WrappingKey> tenant, SortedList<int, byte[]> index, SortedList<int, byte[]> search)
{
    public WrappingKey Current => tenant.Values[^1];

    /// <summary>In force.</summary>
    public int IndexVersion => index.Keys[^1];

    /// <summary>Of the index key, those that are not destroyed, the one in force last.</summary>
    public IEnumerable<int> IndexVersions => index.Keys;

    /// <summary>The one in force last.</summary>
    public IReadOnlyList<SearchKey> Search => [.. search.Select(key => new SearchKey(key.Key, key.Value))];

    /// <summary>Versions of the wrapping key that are not destroyed, the one in force last.</summary>
    public IEnumerable<int> Versions => tenant.Keys;

    /// <exception cref="InvalidDataException">It was wrapped by a version that is not there.</exception>
    public byte[] Unwrap(byte[] wrapped, KeyName name) => tenant.TryGetValue((int)WrappingKey.NumberOf(wrapped), out var key)
        ? key.Unwrap(wrapped, name)
        : throw new InvalidDataException($"it was wrapped by version {WrappingKey.NumberOf(wrapped)} of the tenant's key, which is not there");

    /// <summary>Ids are the same if their bytes are, but for white space around them.</summary>
    public Subject OfCustomer(string id, int version) => Of(SubjectKind.Customer, id.Trim(), version);

    public Subject OfConversation(string name, int version) => Of(SubjectKind.Conversation, name, version);

    private Subject Of(SubjectKind kind, string name, int version)
    {
        Span<byte> hash = stackalloc byte[Digest.Length];
        HMACSHA256.HashData(index[version], [(byte)kind, .. ByteWriter.StrictUtf8.GetBytes(name)], hash);
        return new(kind, version, new Digest(hash));
    }
}
