using System.Buffers;

namespace R1Grains.Ledger.Search;

/// <summary>
/// When the turns of a segment ended, in whole seconds: for a query that wants a part of it, or asks for no term. A varint
/// for each turn's leaf and time, as differences to the turn before.
/// </summary>
internal static class TurnTimes
{
    private const long Second = 1_000_000;

    /// <summary>Whether a turn whose second begins at <paramref name="second"/> may have ended within these times.</summary>
    public static bool MayLie(long second, long from, long until) => second > from - Second && second < until;

    public static byte[] Encode(IEnumerable<(long Leaf, long Time)> turns, long first)
    {
        var (bytes, second) = (new ArrayBufferWriter<byte>(4_096), 0L);
        foreach (var (leaf, time) in turns)
        {
            bytes.Write((ulong)(leaf - first));
            bytes.WriteSigned(Floor(time) - second);
            (first, second) = (leaf, Floor(time));
        }
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>Times are those of the seconds' beginnings.</summary>
    /// <exception cref="InvalidDataException"/>
    public static List<(long Leaf, long Time)> Decode(ReadOnlySpan<byte> bytes, long first)
    {
        var (turns, second) = (new List<(long, long)>(), 0L);
        for (var at = 0; at < bytes.Length;)
        {
            first += (long)Varints.Read(bytes, ref at);
            second += Varints.ReadSigned(bytes, ref at);
            turns.Add((first, second * Second));
        }
        return turns;
    }

    private static long Floor(long time) => (time - (time % Second + Second) % Second) / Second;
}
