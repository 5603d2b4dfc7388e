using R1Grains.Engine.Models;
using R1Grains.Engine.Onnx.Schema;

namespace R1Grains.Engine.Onnx;

/// <summary>
/// What a graph's attention and genai_config.json must agree on. ONNX Runtime would notice too late: tables of positions
/// that are too short only once a prompt is that long, and a wrong number of heads never, though it bounds the threads.
/// </summary>
internal static class AttentionNodes
{
    private const int CosCache = 7;

    /// <exception cref="ModelFolderException">They contradict each other.</exception>
    public static void Check(GraphProto graph, ModelFolder folder)
    {
        var config = folder.Config;
        foreach (var node in graph.Node.Where(node => node.OpType == "GroupQueryAttention"))
        {
            if (node.Attribute.FirstOrDefault(attribute => attribute.Name == "num_heads") is { } heads && heads.I != config.AttentionHeads)
                throw new ModelFolderException($"{folder.OnnxPath} has {heads.I} attention heads; genai_config.json says {config.AttentionHeads}. The two are of different models.");
            if (node.Input.Count > CosCache && graph.Initializer.FirstOrDefault(tensor => tensor.Name == node.Input[CosCache]) is { Dims: [var positions, ..] } && positions < config.ContextLength)
                throw new ModelFolderException($"{folder.OnnxPath} knows {positions} positions; model.context_length in genai_config.json must not be more, and is {config.ContextLength} here.");
        }
    }
}
