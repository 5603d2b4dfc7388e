using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Google.Protobuf;
using R1Grains.Engine.Onnx.Schema;

namespace R1Grains.Engine.Tests.Onnx;

/// <summary>The float32 folder with keys, values and logits in float16, as folders built for GPUs have them.</summary>
internal static class HalfFolder
{
    private const int Float = 1;
    private const int Float16 = 10;

    public static string Make(int context = 2048) => ModelFolders.Edited("fp32", context, graph =>
    {
        foreach (var input in graph.Input.Where(input => input.Name.StartsWith("past_", StringComparison.Ordinal)))
        {
            input.Type.TensorType.ElemType = Float16;
            foreach (var node in graph.Node)
                for (var i = 0; i < node.Input.Count; i++)
                    if (node.Input[i] == input.Name)
                        node.Input[i] = input.Name + ".float";
            graph.Node.Insert(0, Cast(input.Name, input.Name + ".float", Float));
        }
        foreach (var output in graph.Output)
        {
            output.Type.TensorType.ElemType = Float16;
            foreach (var node in graph.Node)
                for (var i = 0; i < node.Output.Count; i++)
                    if (node.Output[i] == output.Name)
                        node.Output[i] = output.Name + ".float";
            graph.Node.Add(Cast(output.Name + ".float", output.Name, Float16));
        }
    });

    /// <summary>All in float16, weights too, so that a GPU has a kernel for every node.</summary>
    public static string MakeWhole(int context = 2048) => ModelFolders.Edited("fp32", context, graph =>
    {
        foreach (var value in graph.Input.Concat(graph.Output))
            if (value.Type.TensorType.ElemType == Float) value.Type.TensorType.ElemType = Float16;
        foreach (var tensor in graph.Initializer.Where(tensor => tensor.DataType == Float))
        {
            var singles = MemoryMarshal.Cast<byte, float>(tensor.RawData.Span);
            var halves = new Half[singles.Length];
            TensorPrimitives.ConvertToHalf(singles, halves);
            tensor.DataType = Float16;
            tensor.RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes<Half>(halves));
        }
    });

    private static NodeProto Cast(string from, string to, int type) => new()
    {
        OpType = "Cast",
        Name = $"cast {from}",
        Input = { from },
        Output = { to },
        Attribute = { new AttributeProto { Name = "to", I = type, Type = AttributeProto.Types.AttributeType.Int } },
    };
}
