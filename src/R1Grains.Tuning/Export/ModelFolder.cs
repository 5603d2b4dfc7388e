using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using R1Grains.Tuning.Qwen2;
using static TorchSharp.torch;

namespace R1Grains.Tuning.Export;

/// <summary>Writes the folder that serving loads: <c>model.onnx</c>, <c>genai_config.json</c> and the tokenizer's files.</summary>
public static class ModelFolder
{
    /// <summary>Above this the weights go into a file of their own: one protobuf message ends at 2 GiB.</summary>
    private const long InlineBytesMax = 1L << 30;

    /// <summary>What DeepSeek recommends for R1.</summary>
    public const double DefaultTemperature = 0.6;

    private const string GraphFile = "model.onnx";
    private static readonly string[] TokenizerFiles = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"];

    /// <param name="tokenizerFolder">Where the tokenizer's files lie.</param>
    /// <param name="temperature">What serving samples with; 0 takes the likeliest token always.</param>
    /// <param name="blockSize">Quantised weights per scale at most; null chooses by the model's width.</param>
    public static void Write(Qwen2Model model, string tokenizerFolder, Precision precision, string folder, double temperature = DefaultTemperature, int? blockSize = null)
    {
        Directory.CreateDirectory(folder);
        foreach (var file in TokenizerFiles.Where(f => tokenizerFolder != folder && File.Exists(Path.Combine(tokenizerFolder, f))))
            File.Copy(Path.Combine(tokenizerFolder, file), Path.Combine(folder, file), overwrite: true);

        var weights = model.Weights().ToDictionary(w => w.Name, w => w.Value, StringComparer.Ordinal);
        var bytes = weights.Values.Sum(w => w.numel()) * (int)precision / 8;
        var externalPath = Path.Combine(folder, OnnxGraph.ExternalFile);
        File.Delete(externalPath);
        using (var external = bytes > InlineBytesMax ? File.Create(externalPath) : null)
        {
            var graph = new OnnxGraph(external);
            var size = blockSize ?? BlockQuantization.DefaultSize(Math.Max(model.Config.HiddenSize, model.Config.IntermediateSize));
            new Qwen2Graph(model.Config, name => Values(weights[name]), precision, size, graph).Build();
            graph.Save(Path.Combine(folder, GraphFile));
        }
        WriteConfiguration(model.Config, temperature, folder);
        WriteSums(folder, GraphFile, OnnxGraph.ExternalFile);
    }

    private static float[] Values(Tensor tensor)
    {
        using var flat = tensor.detach().to(ScalarType.Float32).contiguous();
        return [.. flat.data<float>()];
    }

    /// <summary>Serving refuses the folder once a byte of these files differs.</summary>
    /// <param name="weights">The graph and its external data, as the folder names them.</param>
    internal static void WriteSums(string folder, params IEnumerable<string> weights)
    {
        string[] files = ["genai_config.json", .. weights, .. TokenizerFiles];
        var sums = files.Order(StringComparer.Ordinal).Where(f => File.Exists(Path.Combine(folder, f)))
            .Select(f => $"{Hash(Path.Combine(folder, f))}  {f}\n");
        File.WriteAllText(Path.Combine(folder, "SHA256SUMS"), string.Concat(sums));

        static string Hash(string file)
        {
            using var stream = File.OpenRead(file);
            return Convert.ToHexStringLower(SHA256.HashData(stream));
        }
    }

    private static void WriteConfiguration(Qwen2Config config, double temperature, string folder)
    {
        var json = new JsonObject
        {
            ["model"] = new JsonObject
            {
                ["bos_token_id"] = config.BosTokenId,
                ["context_length"] = config.ContextLength,
                ["decoder"] = new JsonObject
                {
                    ["session_options"] = new JsonObject { ["log_id"] = "onnxruntime-genai", ["provider_options"] = new JsonArray() },
                    ["filename"] = GraphFile,
                    ["head_size"] = config.HeadSize,
                    ["hidden_size"] = config.HiddenSize,
                    ["inputs"] = new JsonObject
                    {
                        ["input_ids"] = "input_ids",
                        ["attention_mask"] = "attention_mask",
                        ["past_key_names"] = "past_key_values.%d.key",
                        ["past_value_names"] = "past_key_values.%d.value",
                    },
                    ["outputs"] = new JsonObject
                    {
                        ["logits"] = "logits",
                        ["present_key_names"] = "present.%d.key",
                        ["present_value_names"] = "present.%d.value",
                    },
                    ["num_attention_heads"] = config.Heads,
                    ["num_hidden_layers"] = config.Layers,
                    ["num_key_value_heads"] = config.KeyValueHeads,
                },
                ["eos_token_id"] = config.EosTokenId,
                ["pad_token_id"] = config.EosTokenId,
                ["type"] = "qwen2",
                ["vocab_size"] = config.VocabularySize,
            },
            ["search"] = new JsonObject
            {
                ["diversity_penalty"] = 0.0,
                ["do_sample"] = temperature > 0,
                ["early_stopping"] = true,
                ["length_penalty"] = 1.0,
                ["max_length"] = config.ContextLength,
                ["min_length"] = 0,
                ["no_repeat_ngram_size"] = 0,
                ["num_beams"] = 1,
                ["num_return_sequences"] = 1,
                ["past_present_share_buffer"] = true,
                ["repetition_penalty"] = 1.0,
                ["temperature"] = temperature > 0 ? temperature : DefaultTemperature,
                ["top_k"] = 50,
                ["top_p"] = 0.95,
            },
        };
        File.WriteAllText(Path.Combine(folder, "genai_config.json"), json.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
    }
}
