using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using R1Grains.Engine.Models;

namespace R1Grains.Engine.Onnx;

/// <summary>A loaded graph that was found to take and give exactly what is bound.</summary>
internal sealed class DecoderGraph
{
    private readonly InferenceSession _session;
    private readonly GenAiConfig _config;
    private readonly string _path;
    private readonly TensorElementType[] _types;

    /// <param name="types">That keys and values may have, and logits too, apart from int8.</param>
    /// <exception cref="ModelFolderException">It takes or gives something else.</exception>
    public DecoderGraph(InferenceSession session, ModelFolder folder, params TensorElementType[] types)
    {
        (_session, _config, _path, _types) = (session, folder.Config, folder.OnnxPath, types);
        CheckInputs();
        CheckOutputs();
        KvType = session.InputMetadata[Named(_config.PastKeys, 0)].ElementDataType;
        var logits = Output(_config.Logits, 3);
        LogitsType = logits.ElementDataType;
        VocabularySize = logits.Dimensions[2] > 0 ? logits.Dimensions[2] : _config.VocabularySize;
        if (VocabularySize < folder.Model.Tokenizer.VocabularySize)
            throw new ModelFolderException($"{_path}: '{_config.Logits}' is {VocabularySize} wide, and tokenizer.json has ids up to {folder.Model.Tokenizer.VocabularySize - 1}; the two are of different models.");
        GivesLastOnly = logits.Dimensions[1] == 1;
    }

    public TensorElementType KvType { get; }

    public TensorElementType LogitsType { get; }

    /// <summary>Width of the logits.</summary>
    public int VocabularySize { get; }

    /// <summary>Logits come for the last position of a run only.</summary>
    public bool GivesLastOnly { get; }

    public static string Named(string pattern, int layer) => pattern.Replace("%d", layer.ToString(CultureInfo.InvariantCulture));

    private string Supported => string.Join(" and ", _types);

    private void CheckInputs()
    {
        var expected = new HashSet<string>();
        Expect(_config.InputIds, 2);
        Expect(_config.AttentionMask, 2);
        for (var layer = 0; layer < _config.Layers; layer++)
        {
            Expect(Named(_config.PastKeys, layer), 4);
            Expect(Named(_config.PastValues, layer), 4);
        }
        foreach (var name in _session.InputMetadata.Keys)
            if (!expected.Contains(name))
                throw new ModelFolderException($"{_path} has the input '{name}', which is not known; the engine binds {_config.InputIds}, {_config.AttentionMask} and keys and values of {_config.Layers} layers.");

        void Expect(string name, int rank)
        {
            var input = _session.InputMetadata.GetValueOrDefault(name) ?? throw new ModelFolderException($"{_path} has no input '{name}', which genai_config.json names.");
            if (!expected.Add(name)) throw NamedTwice("input", name);
            if (rank == 2 ? input.ElementDataType is not TensorElementType.Int64 : !_types.Contains(input.ElementDataType))
                throw new ModelFolderException($"{_path}: input '{name}' has type {input.ElementDataType}; supported: {(rank == 2 ? "Int64" : Supported)}.");
            if (input.Dimensions.Length != rank)
                throw new ModelFolderException($"{_path}: input '{name}' has {input.Dimensions.Length} dimensions; supported: {rank}.");
            if (rank == 4 && (input.Dimensions[1] != _config.KvHeads || input.Dimensions[3] != _config.HeadSize))
                throw new ModelFolderException($"{_path}: input '{name}' is [{string.Join(", ", input.Dimensions)}]; genai_config.json says {_config.KvHeads} heads of {_config.HeadSize}.");
        }
    }

    private void CheckOutputs()
    {
        var expected = new HashSet<string> { _config.Logits };
        for (var layer = 0; layer < _config.Layers; layer++)
            foreach (var name in new[] { Named(_config.PresentKeys, layer), Named(_config.PresentValues, layer) })
            {
                Output(name, 4);
                if (!expected.Add(name)) throw NamedTwice("output", name);
            }
    }

    private ModelFolderException NamedTwice(string what, string name) =>
        new($"genai_config.json names the {what} '{name}' of {_path} twice; names of layers need %d for their number.");

    private NodeMetadata Output(string name, int rank)
    {
        var output = _session.OutputMetadata.GetValueOrDefault(name) ?? throw new ModelFolderException($"{_path} has no output '{name}', which genai_config.json names.");
        return _types.Contains(output.ElementDataType) && output.Dimensions.Length == rank && (rank == 4 || output.ElementDataType != TensorElementType.Int8)
            ? output
            : throw new ModelFolderException($"{_path}: output '{name}' is {output.ElementDataType} with {output.Dimensions.Length} dimensions; supported: {Supported} with {rank}, logits not Int8.");
    }
}
