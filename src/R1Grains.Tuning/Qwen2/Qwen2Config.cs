using System.Text.Json;
using System.Text.Json.Serialization;

namespace R1Grains.Tuning.Qwen2;

/// <summary>The part of a Hugging Face <c>config.json</c> of a Qwen2-family model that shapes the network.</summary>
public sealed record Qwen2Config
{
    [JsonPropertyName("architectures")] public IReadOnlyList<string> Architectures { get; init; } = ["Qwen2ForCausalLM"];
    [JsonPropertyName("model_type")] public string ModelType { get; init; } = "qwen2";
    [JsonPropertyName("hidden_size")] public required int HiddenSize { get; init; }
    [JsonPropertyName("num_hidden_layers")] public required int Layers { get; init; }
    [JsonPropertyName("num_attention_heads")] public required int Heads { get; init; }
    [JsonPropertyName("num_key_value_heads")] public required int KeyValueHeads { get; init; }
    [JsonPropertyName("intermediate_size")] public required int IntermediateSize { get; init; }
    [JsonPropertyName("vocab_size")] public required int VocabularySize { get; init; }
    [JsonPropertyName("max_position_embeddings")] public required int ContextLength { get; init; }
    [JsonPropertyName("rms_norm_eps")] public double NormEpsilon { get; init; } = 1e-6;
    [JsonPropertyName("rope_theta")] public double RopeTheta { get; init; } = 10_000;
    [JsonPropertyName("tie_word_embeddings")] public bool TiedEmbeddings { get; init; } = true;
    [JsonPropertyName("hidden_act")] public string Activation { get; init; } = "silu";
    [JsonPropertyName("initializer_range")] public double InitializerRange { get; init; } = 0.02;
    [JsonPropertyName("use_sliding_window")] public bool SlidingWindow { get; init; }
    [JsonPropertyName("torch_dtype")] public string DataType { get; init; } = "float32";
    [JsonPropertyName("bos_token_id")] public int BosTokenId { get; init; }
    [JsonPropertyName("eos_token_id")] public int EosTokenId { get; init; } = 1;

    [JsonIgnore] public int HeadSize => HiddenSize / Heads;

    /// <exception cref="InvalidDataException">The file describes a network that this module does not compute; the field is named.</exception>
    public static Qwen2Config Load(string folder)
    {
        var path = Path.Combine(folder, "config.json");
        var config = JsonSerializer.Deserialize<Qwen2Config>(File.ReadAllText(path))
            ?? throw new InvalidDataException($"{path} is empty.");
        return config.Checked(path);
    }

    public void Save(string folder) =>
        File.WriteAllText(Path.Combine(folder, "config.json"), JsonSerializer.Serialize(this, Indented) + "\n");

    internal Qwen2Config Checked(string origin)
    {
        void Require(bool holds, string field, object value, string need)
        {
            if (!holds)
                throw new InvalidDataException($"{origin}: {field} is {value}; {need}.");
        }

        Require(ModelType == "qwen2", "model_type", ModelType, "only qwen2 is supported");
        Require(Activation == "silu", "hidden_act", Activation, "only silu is supported");
        Require(!SlidingWindow, "use_sliding_window", SlidingWindow, "only full attention is supported");
        Require(Heads > 0 && HiddenSize % Heads == 0, "num_attention_heads", Heads, $"it must divide hidden_size {HiddenSize}");
        Require(HeadSize % 16 == 0, "hidden_size / num_attention_heads", HeadSize, "rotary attention needs a multiple of 16");
        Require(KeyValueHeads > 0 && Heads % KeyValueHeads == 0, "num_key_value_heads", KeyValueHeads, $"it must divide num_attention_heads {Heads}");
        Require(Layers > 0, "num_hidden_layers", Layers, "it must be positive");
        return this;
    }

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
}
