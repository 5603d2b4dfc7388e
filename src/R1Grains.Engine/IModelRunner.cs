namespace R1Grains.Engine;

/// <summary>One row of a decode run: <paramref name="Token"/> is written at <paramref name="Position"/> of <paramref name="Slot"/>.</summary>
public readonly record struct DecodeRow(int Slot, int Position, int Token);

/// <summary>
/// A device with a model and its key/value slots. It runs what it is told and decides nothing; it is called from one
/// thread only. A failed call leaves the slots it was given undefined and all others as they were.
/// </summary>
public interface IModelRunner : IDisposable
{
    /// <summary>Slots, numbered from 0; each is <see cref="ContextLength"/> positions long.</summary>
    int Rows { get; }

    int ContextLength { get; }

    /// <summary>Width of the logits; at least the tokenizer's vocabulary.</summary>
    int VocabularySize { get; }

    /// <summary>The most ids of one prefill call; a multiple of 8, at least 16.</summary>
    int ChunkLength { get; }

    /// <summary>Positions that all slots together may hold within the device's memory; at least <see cref="ContextLength"/>.</summary>
    int KvCapacity { get; }

    /// <summary>
    /// Hash of the logits of a fixed probe, 64 hex digits: devices with the same fingerprint and model give the same ids
    /// for the same request.
    /// </summary>
    string Numerics { get; }

    /// <summary>Computes <paramref name="tokens"/> at positions from <paramref name="start"/>, whose predecessors in the slot are computed.</summary>
    void Prefill(int slot, int start, ReadOnlySpan<int> tokens);

    /// <summary>Computes one position of each row; rows are at least one, in ascending order of slots.</summary>
    void Decode(ReadOnlySpan<DecodeRow> rows);

    /// <summary>Logits [<see cref="VocabularySize"/>] of the last position that the last run computed for the slot; valid until the next run.</summary>
    ReadOnlySpan<float> Logits(int slot);

    /// <summary>The slot's content is no longer needed.</summary>
    void Release(int slot);
}
