using System.Globalization;
using System.Runtime.InteropServices;
using Google.Protobuf;
using R1Grains.Engine.Onnx.Schema;

namespace R1Grains.Tuning.Export;

/// <summary>An ONNX graph under construction. Large models put their tensors into <c>model.onnx.data</c> as they come.</summary>
internal sealed class OnnxGraph(Stream? externalData)
{
    public const string ExternalFile = "model.onnx.data";
    public const string Microsoft = "com.microsoft";

    /// <summary>Smaller tensors stay inside the graph, where shape inference can read them.</summary>
    private const int ExternalBytesMin = 1_024;

    private const int Alignment = 4_096;
    private const int IrVersion = 10, OpsetVersion = 21;

    private readonly GraphProto _graph = new() { Name = "main_graph" };

    /// <summary>Adds a node and returns its first output.</summary>
    public string Node(string type, string domain, string name, IEnumerable<string> inputs, IReadOnlyList<string> outputs, params (string Name, object Value)[] attributes)
    {
        var node = new NodeProto { OpType = type, Domain = domain, Name = name };
        node.Input.AddRange(inputs);
        node.Output.AddRange(outputs);
        foreach (var (key, value) in attributes)
        {
            node.Attribute.Add(value is float f
                ? new AttributeProto { Name = key, F = f, Type = AttributeProto.Types.AttributeType.Float }
                : new AttributeProto { Name = key, I = Convert.ToInt64(value, CultureInfo.InvariantCulture), Type = AttributeProto.Types.AttributeType.Int });
        }
        _graph.Node.Add(node);
        return outputs[0];
    }

    /// <summary>A node whose one output is named after it.</summary>
    public string Node(string type, string domain, string name, IEnumerable<string> inputs, params (string Name, object Value)[] attributes) =>
        Node(type, domain, name, inputs, [name + "/output_0"], attributes);

    public string Constant<T>(string name, ReadOnlySpan<T> values, params long[] shape)
        where T : unmanaged
    {
        var tensor = new TensorProto { Name = name, DataType = (int)TypeOf<T>() };
        tensor.Dims.AddRange(shape);
        var bytes = MemoryMarshal.AsBytes(values);
        if (externalData is null || bytes.Length < ExternalBytesMin)
        {
            tensor.RawData = ByteString.CopyFrom(bytes);
        }
        else
        {
            externalData.Position = (externalData.Position + Alignment - 1) / Alignment * Alignment;
            tensor.DataLocation = TensorProto.Types.DataLocation.External;
            foreach (var (key, value) in new (string, object)[] { ("location", ExternalFile), ("offset", externalData.Position), ("length", bytes.Length) })
                tensor.ExternalData.Add(new StringStringEntryProto { Key = key, Value = string.Create(CultureInfo.InvariantCulture, $"{value}") });
            externalData.Write(bytes);
        }
        _graph.Initializer.Add(tensor);
        return name;
    }

    /// <param name="shape">Numbers, or names of dimensions that vary.</param>
    public string Input<T>(string name, params object[] shape)
        where T : unmanaged
    {
        _graph.Input.Add(Value<T>(name, shape));
        return name;
    }

    public string Output<T>(string name, params object[] shape)
        where T : unmanaged
    {
        _graph.Output.Add(Value<T>(name, shape));
        return name;
    }

    public void Save(string path)
    {
        var model = new ModelProto { IrVersion = IrVersion, ProducerName = "r1-tune", ProducerVersion = typeof(OnnxGraph).Assembly.GetName().Version!.ToString(3), Graph = _graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = OpsetVersion });
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = Microsoft, Version = 1 });
        using var file = File.Create(path);
        model.WriteTo(file);
    }

    private static ValueInfoProto Value<T>(string name, object[] shape)
    {
        var dimensions = new TensorShapeProto();
        foreach (var size in shape)
            dimensions.Dim.Add(size is string named
                ? new TensorShapeProto.Types.Dimension { DimParam = named }
                : new TensorShapeProto.Types.Dimension { DimValue = Convert.ToInt64(size, CultureInfo.InvariantCulture) });
        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)TypeOf<T>(), Shape = dimensions } },
        };
    }

    private static TensorProto.Types.DataType TypeOf<T>() => default(T) switch
    {
        float => TensorProto.Types.DataType.Float,
        byte => TensorProto.Types.DataType.Uint8,
        int => TensorProto.Types.DataType.Int32,
        long => TensorProto.Types.DataType.Int64,
        _ => throw new NotSupportedException($"{typeof(T)} has no use in these graphs."),
    };
}
