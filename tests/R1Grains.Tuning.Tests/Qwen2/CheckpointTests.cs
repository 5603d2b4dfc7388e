using R1Grains.Tuning.Qwen2;
using TorchSharp;
using static TorchSharp.torch;

namespace R1Grains.Tuning.Tests.Qwen2;

public class CheckpointTests
{
    private static readonly Qwen2Config Config = new()
    {
        HiddenSize = 32,
        Layers = 2,
        Heads = 2,
        KeyValueHeads = 1,
        IntermediateSize = 48,
        VocabularySize = 64,
        ContextLength = 64,
        TiedEmbeddings = false,
    };

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void A_published_folder_in_shards_loads_under_the_names_of_its_tensors(ScalarType type)
    {
        using var folder = new TemporaryFolder();
        using var model = new Qwen2Model(Config);
        model.Initialize(3);
        var weights = model.Weights().Select(w => (w.Name, Value: w.Value.detach().to(type))).ToList();
        Assert.Contains("model.layers.1.self_attn.q_proj.bias", weights.Select(w => w.Name));
        Assert.Contains("model.layers.0.post_attention_layernorm.weight", weights.Select(w => w.Name));
        Assert.Contains("lm_head.weight", weights.Select(w => w.Name));
        Config.Save(folder.Path);
        var map = new List<string>();
        foreach (var (shard, i) in weights.Chunk(9).Select((shard, i) => (shard, i)))
        {
            var file = $"model-{i}.safetensors";
            Safetensors.Write(Path.Combine(folder.Path, file), shard);
            map.AddRange(shard.Select(w => $"\"{w.Name}\":\"{file}\""));
        }
        File.WriteAllText(Path.Combine(folder.Path, "model.safetensors.index.json"), $"{{\"weight_map\":{{{string.Join(',', map)}}}}}");

        using var loaded = Checkpoint.Load(folder.Path);
        foreach (var (expected, actual) in weights.Zip(loaded.Weights()))
            Assert.True(expected.Value.to(ScalarType.Float32).eq(actual.Value).all().item<bool>(), expected.Name);
    }

    [Fact]
    public void A_missing_weight_and_an_unknown_one_are_named()
    {
        using var folder = new TemporaryFolder();
        using var model = new Qwen2Model(Config);
        Checkpoint.Save(model, folder.Path);
        var file = Path.Combine(folder.Path, Checkpoint.WeightsFile);
        var weights = model.Weights().Select(w => (w.Name, (Tensor)w.Value)).ToList();
        Safetensors.Write(file, weights.Where(w => w.Name != "model.norm.weight"));
        Assert.Contains("model.norm.weight", Assert.Throws<InvalidDataException>(() => Checkpoint.Load(folder.Path)).Message);
        Safetensors.Write(file, weights.Append(("model.surprise", zeros(1))));
        Assert.Contains("model.surprise", Assert.Throws<InvalidDataException>(() => Checkpoint.Load(folder.Path)).Message);
    }

    [Fact]
    public void A_network_of_another_kind_is_refused_by_the_name_of_its_field()
    {
        using var folder = new TemporaryFolder();
        (Config with { ModelType = "llama" }).Save(folder.Path);
        Assert.Contains("model_type is llama", Assert.Throws<InvalidDataException>(() => Qwen2Config.Load(folder.Path)).Message);
        (Config with { SlidingWindow = true }).Save(folder.Path);
        Assert.Contains("use_sliding_window", Assert.Throws<InvalidDataException>(() => Qwen2Config.Load(folder.Path)).Message);
    }
}
