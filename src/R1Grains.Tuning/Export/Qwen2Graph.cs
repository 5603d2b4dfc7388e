using R1Grains.Tuning.Qwen2;

namespace R1Grains.Tuning.Export;

/// <summary>
/// The Qwen2 decoder as an ONNX graph in the layout of onnxruntime-genai: <c>input_ids</c>, <c>attention_mask</c> and
/// <c>past_key_values.{i}.key|value</c> in, <c>logits</c> of the last position and <c>present.{i}.key|value</c> out,
/// attention as GroupQueryAttention with rotary embedding inside, whose past and present may share one buffer.
/// </summary>
/// <param name="blockSize">Weights per scale at most; a matrix that it does not divide takes the next smaller size.</param>
internal sealed class Qwen2Graph(Qwen2Config config, Func<string, float[]> weight, Precision precision, int blockSize, OnnxGraph graph)
{
    private const string Batch = "batch_size", Sequence = "sequence_length", Past = "past_sequence_length", Total = "total_sequence_length";

    // int8 activations against the quantised weights; anything else is several times slower on CPUs.
    private const int AccuracyLevel = 4;

    public void Build()
    {
        var ids = graph.Input<long>("input_ids", Batch, Sequence);
        var mask = graph.Input<long>("attention_mask", Batch, Total);
        var (lastIndex, total) = Lengths(mask);
        var (cos, sin) = RotaryTables.Build(config, config.ContextLength);
        var cosines = graph.Constant<float>("cos_cache", cos, config.ContextLength, config.HeadSize / 2);
        var sines = graph.Constant<float>("sin_cache", sin, config.ContextLength, config.HeadSize / 2);

        var embeddings = weight("model.embed_tokens.weight");
        var residual = graph.Node("Gather", "", "/model/embed_tokens/Gather",
            [graph.Constant<float>("model.embed_tokens.weight", embeddings, config.VocabularySize, config.HiddenSize), ids]);
        var normed = graph.Node("SimplifiedLayerNormalization", "", "/model/layers.0/input_layernorm",
            [residual, Gamma("model.layers.0.input_layernorm")], ("axis", -1), ("epsilon", (float)config.NormEpsilon), ("stash_type", 1));
        for (var layer = 0; layer < config.Layers; layer++)
        {
            var attended = Attention(layer, normed, lastIndex, total, cosines, sines);
            (residual, normed) = AddAndNorm($"model.layers.{layer}.post_attention_layernorm", residual, attended);
            var next = layer + 1 < config.Layers ? $"model.layers.{layer + 1}.input_layernorm" : "model.norm";
            (residual, normed) = AddAndNorm(next, residual, FeedForward(layer, normed));
        }

        // Only the last position is sampled from: a long prompt's other logits would cost more than its layers.
        var last = graph.Node("Gather", "", "/model/last", [normed, graph.Constant<long>("/constants/last", [-1], 1)], ("axis", 1));
        var head = config.TiedEmbeddings ? embeddings : weight("lm_head.weight");
        Linear("lm_head", last, head, config.VocabularySize, config.HiddenSize, graph.Output<float>("logits", Batch, 1, config.VocabularySize));
    }

    /// <summary>Per row the index of its last position, and the width of the mask, both int32.</summary>
    private (string LastIndex, string Total) Lengths(string mask)
    {
        const string int32 = "to";
        var one = graph.Constant<long>("/constants/one", [1], 1);
        var sum = graph.Node("ReduceSum", "", "/mask/ReduceSum", [mask, one], ("keepdims", 0));
        var last = graph.Node("Sub", "", "/mask/Sub", [sum, one]);
        var shape = graph.Node("Shape", "", "/mask/Shape", [mask]);
        var width = graph.Node("Gather", "", "/mask/Gather", [shape, graph.Constant<long>("/constants/one_scalar", [1])], ("axis", 0));
        return (graph.Node("Cast", "", "/mask/last_index", [last], (int32, 6)), graph.Node("Cast", "", "/mask/total", [width], (int32, 6)));
    }

