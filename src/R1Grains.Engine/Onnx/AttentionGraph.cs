using System.Text;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace R1Grains.Engine.Onnx;

/// <summary>
/// A model of one GroupQueryAttention node, written as an ONNX file is: field numbers and types are those of onnx.proto.
/// Query, keys and values come packed, as the model builder has them.
/// </summary>
internal static class AttentionGraph
{
    public const string Packed = "packed", PastKey = "past_key", PastValue = "past_value", Last = "last", Total = "total", Cos = "cos", Sin = "sin";
    public const string Output = "output", PresentKey = "present_key", PresentValue = "present_value";

    private const string Contributed = "com.microsoft";
    private const ulong IrVersion = 10, OpsetVersion = 21, ContributedVersion = 1, IntegerAttribute = 2;

    public static byte[] Of(AttentionShape shape, TensorElementType type, bool interleaved)
    {
        string[] inputs = [Packed, "", "", PastKey, PastValue, Last, Total, Cos, Sin];
        string[] outputs = [Output, PresentKey, PresentValue];
        (string, int)[] attributes = [("num_heads", shape.Heads), ("kv_num_heads", shape.KvHeads), ("do_rotary", 1), ("rotary_interleaved", interleaved ? 1 : 0)];
        byte[] node =
        [
            .. inputs.SelectMany(name => Field(1, name)), .. outputs.SelectMany(name => Field(2, name)), .. Field(4, "GroupQueryAttention"), .. Field(7, Contributed),
            .. attributes.SelectMany(attribute => Field(5, [.. Field(1, attribute.Item1), .. Field(3, (ulong)attribute.Item2), .. Field(20, IntegerAttribute)])),
        ];
        byte[] graph =
        [
            .. Field(1, node), .. Field(2, "attention"),
            .. Value(11, Packed, type, "batch", "length", "width"), .. Value(11, PastKey, type, "batch", "heads", "positions", "size"), .. Value(11, PastValue, type, "batch", "heads", "positions", "size"),
            .. Value(11, Last, TensorElementType.Int32, "batch"), .. Value(11, Total, TensorElementType.Int32), .. Value(11, Cos, type, "positions", "half"), .. Value(11, Sin, type, "positions", "half"),
            .. Value(12, Output, type, "batch", "length", "hidden"), .. Value(12, PresentKey, type, "batch", "heads", "positions", "size"), .. Value(12, PresentValue, type, "batch", "heads", "positions", "size"),
        ];
        return [.. Field(1, IrVersion), .. Field(7, graph), .. Opset("", OpsetVersion), .. Opset(Contributed, ContributedVersion)];
    }

    private static byte[] Opset(string domain, ulong version) => Field(8, [.. Field(1, domain), .. Field(2, version)]);

    private static byte[] Value(int field, string name, TensorElementType type, params string[] dimensions)
    {
        byte[] tensor = [.. Field(1, (ulong)type), .. Field(2, [.. dimensions.SelectMany(dimension => Field(1, Field(2, dimension)))])];
        return Field(field, [.. Field(1, name), .. Field(2, Field(1, tensor))]);
    }

    private static byte[] Field(int number, string text) => Field(number, Encoding.UTF8.GetBytes(text));

    private static byte[] Field(int number, byte[] content) => [.. Varint((ulong)number << 3 | 2), .. Varint((ulong)content.Length), .. content];

    private static byte[] Field(int number, ulong value) => [.. Varint((ulong)number << 3), .. Varint(value)];

    private static IEnumerable<byte> Varint(ulong value)
    {
        for (; value > 0x7f; value >>= 7) yield return (byte)(value | 0x80);
        yield return (byte)value;
    }
}
