namespace R1Grains.Ledger.Search;

/// <summary>
/// Turns that follow each other in a tenant's tree, turned inside out: for each term, at which leaves it is. Sixteen of a
/// level become one of the next, so that the oldest are the largest. It never changes; it is replaced.
/// </summary>
/// <param name="Level">From 1.</param>
/// <param name="First">Leaf of its first turn.</param>
/// <param name="Last">Leaf of its last turn.</param>
/// <param name="Earliest">Time of an end, in microseconds.</param>
/// <param name="Latest">Time of an end, in microseconds.</param>
internal sealed record Segment(int Level, long First, long Last, int Turns, long Earliest, long Latest)
{
    /// <summary>Of a segment of level 1.</summary>
    public const int TurnsFirst = 1_024;

    /// <summary>How many become one.</summary>
    public const int FanIn = 16;

    public const int LevelMax = 3;

    /// <summary>
    /// A term's first bits name the block of the segment that has its leaves. The next level has sixteen times the turns in
    /// sixteen times the blocks, so that a block stays at a few kilobytes.
    /// </summary>
    public static int Blocks(int level) => 1 << BlockBits(level);

    public static int BlockOf(uint term, int level) => (int)(term >> 32 - BlockBits(level));

    private static int BlockBits(int level) => 6 + 4 * (level - 1);
}
