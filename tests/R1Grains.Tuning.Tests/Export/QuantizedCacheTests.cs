using System.CommandLine;
using System.Runtime.InteropServices;
using R1Grains.Engine;
using R1Grains.Engine.Models;
using R1Grains.Tuning.Commands;
using R1Grains.Engine.Onnx.Schema;

namespace R1Grains.Tuning.Tests.Export;

public sealed class QuantizedCacheTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public QuantizedCacheTests() => Assert.Equal(0, RandomCommand.Build().Parse(
        ["--hidden", "64", "--layers", "2", "--heads", "4", "--kv-heads", "2", "--intermediate", "64", "--vocab", "512", "--context", "512", "--precision", "int8", "--out", At("model")]).Invoke());

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_copy_is_whole_and_answers()
    {
        Quantize("model", "copy");
        Assert.Equal(Files("model"), Files("copy"));

        await using var engine = InferenceEngine.Load(new EngineOptions { Folder = At("copy") }, TimeProvider.System);
        var request = new GenerationRequest
        {
            Id = "one",
            Scope = "",
            Prompt = engine.Model.Template.Render([new ChatMessage(ChatRole.User, "fee?")]),
            Sampling = new SamplingOptions { Temperature = 0, MaxTokens = 8 },
        };
        var reasons = new List<FinishReason>();
        await foreach (var emission in engine.GenerateAsync(request, CancellationToken.None))
            if (emission.Completion is { } completion) reasons.Add(completion.Reason);
        Assert.NotEqual(FinishReason.Failed, Assert.Single(reasons));

        string[] Files(string folder) => [.. Directory.GetFiles(At(folder)).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void Both_channels_that_a_position_turns_into_each_other_have_one_scale_and_values_have_their_own()
    {
        Quantize("model", "copy");
        var graph = ModelProto.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(At("copy"), "model.onnx"))).Graph;
        foreach (var attention in graph.Node.Where(node => node.OpType == "GroupQueryAttention"))
        {
            var (keys, values) = (Scales(attention.Input[12]), Scales(attention.Input[13]));
            foreach (var head in keys.Chunk(16)) Assert.Equal(head[..8], head[8..]);
            Assert.NotEqual(values[..8], values[8..16]);
            Assert.All(keys.Concat(values), scale => Assert.InRange(scale, float.Epsilon, 1));
        }

        float[] Scales(string name)
        {
            var tensor = graph.Initializer.Single(t => t.Name == name);
            Assert.Equal([1, 2, 1, 16], tensor.Dims);
            return MemoryMarshal.Cast<byte, float>(tensor.RawData.Span).ToArray();
        }
    }

    [Fact]
    public void What_cannot_be_quantised_is_refused()
    {
        Quantize("model", "copy");
        Assert.Contains("only a cache of float32", Refusal("copy", "again"));
        Assert.Contains("is the folder that is read", Refusal("model", "model"));
    }

    private string Refusal(string from, string to) => Assert.Throws<InvalidDataException>(() => Quantize(from, to)).Message;

    private void Quantize(string from, string to) => Assert.Equal(0, QuantizeCacheCommand.Build().Parse(["--model", At(from), "--out", At(to), "--dialogues", "5"])
        .Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false }));

    private string At(string name) => Path.Combine(_folder.Path, name);
}
