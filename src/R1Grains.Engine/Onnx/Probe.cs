namespace R1Grains.Engine.Onnx;

/// <summary>The prompt that every device computes at its start, for its fingerprint and to try what changes bits.</summary>
internal static class Probe
{
    /// <summary>Odd, so that the end is off any grid but the finest.</summary>
    public const int Length = 71;

    public static int[] Ids(int vocabulary) => [.. Enumerable.Range(0, Length).Select(i => (i * 31 + i * i % 101) % vocabulary)];
}
