namespace R1Grains.Engine;

/// <summary>One row of a decode run: <paramref name="Token"/> is written at <paramref name="Position"/> of <paramref name="Slot"/>.</summary>
public readonly record struct DecodeRow(int Slot, int Position, int Token);

/// <summary>
/// A device with a model and its key/value slots. It runs what it is told and decides nothing; it is called from one
/// thread only. A failed call leaves the slots it was given undefined and all others as they were.
/// </summary>
public interface IModelRunner : IDisposable
{
    /// <summary>The first so many slots can be computed; those behind them only keep what was copied there.</summary>
    int Rows { get; }

    /// <summary>All slots, numbered from 0.</summary>
    int Slots { get; }

    /// <summary>Positions of the longest row.</summary>
    int ContextLength { get; }

    /// <summary>
    /// Positions of a slot. Rows of one length lie together; the slots behind the rows are <see cref="ContextLength"/>
    /// long. Where memory is committed as it is touched, all slots are.
    /// </summary>
    int SlotLength(int slot) => ContextLength;

    /// <summary>Width of the logits; at least the tokenizer's vocabulary.</summary>
    int VocabularySize { get; }

    /// <summary>The most ids of one prefill call; a multiple of 16 and of <see cref="CutGrid"/>, at least two of these.</summary>
    int ChunkLength { get; }

    /// <summary>
    /// A prompt that is cut at multiples of this gives the bits of the whole prompt, as tried on this device: kernels
    /// for quantised weights take rows two or four at a time and treat odd ones at the end differently.
    /// </summary>
    int CutGrid { get; }

    /// <summary>Chunks give other bits than the whole prompt wherever they are cut, so every chunk but the last is one <see cref="CutGrid"/> long.</summary>
    bool HasFixedCuts { get; }

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

    /// <summary>Copies the first <paramref name="length"/> positions of a slot over those of another.</summary>
    void Copy(int from, int to, int length);

    /// <summary>Only the first <paramref name="length"/> positions of the slot are still needed; the memory of the others is given back, apart from little that the next request is likely to take.</summary>
    void Truncate(int slot, int length);

    /// <summary>Logits [<see cref="VocabularySize"/>] of the last position that the last run computed for the slot; valid until the next call.</summary>
    ReadOnlySpan<float> Logits(int slot);
}
