using System.Numerics.Tensors;

namespace R1Grains.Tuning.Export;

/// <summary>
/// Weights as <c>MatMulNBits</c> reads them: rows of blocks along the input dimension, one float scale per block,
/// symmetric around the operator's default zero point 2^(bits-1), two 4-bit values per byte with the first one low.
/// </summary>
/// <param name="Blocks">[rows, columns / block size, block size · bits / 8], row-major.</param>
/// <param name="Scales">[rows, columns / block size], row-major.</param>
internal sealed record BlockQuantization(byte[] Blocks, float[] Scales, int BlockSize, int Bits)
{
    public static readonly IReadOnlyList<int> Sizes = [128, 64, 32, 16];

    private const int SmallBlocksColumnsMax = 1_024;

    /// <summary>
    /// 32 for a model whose widest matrix has at most 1,024 columns, else 128. With AVX-512, blocks of 32 give a row the
    /// same bits alone as beside others; from 64 on they do not, so the engine runs a lone row beside an idle one. That
    /// makes a lone row of a narrow model a third slower than blocks of 32 do. Larger blocks read fewer scales: from about
    /// 2,000 columns on they win even so, and at any width they take 15 to 25 % off eight rows at once and off prompts.
    /// One choice for the whole model, because one matrix of large blocks is enough to need the idle row.
    /// </summary>
    /// <param name="columnsMax">Input columns of the widest matrix.</param>
    public static int DefaultSize(int columnsMax) => columnsMax <= SmallBlocksColumnsMax ? 32 : 128;

    /// <summary>The largest block that divides the matrix and is no larger than <paramref name="wished"/>.</summary>
    /// <exception cref="InvalidDataException">No block size divides the matrix.</exception>
    public static int SizeFor(int columns, int wished) => Sizes.FirstOrDefault(size => size <= wished && columns % size == 0) is > 0 and var size
        ? size
        : throw new InvalidDataException($"A matrix with {columns} input columns cannot be quantised: the number must be a multiple of 16. Export it as fp32.");

    /// <param name="weights">[rows = outputs, columns = inputs], row-major, as a Linear stores them.</param>
    /// <param name="size">Divides the columns.</param>
    public static BlockQuantization Of(ReadOnlySpan<float> weights, int bits, int size)
    {
        var middle = 1 << (bits - 1);
        var blocks = new byte[weights.Length * bits / 8];
        var scales = new float[weights.Length / size];
        for (var b = 0; b < scales.Length; b++)
        {
            var block = weights.Slice(b * size, size);
            // The extreme value maps to the end of the range that reaches one step farther, so no level is lost.
            var scale = TensorPrimitives.MaxMagnitude(block) / -middle;
            scales[b] = scale;
            for (var i = 0; i < size; i++)
            {
                var level = scale == 0 ? middle : Math.Clamp((int)MathF.Round(block[i] / scale) + middle, 0, 2 * middle - 1);
                var at = b * size + i;
                if (bits == 8)
                    blocks[at] = (byte)level;
                else
                    blocks[at / 2] |= (byte)(level << (at % 2 * 4));
            }
        }
        return new BlockQuantization(blocks, scales, size, bits);
    }
}
