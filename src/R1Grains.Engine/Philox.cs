namespace R1Grains.Engine;

/// <summary>
/// Philox4x32-10, a counter-based generator (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): the
/// n-th number of a seed is computed directly, so a reply can be continued anywhere.
/// </summary>
internal static class Philox
{
    /// <summary>The number of (<paramref name="seed"/>, <paramref name="counter"/>), uniform in [0, 1).</summary>
    public static double Uniform(ulong seed, ulong counter)
    {
        var (a, b, _, _) = Block(seed, counter);
        return (((ulong)a << 32 | b) >> 11) * (1.0 / (1ul << 53));
    }

    internal static (uint A, uint B, uint C, uint D) Block(ulong seed, ulong counter)
    {
        var (c0, c1, c2, c3) = ((uint)counter, (uint)(counter >> 32), 0u, 0u);
        var (k0, k1) = ((uint)seed, (uint)(seed >> 32));
        for (var round = 0; round < 10; round++)
        {
            var (p0, p1) = (0xD2511F53ul * c0, 0xCD9E8D57ul * c2);
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            (k0, k1) = (k0 + 0x9E3779B9, k1 + 0xBB67AE85);
        }
        return (c0, c1, c2, c3);
    }
}
