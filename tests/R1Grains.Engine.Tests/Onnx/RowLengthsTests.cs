using CsCheck;
using R1Grains.Engine.Onnx;

namespace R1Grains.Engine.Tests.Onnx;

public sealed class RowLengthsTests
{
    [Fact]
    public void All_rows_have_the_whole_context_where_that_fits() =>
        Assert.Equal(Enumerable.Repeat(32_768, 16), RowLengths.Of(16, 32_768, 16 * 32_768));

    [Fact]
    public void A_context_shorter_than_the_lengths_is_the_only_length() =>
        Assert.Equal([2048, 2048], RowLengths.Of(2, 2048, 5000));

    [Fact]
    public void Memory_is_shared_out_over_several_lengths()
    {
        // 59 GiB beside a 7B model in float16 on 80 GiB, at 56 KiB a position.
        var lengths = RowLengths.Of(64, 32_768, 59L * 1024 * 1024 / 56);
        Assert.Equal(64, lengths.Length);
        Assert.Equal([4_096, 16_384, 32_768], lengths.Distinct());
        Assert.InRange(lengths.Count(length => length == 32_768), 14, 18);
        Assert.InRange(lengths.Count(length => length == 16_384), 20, 40);
    }

    [Fact]
    public void What_does_not_fit_is_refused_with_what_does()
    {
        Assert.Contains("write R1__Engine__Rows=3 or less", Assert.Throws<DeviceException>(() => RowLengths.Of(16, 32_768, 32_768 + 2 * 4_096)).Message);
        Assert.Contains("and the context has 32,768: serve a smaller model", Assert.Throws<DeviceException>(() => RowLengths.Of(1, 32_768, 32_767)).Message);
    }

    [Fact]
    public void Whatever_is_shared_out_fits_and_one_row_more_of_the_longest_would_not() =>
        Gen.Select(Gen.Int[1, 70], Gen.Int[16, 40_000], Gen.Long[0, 3_000_000]).Sample((rows, context, spare) =>
        {
            var shortest = Math.Min(context, 4_096);
            var positions = context + (rows - 1L) * shortest + spare;
            var lengths = RowLengths.Of(rows, context, positions);
            var left = positions - lengths.Sum(length => (long)length);
            return lengths.Length == rows && lengths[^1] == context && lengths.Order().SequenceEqual(lengths) && left >= 0
                && (lengths[0] > shortest || rows == 1 || shortest == context || left < Math.Min(16_384, context) - shortest);
        });
}
