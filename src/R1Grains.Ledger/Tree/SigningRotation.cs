using System.Globalization;
using System.Text;
using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Tree;

/// <summary>
/// That another key signs the record from now on: a note that the key before and the one that follows have both signed, so
/// that who has either of them comes to the other. When every process had gone over, a second note, signed by the one that
/// follows, ends the one before: beyond what the trees were then it signs nothing.
/// </summary>
/// <param name="Version">Of the key that follows; that of the first one is 1.</param>
/// <param name="Note">Signed by both keys.</param>
/// <param name="Before">The key before, as SubjectPublicKeyInfo.</param>
/// <param name="After">The key that follows.</param>
/// <param name="End">Null while not every process is known to have gone over.</param>
public sealed record SigningRotation(int Version, string Note, byte[] Before, byte[] After, SigningEnd? End)
{
    /// <summary>Of the first rotation.</summary>
    public const int FirstVersion = 2;

    /// <summary>Of the documents, whose ids are versions; they are of the cluster.</summary>
    public const string Kind = "signing-key";

    private const byte Format = 1;
    private const string EndKind = "signing-key-end";

    /// <summary>Of the document.</summary>
    public string Id => IdOf(Version);

    public static string IdOf(int version) => version.ToString(CultureInfo.InvariantCulture);

    /// <summary>In the order of their versions.</summary>
    /// <param name="documents">All of the cluster.</param>
    /// <exception cref="InvalidDataException">One cannot be followed.</exception>
    public static IReadOnlyList<SigningRotation> Of(IEnumerable<Document> documents) =>
        [.. documents.Select(document => Of(document.Key.Id, document.Content!)).OrderBy(rotation => rotation.Version)];

    /// <param name="origin">Of the cluster's tree.</param>
    internal static SigningRotation Sign(string origin, int version, NoteSigner before, NoteSigner after, DateTimeOffset time)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{origin}\n{Kind}\n{version}\n{Convert.ToBase64String(before.PublicKey)}\n{Convert.ToBase64String(after.PublicKey)}\n{Microseconds.Of(time)}\n");
        return new(version, new SignedNote(text, [before.Sign(text, origin), after.Sign(text, origin)]).ToString(), before.PublicKey, after.PublicKey, null);
    }

    /// <param name="sizes">By origin, what every tree has.</param>
    internal SigningRotation WithEnd(string origin, NoteSigner after, DateTimeOffset time, IReadOnlyList<(string Origin, long Size)> sizes)
    {
        var end = new SigningEnd("", Microseconds.Of(time), sizes);
        return this with { End = end with { Note = after.Note(end.Text(origin, EndKind, Version), origin).ToString() } };
    }

    internal byte[] Encode() => new ByteWriter().Byte(Format).String(Note)
        .Optional(End, (writer, end) => writer.String(end.Note).Int64(end.Time).List(end.Sizes, (list, tree) => list.String(tree.Origin).Int64(tree.Size)))
        .ToArray();

    /// <exception cref="InvalidDataException">It is no rotation, or not signed as it must be.</exception>
    public static SigningRotation Of(string id, byte[] content)
    {
        try
        {
            var reader = new ByteReader(content);
            if (reader.Byte() is var format and not Format)
                throw new FormatException($"its format is {format}");
            var note = reader.String();
            var end = reader.Present() ? new SigningEnd(reader.String(), reader.Int64(), reader.List((ref ByteReader tree) => (tree.String(), tree.Int64()))) : null;
            reader.End();
            return Read(id, note, end);
        }
        catch (Exception malformed) when (malformed is FormatException or InvalidDataException)
        {
            throw new InvalidDataException($"the {Kind} '{id}' cannot be followed: {malformed.Message}", malformed);
        }
    }

    /// <summary>As its note tells it, which knows of no end.</summary>
    /// <exception cref="InvalidDataException">It is no rotation, or not signed as it must be.</exception>
    public static SigningRotation OfNote(string note)
    {
        try
        {
            return Read(SignedNote.Parse(note).Text.Split('\n') is [_, _, var version, ..] ? version : "", note, null);
        }
        catch (FormatException malformed)
        {
            throw new InvalidDataException($"a {Kind} cannot be followed: {malformed.Message}", malformed);
        }
    }

    private static SigningRotation Read(string id, string note, SigningEnd? end)
    {
        var signed = SignedNote.Parse(note);
        if (signed.Text.Split('\n') is not [{ Length: > 0 } origin, Kind, var version, var first, var second, _, ""] || version != id || !int.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            throw new FormatException("its note is not the six lines of one");
        if (!NoteSignature.TryBytes(first, out var before) || !NoteSignature.TryBytes(second, out var after))
            throw new FormatException("a key of it is not base64");
        using var keyBefore = NoteKey.FromPublicKey(before);
        using var keyAfter = NoteKey.FromPublicKey(after);
        if (!keyBefore.Signed(signed, origin) || !keyAfter.Signed(signed, origin))
            throw new FormatException("it is not signed by the key before and by the one that follows");
        if (end is not null && (SignedNote.Parse(end.Note) is var ended && (ended.Text != end.Text(origin, EndKind, number) || !keyAfter.Signed(ended, origin))))
            throw new FormatException("its end is not signed by the key that follows");
        return new(number, note, before, after, end);
    }
}

/// <param name="Time">Microseconds since 1970. Whatever the key signed was before.</param>
/// <param name="Sizes">By origin: it signed no tree that has more leaves, and none that is not here.</param>
public sealed record SigningEnd(string Note, long Time, IReadOnlyList<(string Origin, long Size)> Sizes)
{
    /// <summary>What is signed.</summary>
    internal string Text(string origin, string kind, int version)
    {
        var lines = Encoding.UTF8.GetBytes(string.Concat(Sizes.Select(tree => string.Create(CultureInfo.InvariantCulture, $"{tree.Origin} {tree.Size}\n"))));
        return string.Create(CultureInfo.InvariantCulture, $"{origin}\n{kind}\n{version}\n{Time}\n{Sizes.Count} {Convert.ToBase64String(Digest.Of(lines).ToArray())}\n");
    }
}