    private string Attention(int layer, string x, string lastIndex, string total, string cos, string sin)
    {
        var prefix = $"model.layers.{layer}.self_attn.";
        int queries = config.HiddenSize, keys = config.KeyValueHeads * config.HeadSize, width = queries + 2 * keys;
        float[] Packed(string kind) => [.. weight($"{prefix}q_proj.{kind}"), .. weight($"{prefix}k_proj.{kind}"), .. weight($"{prefix}v_proj.{kind}")];
        var product = Linear($"{prefix}qkv_proj", x, Packed("weight"), width, config.HiddenSize);
        var packed = graph.Node("Add", "", $"/{prefix}qkv_proj/Add", [product, graph.Constant<float>($"{prefix}qkv_proj.bias", Packed("bias"), width)]);

        string Cache(string name, Func<string, object[], string> add, string length) =>
            add(name, [Batch, config.KeyValueHeads, length, config.HeadSize]);
        var attended = graph.Node("GroupQueryAttention", OnnxGraph.Microsoft, $"/{prefix}GroupQueryAttention",
            [packed, "", "", Cache($"past_key_values.{layer}.key", graph.Input<float>, Past), Cache($"past_key_values.{layer}.value", graph.Input<float>, Past), lastIndex, total, cos, sin],
            [$"/{prefix}attended", Cache($"present.{layer}.key", graph.Output<float>, Total), Cache($"present.{layer}.value", graph.Output<float>, Total)],
            ("num_heads", config.Heads), ("kv_num_heads", config.KeyValueHeads), ("scale", 1 / MathF.Sqrt(config.HeadSize)),
            ("do_rotary", 1), ("rotary_interleaved", 0), ("local_window_size", -1));
        return Linear($"{prefix}o_proj", attended, weight($"{prefix}o_proj.weight"), config.HiddenSize, config.HiddenSize);
    }

    private string FeedForward(int layer, string x)
    {
        var prefix = $"model.layers.{layer}.mlp.";
        var gate = Linear($"{prefix}gate_proj", x, weight($"{prefix}gate_proj.weight"), config.IntermediateSize, config.HiddenSize);
        var up = Linear($"{prefix}up_proj", x, weight($"{prefix}up_proj.weight"), config.IntermediateSize, config.HiddenSize);
        var silu = graph.Node("Mul", "", $"/{prefix}silu", [gate, graph.Node("Sigmoid", "", $"/{prefix}sigmoid", [gate])]);
        return Linear($"{prefix}down_proj", graph.Node("Mul", "", $"/{prefix}gated", [silu, up]), weight($"{prefix}down_proj.weight"), config.HiddenSize, config.IntermediateSize);
    }

    private (string Residual, string Normed) AddAndNorm(string norm, string residual, string addition)
    {
        string normed = $"/{norm}/output_0", sum = $"/{norm}/output_3";
        graph.Node("SkipSimplifiedLayerNormalization", OnnxGraph.Microsoft, $"/{norm}", [residual, addition, Gamma(norm)],
            [normed, "", "", sum], ("epsilon", (float)config.NormEpsilon));
        return (sum, normed);
    }

    private string Gamma(string norm) => graph.Constant<float>($"{norm}.weight", weight($"{norm}.weight"), config.HiddenSize);

    /// <param name="weights">[rows = outputs, columns = inputs], row-major.</param>
    private string Linear(string name, string x, float[] weights, int rows, int columns, string? output = null)
    {
        IReadOnlyList<string> outputs = [output ?? $"/{name}/output_0"];
        if (precision == Precision.Fp32)
        {
            var transposed = new float[weights.Length];
            for (var r = 0; r < rows; r++)
                for (var c = 0; c < columns; c++)
                    transposed[c * rows + r] = weights[r * columns + c];
            return graph.Node("MatMul", "", $"/{name}/MatMul", [x, graph.Constant<float>($"{name}.MatMul.weight", transposed, columns, rows)], outputs);
        }
        var quantized = BlockQuantization.Of(weights, (int)precision, BlockQuantization.SizeFor(columns, blockSize));
        var blocks = columns / quantized.BlockSize;
        return graph.Node("MatMulNBits", OnnxGraph.Microsoft, $"/{name}/MatMulNBits",
            [
                x,
                graph.Constant<byte>($"{name}.MatMulNBits.qweight", quantized.Blocks, rows, blocks, quantized.BlockSize * quantized.Bits / 8),
                graph.Constant<float>($"{name}.MatMulNBits.scales", quantized.Scales, rows, blocks),
            ],
            outputs, ("K", columns), ("N", rows), ("bits", quantized.Bits), ("block_size", quantized.BlockSize), ("accuracy_level", AccuracyLevel));
    }
}
