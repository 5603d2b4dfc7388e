using System.CommandLine;
using R1Grains.Tuning.Corpora;
using R1Grains.Tuning.Export;
using R1Grains.Tuning.Qwen2;
using R1Grains.Tuning.Tokenization;

namespace R1Grains.Tuning.Commands;

internal static class RandomCommand
{
    private const int LearntTokensMax = 3_000;
    private const int Dialogues = 2_000;

    public static Command Build()
    {
        Option<int> hidden = new("--hidden") { Description = "Width", DefaultValueFactory = _ => 192 };
        Option<int> layers = new("--layers") { Description = "Layers", DefaultValueFactory = _ => 6 };
        Option<int> heads = new("--heads") { Description = "Query heads; width / heads must be a multiple of 16", DefaultValueFactory = _ => 6 };
        Option<int> groups = new("--kv-heads") { Description = "Key-value heads", DefaultValueFactory = _ => 2 };
        Option<int> intermediate = new("--intermediate") { Description = "Width of the feed-forward part", DefaultValueFactory = _ => 512 };
        Option<int> vocabulary = new("--vocab") { Description = "Width of the logits; the tokenizer has at most 3,007 tokens", DefaultValueFactory = _ => 4096 };
        Option<int> context = new("--context") { Description = "Longest context, tokens", DefaultValueFactory = _ => 4096 };
        Option<Precision> precision = new("--precision") { Description = "Weights of the matrices: fp32, int8 or int4", DefaultValueFactory = _ => Precision.Fp32 };
        var blockSize = BlockSize.Option();
        Option<int> seed = new("--seed") { Description = "Seed of the weights", DefaultValueFactory = _ => 1 };
        Option<DirectoryInfo> output = new("--out") { Description = "Model folder to write", Required = true };
        Command command = new("random", "Write a model folder with random weights, for benchmarks and tests")
        {
            hidden, layers, heads, groups, intermediate, vocabulary, context, precision, blockSize, seed, output,
        };
        command.SetAction(parsed =>
        {
            var folder = parsed.GetRequiredValue(output).FullName;
            var (tokens, merges) = BpeTrainer.Train(SampleTexts(), Math.Min(LearntTokensMax, parsed.GetValue(vocabulary) - TokenizerFolder.AddedTokens));
            TokenizerFolder.Write(folder, tokens, merges, parsed.GetValue(context));
            using var model = new Qwen2Model(new Qwen2Config
            {
                HiddenSize = parsed.GetValue(hidden),
                Layers = parsed.GetValue(layers),
                Heads = parsed.GetValue(heads),
                KeyValueHeads = parsed.GetValue(groups),
                IntermediateSize = parsed.GetValue(intermediate),
                VocabularySize = parsed.GetValue(vocabulary),
                ContextLength = parsed.GetValue(context),
                BosTokenId = tokens.Count,
                EosTokenId = tokens.Count + 1,
                // Wide enough that logits of random weights differ visibly from position to position.
                InitializerRange = 0.08,
            });
            model.Initialize(parsed.GetValue(seed));
            ModelFolder.Write(model, folder, parsed.GetValue(precision), folder, blockSize: parsed.GetValue(blockSize));
            Console.WriteLine($"{model.parameters().Sum(p => p.numel()):N0} random parameters in {folder}");
        });
        return command;
    }

    private static IEnumerable<string> SampleTexts() => new DialogueGenerator(seed: 1).Take(Dialogues).SelectMany(TokenizerCommand.Texts);
}
