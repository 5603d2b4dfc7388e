using System.Buffers;

namespace R1Grains.Ledger.Search;

/// <summary>What the index knows of a turn.</summary>
/// <param name="Leaf">Of its end in the tenant's tree.</param>
/// <param name="Time">Of its end, in microseconds.</param>
/// <param name="Terms">Ascending, each once.</param>
internal sealed record IndexedTurn(long Leaf, long Time, uint[] Terms)
{
    public static IndexedTurn Of(ClosedTurn turn, IEnumerable<uint> terms) => new(turn.Leaf, Format.Microseconds.Of(turn.Closed.Time), [.. terms.Distinct().Order()]);

    /// <summary>As rows of turns that are in no segment yet keep them.</summary>
    public byte[] EncodeTerms()
    {
        var bytes = new ArrayBufferWriter<byte>(2 * Terms.Length);
        var before = 0u;
        foreach (var term in Terms)
        {
            bytes.Write(term - before);
            before = term;
        }
        return bytes.WrittenSpan.ToArray();
    }

    public static uint[] DecodeTerms(ReadOnlySpan<byte> bytes)
    {
        var terms = new List<uint>(bytes.Length / 2);
        var before = 0u;
        for (var at = 0; at < bytes.Length;)
            terms.Add(before += (uint)Varints.Read(bytes, ref at));
        return [.. terms];
    }
}
