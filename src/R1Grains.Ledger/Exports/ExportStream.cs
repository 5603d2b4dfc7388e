using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Exports;

/// <summary>A conversation of a selection.</summary>
/// <param name="Turns">Ascending; all have ended.</param>
public sealed record SelectedConversation(string Conversation, IReadOnlyList<int> Turns);

/// <summary>
/// An export's files as bytes, made while they are read, from the record as it was when its checkpoint was signed. Whoever
/// goes on from a position gets what comes after it, in whatever process; nothing of it is kept anywhere.
/// </summary>
/// <param name="manifest">All that is known before the first byte; the rest is filled in.</param>
/// <param name="selection">In its order.</param>
/// <param name="sign">Signs checkpoint and manifest in the name of the tenant's tree.</param>
public sealed class ExportStream(
    StoredRecord record, ExportManifest manifest, IReadOnlyList<SelectedConversation> selection, ExportView view, Func<ExportManifest, CancellationToken, Task<SignedManifest>> sign, TimeProvider time)
{
    /// <summary>About so many bytes come at once.</summary>
    private const int FrameLength = 256 << 10;

    /// <summary>Turns that are read at once.</summary>
    private const int TurnsAtOnce = 64;

    private const int TilesMax = 256;

    /// <summary>Whose words the reader may not see though they are selected: they stand there as commitments alone.</summary>
    public Func<Conversation, bool> IsWithheld { get; init; } = _ => false;

    private readonly Checkpoint _checkpoint = Checkpoint.Parse(SignedNote.Parse(manifest.Checkpoint).Text);

    /// <exception cref="RecordUnavailableException"/>
    /// <exception cref="RecordDamagedException">It does not prove what it holds: nothing of that is handed out as whole.</exception>
    public async IAsyncEnumerable<ExportFrame> ReadAsync(ExportPosition from, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var position = from;
        for (var next = from.Next; next < selection.Count; next++)
        {
            using var file = new GrowingFile(ExportManifest.RecordsName, position.Files);
            var counts = position.Counts;
            await foreach (var (lines, added) in ConversationAsync(selection[next], cancellation))
            {
                file.Append(lines.Span);
                counts = Sum(counts, added);
                if (lines.Length > 0)
                    yield return new(ExportManifest.RecordsName, lines);
            }
            position = new(next + 1, counts, [file.End()]);
            yield return new(ExportManifest.RecordsName, ReadOnlyMemory<byte>.Empty, position);
        }
        var records = position.Files.Count > 0 ? position.Files : [new ExportedFile(ExportManifest.RecordsName, 0, default(Digest).ToString())];
        using var proof = new GrowingFile(ExportManifest.ProofName, []);
        await foreach (var lines in ProofAsync(cancellation))
        {
            proof.Append(lines.Span);
            yield return new(ExportManifest.ProofName, lines);
        }
        var whole = manifest with { Made = Microseconds.ToTime(Microseconds.Of(time.GetUtcNow())), Counts = position.Counts, Files = [.. records, proof.End()] };
        var signed = await sign(whole, cancellation);
        yield return new(ExportManifest.NoteName, System.Text.Encoding.UTF8.GetBytes(signed.Note));
        // Last, so that a folder that has it is whole.
        yield return new(ExportManifest.FileName, signed.Bytes, IsLast: true);
    }

    private async IAsyncEnumerable<(ReadOnlyMemory<byte> Lines, ExportCounts Added)> ConversationAsync(SelectedConversation selected, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var key = new ConversationKey(manifest.Tenant, selected.Conversation);
        if (await FindAsync(key, cancellation) is not var (row, places))
            yield break;
        foreach (var index in Indexes(selected, row, places))
        {
            if (!places.TryGetValue(index, out var place) || place.Leaf >= _checkpoint.Size)
                throw new RecordDamagedException($"entry {index} of {key} stands in no tree of {_checkpoint.Size} leaves, though its turn has ended: ask for another export, and if that fails have the record verified");
        }
        var isFirst = true;
        foreach (var turns in Runs(selected.Turns))
        {
            cancellation.ThrowIfCancellationRequested();
            var rows = await record.Read(key.Tenant, reads => reads.Turns(key, turns[0], turns[^1]), cancellation);
            if (rows.Count != turns.Count)
                throw new RecordDamagedException($"{key} has {rows.Count} of the {turns.Count} turns from {turns[0]} to {turns[^1]} that were found: some of it is no longer kept, ask for another export");
            var (lines, isWithheld) = (new LineWriter(), IsWithheld(await record.Sealed.OpenAsync(row)));
            var (records, erased) = await record.Sealed.OpenAsync(key.Tenant, row.DataKey, opened =>
            {
                lines.Clear();
                var dataKey = isWithheld ? null : opened;
                var writer = new ConversationLines(lines, key, places, dataKey, view);
                if (isFirst)
                    writer.WriteOpened(row, isErased: opened is null);
                foreach (var turn in rows)
                    writer.WriteTurn(turn);
                if (turns[^1] == selected.Turns[^1] && IndexOfCompletion(row, places) is { } last)
                    writer.WriteCompleted(row.Completed!, last);
                return (writer.Records, opened is null);
            });
            yield return (lines.Written, new(isFirst ? 1 : 0, rows.Count, records, isFirst && erased ? 1 : 0, lines.Masked));
            isFirst = false;
        }
    }

    /// <summary>Null where it is no longer kept.</summary>
    private async Task<(ConversationRow Row, IReadOnlyDictionary<long, (long Leaf, Digest Hash)> Places)?> FindAsync(ConversationKey key, CancellationToken cancellation) =>
        await record.Read(key.Tenant, async reads => await reads.Conversation(key) is { } row ? ((ConversationRow, IReadOnlyDictionary<long, (long, Digest)>)?)(row, await reads.Places(row.Number)) : null, cancellation);

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> ProofAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var leaves = (await LeavesAsync(cancellation)).ToArray();
        Array.Sort(leaves, (one, other) => one.Number.CompareTo(other.Number));
        var (numbers, nodes, tiles) = (Array.ConvertAll(leaves, leaf => leaf.Number), new List<Digest>(), new Dictionary<Tile, byte[]>());
        var lines = new LineWriter();
        foreach (var (leaf, range) in SharedProof.Parts(numbers, _checkpoint.Size))
        {
            if (leaf is { } number)
            {
                lines.Leaf(leaves[number]);
            }
            else
            {
                nodes.Add(await HashAsync(range, tiles, cancellation));
                lines.Node(nodes[^1]);
            }
            if (lines.Written.Length < FrameLength)
                continue;
            yield return lines.Written;
            lines = new LineWriter();
        }
        if (SharedProof.Root(leaves, CollectionsMarshal.AsSpan(nodes), _checkpoint.Size) != _checkpoint.Root)
            throw new RecordDamagedException($"what is exported of tenant '{manifest.Tenant}' does not lead to the root that was signed for {_checkpoint.Size} leaves: have the record verified");
        yield return lines.Written;
    }

    private async Task<List<ExportedLeaf>> LeavesAsync(CancellationToken cancellation)
    {
        var leaves = new List<ExportedLeaf>();
        foreach (var selected in selection)
        {
            cancellation.ThrowIfCancellationRequested();
            if (await FindAsync(new(manifest.Tenant, selected.Conversation), cancellation) is not var (row, places))
                continue;
            leaves.AddRange(Indexes(selected, row, places).Select(index => new ExportedLeaf(places[index].Leaf, places[index].Hash, selected.Conversation, index)));
        }
        return leaves;
    }

    /// <summary>Of all entries that are exported of a conversation.</summary>
    private IEnumerable<long> Indexes(SelectedConversation selected, ConversationRow row, IReadOnlyDictionary<long, (long Leaf, Digest Hash)> places) =>
    [
        0,
        .. selected.Turns.Select(ConversationHead.IndexOfOpening).SelectMany(index => (long[])[index, index + 1]),
        .. IndexOfCompletion(row, places) is { } last ? [last] : (long[])[],
    ];

    /// <summary>Null where it was not completed when the checkpoint was signed.</summary>
    private long? IndexOfCompletion(ConversationRow row, IReadOnlyDictionary<long, (long Leaf, Digest Hash)> places) =>
        row.Completed is not null && ConversationHead.IndexOfOpening(row.TurnCount + 1) is var index && places.TryGetValue(index, out var place) && place.Leaf < _checkpoint.Size ? index : null;

    private async Task<Digest> HashAsync(LeafRange range, Dictionary<Tile, byte[]> known, CancellationToken cancellation)
    {
        var wanted = TileSet.Needed(range).Distinct().ToList();
        if (known.Count + wanted.Count > TilesMax)
            known.Clear();
        if (wanted.Where(tile => !known.ContainsKey(tile)).ToList() is { Count: > 0 } missing)
        {
            foreach (var (tile, hashes) in await record.Read(manifest.Tenant, reads => reads.Tiles(manifest.Tenant, missing), cancellation))
                known[tile] = hashes;
        }
        var set = new TileSet();
        foreach (var tile in wanted)
        {
            if (known.TryGetValue(tile, out var hashes))
                set.Add(tile, hashes);
        }
        return set.Hash(range);
    }

    /// <summary>Neighbouring turns together, as far as they are read at once.</summary>
    private static IEnumerable<IReadOnlyList<int>> Runs(IReadOnlyList<int> turns)
    {
        for (var first = 0; first < turns.Count;)
        {
            var end = first + 1;
            while (end < turns.Count && end - first < TurnsAtOnce && turns[end] == turns[end - 1] + 1)
                end++;
            yield return [.. turns.Skip(first).Take(end - first)];
            first = end;
        }
    }

    private static ExportCounts Sum(ExportCounts one, ExportCounts other) =>
        new(one.Conversations + other.Conversations, one.Turns + other.Turns, one.Records + other.Records, one.Erased + other.Erased, one.Masked + other.Masked);

    /// <summary>A file of which size and hash are known, piece by piece.</summary>
    private sealed class GrowingFile(string name, IReadOnlyList<ExportedFile> known) : IDisposable
    {
        private readonly RunningHash _hash = new(known.FirstOrDefault(file => file.Name == name) is { } file ? Digest.Parse(file.Hash) : default);
        private long _bytes = known.FirstOrDefault(file => file.Name == name)?.Bytes ?? 0;

        public void Append(ReadOnlySpan<byte> bytes)
        {
            _hash.Append(bytes);
            _bytes += bytes.Length;
        }

        public ExportedFile End()
        {
            _hash.EndPiece();
            return new(name, _bytes, _hash.Value.ToString());
        }

        public void Dispose() => _hash.Dispose();
    }
}
