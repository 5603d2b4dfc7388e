using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace R1Grains.Tuning.Qwen2;

/// <summary>
/// The Qwen2 decoder. Fields carry Hugging Face's parameter names, so that a state dict is a checkpoint's tensor list.
/// Linears run in <see cref="ComputeType"/>; parameters, residual stream, norms and attention stay float32.
/// </summary>
public sealed class Qwen2Model : Module<Tensor, Tensor>
{
    private readonly Embedding embed_tokens;
    private readonly ModuleList<Qwen2Layer> layers;
    private readonly Qwen2Norm norm;
    private readonly Linear? lm_head;

    public Qwen2Config Config { get; }

    /// <summary>bfloat16 halves the time of the linears where the processor has avx512_bf16; float32 is exact.</summary>
    public ScalarType ComputeType { get; set; } = ScalarType.Float32;

    public Qwen2Model(Qwen2Config config)
        : base("model")
    {
        Config = config.Checked("model configuration");
        embed_tokens = Embedding(config.VocabularySize, config.HiddenSize);
        layers = new ModuleList<Qwen2Layer>([.. Enumerable.Range(0, config.Layers).Select(_ => new Qwen2Layer(config))]);
        norm = new Qwen2Norm(config);
        if (!config.TiedEmbeddings)
            lm_head = Linear(config.HiddenSize, config.VocabularySize, hasBias: false);
        RegisterComponents();
    }

    /// <summary>Draws every weight anew: normal(0, initializer_range), output projections divided by √(2·layers), norms one, biases zero.</summary>
    public void Initialize(long seed)
    {
        manual_seed(seed);
        using var _ = no_grad();
        foreach (var (name, parameter) in named_parameters())
        {
            if (name.EndsWith("norm.weight", StringComparison.Ordinal))
                parameter.fill_(1);
            else if (parameter.dim() < 2)
                parameter.zero_();
            else if (name.EndsWith("o_proj.weight", StringComparison.Ordinal) || name.EndsWith("down_proj.weight", StringComparison.Ordinal))
                parameter.normal_(0, Config.InitializerRange / Math.Sqrt(2.0 * Config.Layers));
            else
                parameter.normal_(0, Config.InitializerRange);
        }
    }

    /// <summary>Token ids [batch, sequence] (int64, right-padded) to normalised hidden states [batch, sequence, hidden] (float32).</summary>
    public override Tensor forward(Tensor ids)
    {
        var rotary = Rotary(ids.shape[1]);
        var hidden = embed_tokens.forward(ids);
        foreach (var layer in layers)
            hidden = layer.Forward(hidden, rotary.Cos, rotary.Sin, ComputeType);
        return norm.forward(hidden);
    }

    /// <summary>Hidden states [.., hidden] to logits [.., vocabulary], float32.</summary>
    public Tensor Logits(Tensor hidden)
    {
        var weight = lm_head?.weight ?? embed_tokens.weight!;
        return functional.linear(hidden.to(ComputeType), weight.to(ComputeType)).to(ScalarType.Float32);
    }

    /// <summary>Parameters under the names of a Hugging Face checkpoint: <c>model.layers.0.self_attn.q_proj.weight</c>, <c>lm_head.weight</c>.</summary>
    public IEnumerable<(string Name, Parameter Value)> Weights() =>
        named_parameters().Select(p => (p.name.StartsWith("lm_head", StringComparison.Ordinal) ? p.name : "model." + p.name, p.parameter));

    private (Tensor Cos, Tensor Sin) Rotary(long length)
    {
        var (cos, sin) = RotaryTables.Build(Config, (int)length);
        // [sequence, head/2] twice, so that it lies beside both halves of a head.
        return (tensor(cos).view(length, -1).repeat(1, 2), tensor(sin).view(length, -1).repeat(1, 2));
    }
}

/// <summary>cos and sin of position × frequency, row-major [length, head_size / 2]; the exported graph carries the same numbers.</summary>
internal static class RotaryTables
{
    public static (float[] Cos, float[] Sin) Build(Qwen2Config config, int length)
    {
        var half = config.HeadSize / 2;
        float[] cos = new float[length * half], sin = new float[length * half];
        for (var j = 0; j < half; j++)
        {
            var frequency = Math.Pow(config.RopeTheta, -(double)j / half);
            for (var t = 0; t < length; t++)
                (sin[t * half + j], cos[t * half + j]) = ((float)Math.Sin(t * frequency), (float)Math.Cos(t * frequency));
        }
        return (cos, sin);
    }
}

internal sealed class Qwen2Norm : Module<Tensor, Tensor>
{
    private readonly Parameter weight;
    private readonly double _epsilon;

