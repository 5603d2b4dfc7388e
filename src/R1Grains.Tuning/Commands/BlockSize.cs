using System.CommandLine;
using System.Globalization;
using R1Grains.Tuning.Export;

namespace R1Grains.Tuning.Commands;

/// <summary>The option that <c>export</c> and <c>random</c> share.</summary>
internal static class BlockSize
{
    public static Option<int?> Option() => new Option<int?>("--block-size")
    {
        Description = "Quantised weights per scale; a matrix that it does not divide takes the next smaller size. Default: 32 for narrow models, 128 for wide ones",
    }.AcceptOnlyFromAmong([.. BlockQuantization.Sizes.Select(size => size.ToString(CultureInfo.InvariantCulture))]);
}
