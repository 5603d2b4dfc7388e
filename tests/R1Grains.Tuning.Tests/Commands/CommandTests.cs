using R1Grains.Engine.Models;
using R1Grains.Tuning.Commands;
using R1Grains.Tuning.Qwen2;
using R1Grains.Tuning.Tests.Export;

namespace R1Grains.Tuning.Tests.Commands;

/// <summary>The commands as a user strings them together, on the smallest sizes.</summary>
public sealed class CommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Corpus_tokenizer_pretrain_and_export_lead_to_a_folder_that_runs()
    {
        Assert.Equal(0, CorpusCommand.Build().Parse(["--out", At("c.jsonl"), "--count", "700"]).Invoke());
        Assert.Equal(0, TokenizerCommand.Build().Parse(["--corpus", At("c.jsonl"), "--vocab", "400", "--out", At("tok")]).Invoke());
        Assert.Equal(0, PretrainCommand.Build().Parse(
            ["--corpus", At("c.jsonl"), "--tokenizer", At("tok"), "--run", At("run"), "--steps", "2", "--hidden", "32", "--layers", "1", "--heads", "2", "--kv-heads", "1",
             "--intermediate", "32", "--context", "256", "--length-max", "200", "--batch-tokens", "512"]).Invoke());
        Assert.True(File.Exists(At("run/losses.png")));
        Assert.Equal(0, ExportCommand.Build().Parse(["--from", At("run"), "--out", At("model"), "--precision", "int4"]).Invoke());

        var tokenizer = Tokenizer.Load(At("model"));
        var prompt = ChatTemplate.Load(At("model"), tokenizer).Render([new ChatMessage(ChatRole.User, "年费多少？")]);
        var config = Qwen2Config.Load(Path.Combine(At("run"), "step-2"));
        using var served = new ServedModel(At("model"), config);
        Assert.Equal(tokenizer.VocabularySize, served.Run(prompt).Length);
    }

    [Fact]
    public void Random_folders_of_one_seed_are_alike_and_of_another_are_not()
    {
        string[] Arguments(string name, string seed) => ["--hidden", "32", "--layers", "1", "--heads", "2", "--kv-heads", "1", "--intermediate", "32", "--vocab", "512", "--context", "128", "--seed", seed, "--out", At(name)];
        foreach (var (name, seed) in new[] { ("a", "1"), ("b", "1"), ("c", "2") })
            Assert.Equal(0, RandomCommand.Build().Parse(Arguments(name, seed)).Invoke());
        byte[] Model(string name) => File.ReadAllBytes(Path.Combine(At(name), "model.onnx"));
        Assert.Equal(Model("a"), Model("b"));
        Assert.NotEqual(Model("a"), Model("c"));
    }

    [Fact]
    public void A_size_that_cannot_be_served_is_refused_by_its_name() =>
        Assert.Contains("num_attention_heads", Assert.Throws<InvalidDataException>(() => new Qwen2Model(new Qwen2Config
        {
            HiddenSize = 100,
            Layers = 1,
            Heads = 3,
            KeyValueHeads = 1,
            IntermediateSize = 32,
            VocabularySize = 300,
            ContextLength = 64,
        })).Message);

    private string At(string name) => Path.Combine(_folder.Path, name);
}
