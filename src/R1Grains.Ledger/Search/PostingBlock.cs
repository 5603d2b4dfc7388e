using System.Buffers;

namespace R1Grains.Ledger.Search;

/// <summary>
/// A block of a segment: its terms, ascending, each with the leaves of the turns that hold it. Terms, lengths and leaves are
/// varints; terms and leaves stand as differences to the one before, the first leaf to the segment's first.
/// </summary>
internal static class PostingBlock
{
    /// <summary>The leaves of one term, ascending.</summary>
    /// <param name="block">Empty where the segment has none with these first bits.</param>
    /// <param name="first">Of the segment.</param>
    /// <exception cref="InvalidDataException"/>
    public static List<long> Find(ReadOnlySpan<byte> block, uint term, long first)
    {
        var leaves = new List<long>();
        var (found, at) = (0u, 0);
        while (at < block.Length)
        {
            found += (uint)Varints.Read(block, ref at);
            var end = Varints.Read(block, ref at) + (ulong)at;
            if (end > (ulong)block.Length)
                throw new InvalidDataException("a block of the search index is cut");
            if (found > term)
                break;
            if (found == term)
            {
                for (var leaf = first; at < (int)end;)
                    leaves.Add(leaf += (long)Varints.Read(block, ref at));
                break;
            }
            at = (int)end;
        }
        return leaves;
    }

    /// <summary>All terms of blocks that cover the same first bits, of segments that follow each other.</summary>
    /// <param name="blocks">With the first leaf of each segment, ascending.</param>
    /// <exception cref="InvalidDataException"/>
    public static SortedDictionary<uint, List<long>> Read(IEnumerable<(long First, byte[] Block)> blocks)
    {
        var all = new SortedDictionary<uint, List<long>>();
        foreach (var (first, block) in blocks)
        {
            var (term, at) = (0u, 0);
            while (at < block.Length)
            {
                term += (uint)Varints.Read(block, ref at);
                var end = Varints.Read(block, ref at) + (ulong)at;
                if (end > (ulong)block.Length)
                    throw new InvalidDataException("a block of the search index is cut");
                if (!all.TryGetValue(term, out var leaves))
                    all[term] = leaves = [];
                for (var leaf = first; at < (int)end;)
                    leaves.Add(leaf += (long)Varints.Read(block, ref at));
            }
        }
        return all;
    }

    /// <summary>The block without these leaves; null where it has none of them.</summary>
    /// <param name="first">Of the segment.</param>
    /// <exception cref="InvalidDataException"/>
    public static byte[]? Without(byte[] block, IReadOnlySet<long> leaves, int level, long first)
    {
        var terms = Read([(first, block)]);
        var removed = terms.Values.Sum(postings => postings.RemoveAll(leaves.Contains));
        return removed == 0 ? null : Write(terms.Where(term => term.Value.Count > 0), level, first).SingleOrDefault().Bytes ?? [];
    }

    /// <summary>The blocks of a segment for these terms.</summary>
    /// <param name="terms">Ascending.</param>
    public static IEnumerable<(int Block, byte[] Bytes)> Write(IEnumerable<KeyValuePair<uint, List<long>>> terms, int level, long first)
    {
        var (bytes, postings) = (new ArrayBufferWriter<byte>(8_192), new ArrayBufferWriter<byte>(256));
        var (current, before) = (-1, 0u);
        foreach (var (term, leaves) in terms)
        {
            if (Segment.BlockOf(term, level) is var block && block != current)
            {
                if (bytes.WrittenCount > 0)
                    yield return (current, bytes.WrittenSpan.ToArray());
                bytes.ResetWrittenCount();
                (current, before) = (block, 0);
            }
            postings.ResetWrittenCount();
            var last = first;
            foreach (var leaf in leaves)
            {
                postings.Write((ulong)(leaf - last));
                last = leaf;
            }
            bytes.Write(term - before);
            bytes.Write((ulong)postings.WrittenCount);
            bytes.Write(postings.WrittenSpan);
            before = term;
        }
        if (bytes.WrittenCount > 0)
            yield return (current, bytes.WrittenSpan.ToArray());
    }
}
