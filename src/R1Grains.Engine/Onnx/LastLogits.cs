using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using R1Grains.Engine.Models;
using R1Grains.Engine.Onnx.Schema;

namespace R1Grains.Engine.Onnx;

/// <summary>
/// Lets a graph compute the logits of a chunk's last position only. Model builders leave those of all positions in, and
/// over a vocabulary of 150,000 they cost more than the layers and a third of a gigabyte a chunk.
/// </summary>
internal static class LastLogits
{
    private const string Last = "last_position";
    private const string Index = "last_index";

    // What may stand between the projection and the output, position by position.
    private static readonly string[] PositionWise = ["Cast", "Mul", "Div", "Tanh"];
    private static readonly string[] Projections = ["MatMul", "MatMulNBits"];

    /// <summary>Loads the model with the graph changed so, where it can be.</summary>
    /// <exception cref="ModelFolderException">Its attention is not what genai_config.json says.</exception>
    public static InferenceSession Load(ModelFolder folder, SessionOptions options)
    {
        var model = Read(folder.OnnxPath);
        AttentionNodes.Check(model.Graph, folder);
        if (Only(model, folder.Config.Logits) is not { } changed) return new InferenceSession(folder.OnnxPath, options);
        options.AddSessionConfigEntry("session.model_external_initializers_file_folder_path", folder.Path);
        return new InferenceSession(changed, options);
    }

    /// <summary>The graph with the last position taken before the projection; null when it is so already, or its end has another form than is known.</summary>
    public static byte[]? Only(string path, string logits) => Only(Read(path), logits);

    private static ModelProto Read(string path)
    {
        using var file = File.OpenRead(path);
        var model = ModelProto.Parser.ParseFrom(file);
        return model.Graph is null ? throw new ModelFolderException($"{path} holds no graph; it may be damaged or cut off.") : model;
    }

    private static byte[]? Only(ModelProto model, string logits)
    {
        var graph = model.Graph;
        if (graph.Output.FirstOrDefault(output => output.Name == logits) is not { Type.TensorType.Shape.Dim: { Count: 3 } dimensions } || dimensions[1].DimValue == 1) return null;
        var node = Producer(logits);
        while (node is not null && PositionWise.Contains(node.OpType)) node = Producer(node.Input[0]);
        if (node is null || !Projections.Contains(node.OpType)) return null;

        graph.Initializer.Add(new TensorProto
        {
            Name = Index,
            DataType = (int)TensorProto.Types.DataType.Int64,
            Dims = { 1 },
            RawData = ByteString.CopyFrom(BitConverter.GetBytes(-1L)),
        });
        graph.Node.Insert(graph.Node.IndexOf(node), new NodeProto
        {
            Name = Last,
            OpType = "Gather",
            Input = { node.Input[0], Index },
            Output = { Last },
            Attribute = { new AttributeProto { Name = "axis", I = 1, Type = AttributeProto.Types.AttributeType.Int } },
        });
        node.Input[0] = Last;
        dimensions[1] = new TensorShapeProto.Types.Dimension { DimValue = 1 };
        return model.ToByteArray();

        NodeProto? Producer(string name) => graph.Node.FirstOrDefault(candidate => candidate.Output.Contains(name));
    }
}
