using R1Grains.Tuning.Export;
using R1Grains.Tuning.Qwen2;
using R1Grains.Tuning.Tokenization;
using static TorchSharp.torch;

namespace R1Grains.Tuning.Tests.Export;

/// <summary>Random weights of every kind a Qwen2 model has, small enough for any test.</summary>
internal static class SmallModel
{
    public static Qwen2Model Create(bool tied = true, int heads = 4, int groups = 2)
    {
        var model = new Qwen2Model(new Qwen2Config
        {
            HiddenSize = 64,
            Layers = 2,
            Heads = heads,
            KeyValueHeads = groups,
            IntermediateSize = 96,
            VocabularySize = 320,
            ContextLength = 128,
            TiedEmbeddings = tied,
            InitializerRange = 0.2,
        });
        model.Initialize(7);
        using var _ = no_grad();
        // Initialisation leaves biases zero and norms one, which would hide a mistake in either.
        foreach (var (_, value) in model.Weights().Where(w => w.Value.dim() == 1))
            value.add_(randn_like(value), alpha: 0.2);
        return model;
    }

    public static void Export(Qwen2Model model, Precision precision, string folder, double temperature = ModelFolder.DefaultTemperature)
    {
        var (tokens, merges) = BpeTrainer.Train(["some text"], 300);
        TokenizerFolder.Write(folder, tokens, merges, 128);
        ModelFolder.Write(model, folder, precision, folder, temperature);
    }
}
