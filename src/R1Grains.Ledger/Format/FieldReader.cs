using System.Text;

namespace R1Grains.Ledger.Format;

/// <summary>
/// Confidential fields on their way out, in the order of their commitments. What is withheld or erased reads as empty: an
/// empty text, a list of nothing, a hash of zeros.
/// </summary>
/// <param name="fields">A null for each that is withheld; null where all are.</param>
/// <param name="checks">Whether each field must be what its commitment says. What has been opened with its key is, unless somebody with the key forged it.</param>
internal sealed class FieldReader(IReadOnlyList<ConfidentialField?>? fields, bool checks = false)
{
    private int _next;

    public static FieldReader Withheld => new(null);

    public static FieldReader Of(ConfidentialField[] fields, bool checks = false) => new(Array.ConvertAll(fields, field => (ConfidentialField?)field), checks);

    public string Text(Digest commitment)
    {
        try
        {
            return ByteWriter.StrictUtf8.GetString(Next(commitment));
        }
        catch (DecoderFallbackException cause)
        {
            throw new InvalidDataException("a confidential text is not UTF-8", cause);
        }
    }

    public int[] TokenIds(Digest commitment) => Format.TokenIds.Decode(Next(commitment));

    public Digest Hash(Digest commitment) => Next(commitment) switch
    {
        [] => default,
        { Length: Digest.Length } bytes => new(bytes),
        var other => throw new InvalidDataException($"a confidential hash has {other.Length} bytes"),
    };

    public T[] List<T>(Digest commitment, ByteReader.Read<T> read)
    {
        var bytes = Next(commitment);
        if (bytes.IsEmpty)
            return [];
        var reader = new ByteReader(bytes);
        var items = reader.List(read);
        reader.End();
        return items;
    }

    /// <exception cref="InvalidDataException">There are more fields than commitments.</exception>
    public void End()
    {
        if (fields is not null && _next < fields.Count)
            throw new InvalidDataException($"{fields.Count - _next} confidential fields too many");
    }

    private ReadOnlySpan<byte> Next(Digest commitment)
    {
        if (fields is null)
            return [];
        if (_next == fields.Count)
            throw new InvalidDataException($"confidential field {_next} is missing");
        var field = fields[_next++];
        if (checks && field is { } given && given.Commitment != commitment)
            throw new InvalidDataException($"confidential field {_next - 1} is not the one that is committed to");
        return field?.Bytes;
    }
}
