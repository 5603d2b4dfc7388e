using System.Text.Json;

namespace R1Grains.Engine.Models;

/// <summary>What <c>genai_config.json</c> says of a decoder with grouped-query attention and shared past/present buffers.</summary>
internal sealed record GenAiConfig
{
    // Windows beyond this are not served; the cache of a row is as long as the context.
    private const int ContextLengthMax = 32_768;

    // Fewer hold no conversation, and not what a device computes at its start.
    private const int ContextLengthMin = 128;
    private static readonly string[] Types = ["qwen2", "qwen3", "llama"];

    public required string FileName { get; init; }

    public required int ContextLength { get; init; }

    public required int VocabularySize { get; init; }

    public required int Layers { get; init; }

    public required int AttentionHeads { get; init; }

    public required int KvHeads { get; init; }

    public required int HeadSize { get; init; }

    public required string InputIds { get; init; }

    public required string AttentionMask { get; init; }

    /// <summary>Names with <c>%d</c> for the layer.</summary>
    public required string PastKeys { get; init; }

    public required string PastValues { get; init; }

    public required string Logits { get; init; }

    public required string PresentKeys { get; init; }

    public required string PresentValues { get; init; }

    public required IReadOnlyList<int> EndIds { get; init; }

    public required SamplingOptions Defaults { get; init; }

    public static GenAiConfig Read(string folder)
    {
        var path = Path.Combine(folder, "genai_config.json");
        if (!File.Exists(path)) throw new ModelFolderException($"{path} is missing; a model folder is made by onnxruntime-genai's model builder.");
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return Read(new Node(path, "", document.RootElement));
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException) // The latter for texts that are no Unicode.
        {
            throw new ModelFolderException($"{path} is not valid JSON: {broken.Message}", broken);
        }
    }

    private static GenAiConfig Read(Node root)
    {
        var model = root["model"];
        var type = model["type"].Text;
        if (!Types.Contains(type)) throw model["type"].Refuse($"'{type}'", $"supported: {string.Join(", ", Types)}");
        var decoder = model["decoder"];
        if (decoder.Find("sliding_window") is { } window) throw window.Refuse("set", "models with a sliding attention window cannot be run");
        if (root.Find("search")?.Find("past_present_share_buffer") is { Json.ValueKind: JsonValueKind.False } share)
            throw share.Refuse("false", "the model must be built for shared past and present buffers (grouped-query attention)");
        var (inputs, outputs) = (decoder["inputs"], decoder["outputs"]);
        return new GenAiConfig
        {
            FileName = decoder["filename"].Text,
            ContextLength = Math.Min(ContextLengthMax, model["context_length"].AtLeast(ContextLengthMin)),
            VocabularySize = model["vocab_size"].Positive,
            Layers = decoder["num_hidden_layers"].Positive,
            AttentionHeads = decoder["num_attention_heads"].Positive,
            KvHeads = decoder["num_key_value_heads"].Positive,
            HeadSize = decoder["head_size"].Positive,
            InputIds = inputs["input_ids"].Text,
            AttentionMask = inputs["attention_mask"].Text,
            PastKeys = inputs["past_key_names"].Text,
            PastValues = inputs["past_value_names"].Text,
            Logits = outputs["logits"].Text,
            PresentKeys = outputs["present_key_names"].Text,
            PresentValues = outputs["present_value_names"].Text,
            EndIds = model["eos_token_id"].Integers,
            Defaults = ReadDefaults(root.Find("search")),
        };
    }

    private static SamplingOptions ReadDefaults(Node? search)
    {
        var defaults = new SamplingOptions();
        if (search is null) return defaults;
        var read = defaults with
        {
            Temperature = search.Find("do_sample") is { Json.ValueKind: JsonValueKind.False } ? 0 : search.Find("temperature")?.Number ?? defaults.Temperature,
            TopP = search.Find("top_p")?.Number ?? defaults.TopP,
            TopK = (int)(search.Find("top_k")?.Number ?? defaults.TopK),
            RepetitionPenalty = search.Find("repetition_penalty")?.Number ?? defaults.RepetitionPenalty,
        };
        return read.OutOfRange() is var (name, value, range)
            ? throw search[JsonNamingPolicy.SnakeCaseLower.ConvertName(name)].Refuse($"{value}", $"it must be {range}")
            : read;
    }

    /// <summary>A JSON value that knows where it stands, for errors.</summary>
    private sealed record Node(string Path, string Name, JsonElement Json)
    {
        public Node this[string field] => Find(field) ?? throw new ModelFolderException($"{Path}: '{Qualify(field)}' is missing.");

        public string Text => Json.ValueKind == JsonValueKind.String ? Json.GetString()! : throw Refuse(Json.ToString(), "a text is needed");

        public float Number => Json.ValueKind == JsonValueKind.Number ? Json.GetSingle() : throw Refuse(Json.ToString(), "a number is needed");

        public int Positive => AtLeast(1);

        public IReadOnlyList<int> Integers => Json.ValueKind == JsonValueKind.Array ? [.. Json.EnumerateArray().Select(Integer)] : [Integer(Json)];

        public Node? Find(string field) => Json.ValueKind == JsonValueKind.Object && Json.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null
            ? new Node(Path, Qualify(field), value)
            : null;

        public ModelFolderException Refuse(string value, string remedy) => new($"{Path}: '{Name}' is {value}; {remedy}.");

        public int AtLeast(int least) => Integer(Json) is var value && value >= least ? value : throw Refuse(Json.ToString(), $"{least} or more is needed");

        private int Integer(JsonElement value) =>
            value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var integer) ? integer : throw Refuse(value.ToString(), "a whole number is needed");

        private string Qualify(string field) => Name.Length == 0 ? field : $"{Name}.{field}";
    }
}
