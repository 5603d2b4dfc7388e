using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace R1Grains.Compliance;

/// <summary>What is done about a hit, the gravest last.</summary>
public enum LexiconAction
{
    /// <summary>Nothing, and nothing about any hit within it either: the white list.</summary>
    Allow,
    /// <summary>Its characters are covered.</summary>
    Mask,
    /// <summary>Everything from here on waits for a person.</summary>
    Review,
    /// <summary>Everything that has not been released is replaced, and the turn ends.</summary>
    Replace,
    /// <summary>The turn ends here.</summary>
    Block,
}

[Flags]
public enum LexiconScope
{
    Input = 1,
    Output = 2,
    Both = Input | Output,
}

/// <summary>Whom, where and when an entry concerns, and what is done about it.</summary>
/// <param name="Level">1 to 9, the gravest last; for those who sort.</param>
/// <param name="Tenant">Null for every tenant.</param>
/// <param name="From">The first day; null for always.</param>
/// <param name="Until">The last day; null for ever.</param>
[GenerateSerializer, Immutable, Alias("r1.LexiconRule")]
public sealed record LexiconRule(
    [property: Id(0)] string Category,
    [property: Id(1)] int Level,
    [property: Id(2)] LexiconAction Action,
    [property: Id(3)] LexiconScope Scope = LexiconScope.Both,
    [property: Id(4)] string? Tenant = null,
    [property: Id(5)] DateOnly? From = null,
    [property: Id(6)] DateOnly? Until = null)
{
    public bool Concerns(LexiconScope scope, string? tenant, DateOnly day) =>
        (Scope & scope) != 0 && (Tenant is null || Tenant == tenant) && !(day < From) && !(day > Until);

    /// <summary>All of it, to be hashed behind a text. No field can hold what parts them: control characters are dropped from texts by folding, and names have none.</summary>
    internal string Tail() => string.Create(CultureInfo.InvariantCulture, $"\u001f{Category}\u001f{Level}\u001f{Action}\u001f{Scope}\u001f{Tenant}\u001f{From:O}\u001f{Until:O}\u001e");
}

/// <param name="Text">As it is written: spaces in it are where Latin words part.</param>
[GenerateSerializer, Immutable, Alias("r1.LexiconEntry")]
public sealed record LexiconEntry([property: Id(0)] string Text, [property: Id(1)] LexiconRule Rule)
{
    /// <summary>The first eight bytes of SHA-256 over text and rule: names the entry where its text may not stand.</summary>
    public ulong Id => BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(Text + Rule.Tail())));
}
