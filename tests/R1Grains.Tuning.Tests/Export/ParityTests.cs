using Microsoft.ML.OnnxRuntime;
using R1Grains.Tuning.Export;
using R1Grains.Tuning.Qwen2;
using static TorchSharp.torch;

namespace R1Grains.Tuning.Tests.Export;

/// <summary>What protects everything: the network that is trained and the graph that is served are the same function.</summary>
public class ParityTests
{
    private static readonly int[] Ids = [.. Enumerable.Range(0, 40).Select(i => i * 37 % 300)];

    [Theory]
    [InlineData(true, 4, 2)]
    [InlineData(false, 4, 1)]
    [InlineData(true, 2, 2)]
    public void Torch_and_onnx_runtime_give_the_same_logits_in_prefill_and_decode(bool tied, int heads, int groups)
    {
        using var folder = new TemporaryFolder();
        using var model = SmallModel.Create(tied, heads, groups);
        SmallModel.Export(model, Precision.Fp32, folder.Path);
        var expected = TorchLogits(model, Ids);

        using var served = new ServedModel(folder.Path, model.Config);
        var prefill = served.Run(Ids.AsSpan(0, 24));
        Assert.True(Distance(expected[23], prefill) < 1e-4, $"prefill differs by {Distance(expected[23], prefill)}");
        for (var t = 24; t < Ids.Length; t++)
        {
            var decoded = served.Run(Ids.AsSpan(t, 1));
            Assert.True(Distance(expected[t], decoded) < 1e-4, $"position {t} differs by {Distance(expected[t], decoded)}");
        }
    }

    [Theory]
    [InlineData(Precision.Int8, 0.10)]
    [InlineData(Precision.Int4, 0.75)]
    public void Quantised_logits_stay_near_the_exact_ones(Precision precision, double limit)
    {
        using var folder = new TemporaryFolder();
        using var model = SmallModel.Create();
        SmallModel.Export(model, precision, folder.Path);
        using var served = new ServedModel(folder.Path, model.Config);
        var expected = TorchLogits(model, Ids)[^1];
        var spread = Math.Sqrt(expected.Average(x => x * x));
        var error = Math.Sqrt(expected.Zip(served.Run(Ids), (a, b) => (a - b) * (a - b)).Average()) / spread;
        Assert.InRange(error, 1e-6, limit);
    }

    private static float[][] TorchLogits(Qwen2Model model, int[] ids)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var logits = model.Logits(model.forward(tensor(ids.Select(i => (long)i).ToArray()).unsqueeze(0)));
        return [.. Enumerable.Range(0, ids.Length).Select(t => logits[0, t].data<float>().ToArray())];
    }

    private static double Distance(float[] a, float[] b) => a.Zip(b, (x, y) => Math.Abs((double)x - y)).Max();
}
