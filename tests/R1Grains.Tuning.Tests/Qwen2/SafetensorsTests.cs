using System.Text;
using R1Grains.Tuning.Qwen2;
using TorchSharp;
using static TorchSharp.torch;

namespace R1Grains.Tuning.Tests.Qwen2;

public class SafetensorsTests
{
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Int64)]
    public void A_tensor_comes_back_bit_by_bit(ScalarType type)
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "t.safetensors");
        var value = (randn(3, 5) * 1000).to(type);
        Safetensors.Write(path, [("first", zeros(7)), ("a.weight", value), ("scalar", tensor(2.5f))]);
        var read = Safetensors.Read(path);
        Assert.Equal(["first", "a.weight", "scalar"], read.Keys);
        Assert.Equal(type, read["a.weight"].dtype);
        Assert.Equal([3, 5], read["a.weight"].shape);
        Assert.True(read["a.weight"].eq(value).all().item<bool>());
        Assert.Equal(2.5f, read["scalar"].item<float>());
    }

    [Fact]
    public void The_file_is_what_the_format_says()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "t.safetensors");
        Safetensors.Write(path, [("x", tensor(new[] { 1f, 2f }))]);
        var bytes = File.ReadAllBytes(path);
        var header = (int)BitConverter.ToInt64(bytes, 0);
        Assert.Equal(0, header % 8);
        Assert.Contains("\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}", Encoding.UTF8.GetString(bytes, 8, header));
        Assert.Equal(8 + header + 8, bytes.Length);
        Assert.Equal(2f, BitConverter.ToSingle(bytes, 8 + header + 4));
    }

    [Fact]
    public void A_file_that_is_cut_short_is_refused_with_the_tensor_named()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "t.safetensors");
        Safetensors.Write(path, [("late.weight", randn(64))]);
        var bytes = File.ReadAllBytes(path);
        File.WriteAllBytes(path, bytes[..^4]);
        Assert.Contains("late.weight", Assert.Throws<InvalidDataException>(() => Safetensors.Read(path)).Message);
        File.WriteAllBytes(path, bytes[..5]);
        Assert.Throws<InvalidDataException>(() => Safetensors.Read(path));
    }
}
