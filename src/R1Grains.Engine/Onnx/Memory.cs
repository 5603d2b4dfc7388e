using System.Globalization;

namespace R1Grains.Engine.Onnx;

internal static class Memory
{
    private const string MemInfo = "/proc/meminfo";
    private const string Available_kB = "MemAvailable:";

    /// <summary>Bytes that this process can still have: of the machine's free memory, within the limit of its container.</summary>
    public static long Available
    {
        get
        {
            var limit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes - Environment.WorkingSet;
            if (!File.Exists(MemInfo) || File.ReadLines(MemInfo).FirstOrDefault(line => line.StartsWith(Available_kB, StringComparison.Ordinal)) is not { } line) return limit;
            var kilobytes = long.Parse(line.AsSpan(Available_kB.Length).Trim().TrimEnd("kB").Trim(), CultureInfo.InvariantCulture);
            return Math.Min(limit, kilobytes * 1024);
        }
    }
}
