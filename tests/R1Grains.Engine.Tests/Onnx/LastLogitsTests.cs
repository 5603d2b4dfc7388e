using Google.Protobuf;
using R1Grains.Engine.Models;
using R1Grains.Engine.Onnx;
using R1Grains.Engine.Onnx.Schema;

namespace R1Grains.Engine.Tests.Onnx;

public sealed class LastLogitsTests
{
    [Theory]
    [InlineData("fp32")]
    [InlineData("int4")]
    public void A_graph_with_the_logits_of_every_position_is_run_for_the_last_one_only(string precision)
    {
        var folder = ModelFolders.Copy(precision);
        GiveEveryPosition(Path.Combine(folder, "model.onnx"));
        Assert.NotNull(LastLogits.Only(Path.Combine(folder, "model.onnx"), "logits"));

        using var expected = new OnnxModelRunner(ModelFolder.Open(ModelFolders.Get(precision)), rows: 2, threads: 0);
        using var pruned = new OnnxModelRunner(ModelFolder.Open(folder), rows: 2, threads: 0);
        Assert.Equal(expected.ChunkLength, pruned.ChunkLength);
        foreach (var runner in new[] { expected, pruned })
        {
            runner.Prefill(1, 0, OnnxModelRunnerTests.Prompt(2, 400));
            runner.Decode([new(1, 400, 5)]);
        }
        Assert.Equal(expected.Logits(1).ToArray(), pruned.Logits(1).ToArray());
    }

    [Fact]
    public void A_graph_that_ends_otherwise_is_left_as_it_is()
    {
        var folder = ModelFolders.Copy("fp32");
        var path = Path.Combine(folder, "model.onnx");
        Assert.Null(LastLogits.Only(path, "logits")); // So exported already.
        GiveEveryPosition(path);
        var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(path));
        model.Graph.Node.Single(node => node.Output.Contains("logits")).OpType = "Softmax";
        File.WriteAllBytes(path, model.ToByteArray());
        Assert.Null(LastLogits.Only(path, "logits"));
    }

    /// <summary>Takes out what takes the last position, so that the graph is as model builders write it.</summary>
    private static void GiveEveryPosition(string path)
    {
        var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(path));
        var last = model.Graph.Node.Single(node => node.Name == "/model/last");
        model.Graph.Node.Single(node => node.Input.Contains(last.Output[0])).Input[0] = last.Input[0];
        model.Graph.Node.Remove(last);
        model.Graph.Output.Single(output => output.Name == "logits").Type.TensorType.Shape.Dim[1] = new() { DimParam = "sequence_length" };
        File.WriteAllBytes(path, model.ToByteArray());
    }
}
