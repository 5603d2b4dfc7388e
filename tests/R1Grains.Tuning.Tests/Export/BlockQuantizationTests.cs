using R1Grains.Tuning.Commands;
using R1Grains.Tuning.Export;
using R1Grains.Engine.Onnx.Schema;

namespace R1Grains.Tuning.Tests.Export;

public sealed class BlockQuantizationTests
{
    [Theory]
    [InlineData(512, 32)]
    [InlineData(1_024, 32)]
    [InlineData(1_040, 128)]
    [InlineData(8_960, 128)]
    public void A_model_gets_small_blocks_as_long_as_its_widest_matrix_is_narrow(int columnsMax, int size) =>
        Assert.Equal(size, BlockQuantization.DefaultSize(columnsMax));

    [Theory]
    [InlineData(512, 32, 32)]
    [InlineData(512, 128, 128)]
    [InlineData(192, 128, 64)]
    [InlineData(1_200, 128, 16)]
    [InlineData(48, 32, 16)]
    public void A_block_divides_the_columns(int columns, int wished, int size) =>
        Assert.Equal(size, BlockQuantization.SizeFor(columns, wished));

    [Fact]
    public void A_matrix_that_no_block_divides_is_refused_with_its_columns() =>
        Assert.Contains("100 input columns", Assert.Throws<InvalidDataException>(() => BlockQuantization.SizeFor(100, 128)).Message);

    [Theory]
    [InlineData(null, 32)]
    [InlineData("16", 16)]
    [InlineData("128", 64)]
    public void The_option_decides_the_blocks_of_the_folder(string? option, int size)
    {
        using var folder = new TemporaryFolder();
        string[] arguments =
        [
            "--hidden", "64", "--layers", "1", "--heads", "2", "--kv-heads", "1", "--intermediate", "64", "--vocab", "512", "--context", "64",
            "--precision", "int4", "--out", folder.Path, .. option is null ? Array.Empty<string>() : ["--block-size", option],
        ];
        Assert.Equal(0, RandomCommand.Build().Parse(arguments).Invoke());

        var graph = ModelProto.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(folder.Path, "model.onnx"))).Graph;
        var sizes = graph.Node.Where(node => node.OpType == "MatMulNBits").Select(node => node.Attribute.Single(a => a.Name == "block_size").I);
        Assert.All(sizes, actual => Assert.Equal(size, actual));
    }

    [Fact]
    public void A_size_without_kernels_is_refused() =>
        Assert.NotEmpty(ExportCommand.Build().Parse(["--from", "run", "--out", "model", "--block-size", "48"]).Errors);
}