    public Qwen2Norm(Qwen2Config config)
        : base("norm")
    {
        weight = new Parameter(ones(config.HiddenSize));
        _epsilon = config.NormEpsilon;
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => x * (x.square().mean([-1], keepdim: true) + _epsilon).rsqrt() * weight;
}

internal sealed class Qwen2Layer : Module
{
    private readonly Qwen2Norm input_layernorm;
    private readonly Qwen2Attention self_attn;
    private readonly Qwen2Norm post_attention_layernorm;
    private readonly Qwen2Mlp mlp;

    public Qwen2Layer(Qwen2Config config)
        : base("layer")
    {
        input_layernorm = new Qwen2Norm(config);
        self_attn = new Qwen2Attention(config);
        post_attention_layernorm = new Qwen2Norm(config);
        mlp = new Qwen2Mlp(config);
        RegisterComponents();
    }

    public Tensor Forward(Tensor hidden, Tensor cos, Tensor sin, ScalarType compute)
    {
        hidden = hidden + self_attn.Forward(input_layernorm.forward(hidden).to(compute), cos, sin);
        return hidden + mlp.Forward(post_attention_layernorm.forward(hidden).to(compute));
    }
}

internal sealed class Qwen2Attention : Module
{
    private readonly Linear q_proj;
    private readonly Linear k_proj;
    private readonly Linear v_proj;
    private readonly Linear o_proj;
    private readonly int _heads;
    private readonly int _groups;
    private readonly int _headSize;

    public Qwen2Attention(Qwen2Config config)
        : base("attention")
    {
        (_heads, _groups, _headSize) = (config.Heads, config.KeyValueHeads, config.HeadSize);
        q_proj = Linear(config.HiddenSize, _heads * _headSize);
        k_proj = Linear(config.HiddenSize, _groups * _headSize);
        v_proj = Linear(config.HiddenSize, _groups * _headSize);
        o_proj = Linear(_heads * _headSize, config.HiddenSize, hasBias: false);
        RegisterComponents();
    }

    /// <summary>[batch, sequence, hidden] in the compute type to the same shape in float32.</summary>
    public Tensor Forward(Tensor x, Tensor cos, Tensor sin)
    {
        long batch = x.shape[0], length = x.shape[1];
        // One product for the three projections: the input is read once.
        var weight = cat([q_proj.weight!, k_proj.weight!, v_proj.weight!]).to(x.dtype);
        var bias = cat([q_proj.bias!, k_proj.bias!, v_proj.bias!]).to(x.dtype);
        var packed = functional.linear(x, weight, bias).to(ScalarType.Float32)
            .view(batch, length, _heads + 2 * _groups, _headSize).transpose(1, 2);
        var rotated = Rotate(packed.narrow(1, 0, _heads + _groups), cos, sin);
        var query = rotated.narrow(1, 0, _heads);
        var key = Expand(rotated.narrow(1, _heads, _groups));
        var value = Expand(packed.narrow(1, _heads + _groups, _groups));
        var mixed = functional.scaled_dot_product_attention(query, key, value, is_casual: true)
            .transpose(1, 2).reshape(batch, length, _heads * _headSize);
        return functional.linear(mixed.to(x.dtype), o_proj.weight!.to(x.dtype)).to(ScalarType.Float32);
    }

    private Tensor Expand(Tensor x) => _heads == _groups ? x : x.repeat_interleave(_heads / _groups, 1);

    private static Tensor Rotate(Tensor x, Tensor cos, Tensor sin)
    {
        var halves = x.chunk(2, -1);
        return x * cos + cat([-halves[1], halves[0]], -1) * sin;
    }
}

internal sealed class Qwen2Mlp : Module
{
    private readonly Linear gate_proj;
    private readonly Linear up_proj;
    private readonly Linear down_proj;

    public Qwen2Mlp(Qwen2Config config)
        : base("mlp")
    {
        gate_proj = Linear(config.HiddenSize, config.IntermediateSize, hasBias: false);
        up_proj = Linear(config.HiddenSize, config.IntermediateSize, hasBias: false);
        down_proj = Linear(config.IntermediateSize, config.HiddenSize, hasBias: false);
        RegisterComponents();
    }

    /// <summary>[.., hidden] in the compute type to the same shape in float32.</summary>
    public Tensor Forward(Tensor x)
    {
        var both = functional.linear(x, cat([gate_proj.weight!, up_proj.weight!]).to(x.dtype)).chunk(2, -1);
        return functional.linear(functional.silu(both[0]) * both[1], down_proj.weight!.to(x.dtype)).to(ScalarType.Float32);
    }
}
