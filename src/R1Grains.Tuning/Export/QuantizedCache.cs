using System.Globalization;
using System.Runtime.InteropServices;
using Google.Protobuf;
using R1Grains.Engine.Onnx.Schema;
using Served = R1Grains.Engine.Models.ModelFolder;

namespace R1Grains.Tuning.Export;

/// <summary>
/// A model whose keys and values are kept as int8, one scale per head and channel: a quarter of the memory, for prompts
/// whose attention takes three to four times as long on CPUs. The graph stays as it is but for its GroupQueryAttention
/// nodes, which get the scales and whose past and present become int8.
/// </summary>
internal static class QuantizedCache
{
    // The places of k_scale and v_scale among the inputs of GroupQueryAttention.
    private const int KeyScale = 12, ValueScale = 13;
    private const int LevelMax = 127;

    /// <summary>Writes the copy of a folder.</summary>
    /// <param name="texts">Token ids that show how large keys and values get.</param>
    /// <exception cref="InvalidDataException">The graph is not one of float32 keys and values with GroupQueryAttention.</exception>
    public static void Write(Served source, IEnumerable<int[]> texts, string folder)
    {
        var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(source.OnnxPath));
        var nodes = Attentions(model.Graph, source);
        var range = CacheRange.Measure(source, texts, nodes[0].Attribute.Any(a => a is { Name: "rotary_interleaved", I: 1 }));
        for (var layer = 0; layer < nodes.Count; layer++)
        {
            Set(nodes[layer], KeyScale, Scale($"{nodes[layer].Name}.k_scale", range.Keys[layer]));
            Set(nodes[layer], ValueScale, Scale($"{nodes[layer].Name}.v_scale", range.Values[layer]));
            nodes[layer].Attribute.Add(Text("k_quant_type", "PER_CHANNEL"));
            nodes[layer].Attribute.Add(Text("v_quant_type", "PER_CHANNEL"));
            nodes[layer].Attribute.Add(new AttributeProto { Name = "kv_cache_bit_width", I = 8, Type = AttributeProto.Types.AttributeType.Int });
        }
        foreach (var cache in model.Graph.Input.Concat(model.Graph.Output).Where(v => nodes.Any(node => Caches(node).Contains(v.Name))))
            cache.Type.TensorType.ElemType = (int)TensorProto.Types.DataType.Int8;

        foreach (var file in Directory.EnumerateFiles(source.Path, "*", SearchOption.AllDirectories).Where(file => file != source.OnnxPath && !IsAbout(file)))
            File.Copy(file, Inside(file), overwrite: true);
        File.WriteAllBytes(Inside(source.OnnxPath), model.ToByteArray());
        ModelFolder.WriteSums(folder, [source.Config.FileName, .. Engine.Models.OnnxFile.ExternalLocations(source.OnnxPath)]);

        string Scale(string name, float[] largest)
        {
            // A channel that is always zero needs some scale all the same.
            float[] scales = [.. largest.Select(x => x > 0 ? x / LevelMax : 1)];
            var tensor = new TensorProto { Name = name, DataType = (int)TensorProto.Types.DataType.Float, RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(scales.AsSpan())) };
            tensor.Dims.AddRange([1, source.Config.KvHeads, 1, source.Config.HeadSize]);
            model.Graph.Initializer.Add(tensor);
            return name;
        }

        string Inside(string file)
        {
            var path = Path.Combine(folder, Path.GetRelativePath(source.Path, file));
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            return path;
        }
    }

    /// <summary>Sums and card tell of the model as it was.</summary>
    private static bool IsAbout(string file) => Path.GetFileName(file) is "SHA256SUMS" or "README.md";

    /// <summary>The attention nodes, by layer.</summary>
    private static List<NodeProto> Attentions(GraphProto graph, Served source)
    {
        var types = graph.Input.ToDictionary(input => input.Name, input => (TensorProto.Types.DataType)input.Type.TensorType.ElemType, StringComparer.Ordinal);
        return [.. Enumerable.Range(0, source.Config.Layers).Select(layer =>
        {
            string Named(string pattern) => pattern.Replace("%d", layer.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
            string[] caches = [Named(source.Config.PastKeys), Named(source.Config.PastValues), Named(source.Config.PresentKeys), Named(source.Config.PresentValues)];
            foreach (var past in caches[..2].Where(past => types.GetValueOrDefault(past) != TensorProto.Types.DataType.Float))
                throw new InvalidDataException($"{source.OnnxPath}: input '{past}' is {(types.TryGetValue(past, out var type) ? $"{type}" : "missing")}; only a cache of float32 can be quantised.");
            return graph.Node.SingleOrDefault(node => node.OpType == "GroupQueryAttention" && Caches(node).SequenceEqual(caches))
                ?? throw new InvalidDataException($"{source.OnnxPath}: no GroupQueryAttention turns '{caches[0]}' into '{caches[2]}'.");
        })];
    }

    /// <summary>Past and present keys and values.</summary>
    private static string[] Caches(NodeProto attention) => [.. attention.Input.Skip(3).Take(2), .. attention.Output.Skip(1).Take(2)];

    private static void Set(NodeProto node, int place, string input)
    {
        while (node.Input.Count <= place) node.Input.Add("");
        node.Input[place] = input;
    }

    private static AttributeProto Text(string name, string value) =>
        new() { Name = name, S = ByteString.CopyFromUtf8(value), Type = AttributeProto.Types.AttributeType.String };
}
