namespace R1Grains.Engine.Onnx;

/// <summary>
/// Shares a device's memory out to rows. All of them as long as the context is best, because rows of several lengths
/// cannot be in one run; where the memory does not allow it, some are shorter.
/// </summary>
internal static class RowLengths
{
    private static readonly int[] Lengths = [4_096, 16_384, 32_768];

    /// <summary>The length of each row, ascending; at least one row has the whole context.</summary>
    /// <param name="positions">That the memory holds.</param>
    /// <exception cref="DeviceException">So many rows do not fit.</exception>
    public static int[] Of(int rows, int context, long positions)
    {
        int[] lengths = [.. Lengths.Where(length => length < context), context];
        var shortest = lengths[0];
        var left = positions - context - (rows - 1L) * shortest;
        if (left < 0)
        {
            var fitting = (positions - context) / shortest + 1;
            throw new DeviceException(positions < context
                ? $"The device's memory holds {positions:n0} positions of keys and values beside the model, and the context has {context:n0}: serve a smaller model or one with a shorter context, or take a device with more memory."
                : $"R1__Engine__Rows is {rows}, but the device's memory holds {positions:n0} positions of keys and values beside the model, which is one row of {context:n0} and {fitting - 1} of {shortest:n0}: write R1__Engine__Rows={fitting} or less.");
        }
        var all = new int[rows];
        Array.Fill(all, shortest);
        var next = rows - 1;
        all[next--] = context;
        // Half of what is left goes into the longest rows, half of the rest into the next, and so on; the last takes all.
        for (var i = lengths.Length - 1; i > 0 && next >= 0; i--)
        {
            var longer = lengths[i] - shortest;
            var share = i == 1 || left >= (next + 1L) * longer ? left : left / 2;
            for (var count = share / longer; count > 0 && next >= 0; count--, left -= longer) all[next--] = lengths[i];
        }
        return all;
    }
}
