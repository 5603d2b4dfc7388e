using System.Numerics;

namespace R1Grains.Engine;

/// <summary>
/// How long the device takes, learnt from the runs themselves: moving averages by rows of a decode run and by length of
/// a chunk, because neither is a straight line. All in seconds.
/// </summary>
internal sealed class Pace
{
    // Of a new measurement; a dozen of them forget a phase of other load.
    private const double Weight = 1.0 / 8;

    // By the binary logarithm of the rows, of the chunk's length. 0 where nothing was measured yet.
    private readonly double[] _decode = new double[16];
    private readonly double[] _prefill = new double[16];
    private double _copy;

    public void Decoded(int rows, double seconds) => Learn(ref _decode[Bucket(rows)], seconds / rows);

    public void Prefilled(int ids, double seconds) => Learn(ref _prefill[Bucket(ids)], seconds / ids);

    public void Copied(int positions, double seconds) => Learn(ref _copy, seconds / positions);

    /// <summary>Of one step of so many rows; 0 while nothing is known.</summary>
    public double Decode(int rows) => rows == 0 ? 0 : rows * Nearest(_decode, Bucket(rows));

    /// <summary>Of a prompt of so many ids in chunks of the usual length.</summary>
    public double Prefill(int ids) => ids * Nearest(_prefill, _prefill.Length - 1);

    /// <summary>Of one chunk.</summary>
    public double Chunk(int ids) => ids * Nearest(_prefill, Bucket(ids));

    public double Copy(int positions) => positions * _copy;

    private static int Bucket(int count) => BitOperations.Log2((uint)count);

    private static void Learn(ref double average, double value) => average = average == 0 ? value : average + (value - average) * Weight;

    /// <summary>What is known of the bucket, else of the next lower one, else of the next higher one.</summary>
    private static double Nearest(double[] averages, int bucket)
    {
        for (var i = bucket; i >= 0; i--)
            if (averages[i] > 0) return averages[i];
        for (var i = bucket + 1; i < averages.Length; i++)
            if (averages[i] > 0) return averages[i];
        return 0;
    }
}
