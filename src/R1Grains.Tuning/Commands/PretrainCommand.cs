using System.CommandLine;
using System.Globalization;
using R1Grains.Engine.Models;
using R1Grains.Tuning.Corpora;
using R1Grains.Tuning.Qwen2;
using R1Grains.Tuning.Training;
using Spectre.Console;
using TorchSharp;

namespace R1Grains.Tuning.Commands;

internal static class PretrainCommand
{
    private const int ValidationDialogues = 300;
    private static readonly TimeSpan CheckpointEvery = TimeSpan.FromMinutes(4), ValidationEvery = TimeSpan.FromMinutes(8);
    private static readonly string[] TokenizerFiles = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"];

    public static Command Build()
    {
        Option<FileInfo> corpus = new("--corpus") { Description = "Dialogues, one JSON object a line", Required = true };
        Option<DirectoryInfo> tokenizer = new("--tokenizer") { Description = "Folder with tokenizer.json", Required = true };
        Option<DirectoryInfo> run = new("--run") { Description = "Folder of checkpoints and losses; a run found there is resumed", Required = true };
        Option<DirectoryInfo?> warm = new("--from") { Description = "Checkpoint folder to start from instead of random weights" };
        Option<double> minutes = new("--minutes") { Description = "Training time; the learning rate falls over it", DefaultValueFactory = _ => 120 };
        Option<long> steps = new("--steps") { Description = "End after so many steps if that comes first", DefaultValueFactory = _ => 1_000_000 };
        Option<int> hidden = new("--hidden") { Description = "Width", DefaultValueFactory = _ => 192 };
        Option<int> layers = new("--layers") { Description = "Layers", DefaultValueFactory = _ => 6 };
        Option<int> heads = new("--heads") { Description = "Query heads", DefaultValueFactory = _ => 6 };
        Option<int> groups = new("--kv-heads") { Description = "Key-value heads", DefaultValueFactory = _ => 2 };
        Option<int> intermediate = new("--intermediate") { Description = "Width of the feed-forward part", DefaultValueFactory = _ => 512 };
        Option<int> context = new("--context") { Description = "Longest context of the model, tokens", DefaultValueFactory = _ => 4096 };
        Option<int> lengthMax = new("--length-max") { Description = "Longest training sample, tokens", DefaultValueFactory = _ => 400 };
        Option<double> rate = new("--rate") { Description = "Highest learning rate", DefaultValueFactory = _ => 3.5e-3 };
        Option<int> tokens = new("--batch-tokens") { Description = "Tokens in one step, padding included", DefaultValueFactory = _ => 2048 };
        Option<double> echo = new("--echo") { Description = "Share of samples that are random sequences to be copied", DefaultValueFactory = _ => 0.06 };
        Option<int> seed = new("--seed") { Description = "Seed of weights and order", DefaultValueFactory = _ => 1 };
        Option<int> threads = new("--threads") { Description = "Threads", DefaultValueFactory = _ => Environment.ProcessorCount };
        Option<bool> exact = new("--float32") { Description = "Compute linears in float32 instead of bfloat16" };
        Command command = new("pretrain", "Train a Qwen2 model from scratch on a corpus")
        {
            corpus, tokenizer, run, warm, minutes, steps, hidden, layers, heads, groups, intermediate, context, lengthMax, rate, tokens, echo, seed, threads, exact,
        };
        command.SetAction((parsed, cancellation) =>
        {
            torch.set_num_threads(parsed.GetValue(threads));
            var runFolder = parsed.GetRequiredValue(run).FullName;
            Directory.CreateDirectory(runFolder);
            var words = Tokenizer.Load(parsed.GetRequiredValue(tokenizer).FullName);
            var template = ChatTemplate.Load(parsed.GetRequiredValue(tokenizer).FullName, words);
            foreach (var file in TokenizerFiles)
                File.Copy(Path.Combine(parsed.GetRequiredValue(tokenizer).FullName, file), Path.Combine(runFolder, file), overwrite: true);

            var resumed = RunState.Newest(runFolder);
            using var model = (resumed ?? parsed.GetValue(warm)?.FullName) is { } checkpoint ? Checkpoint.Load(checkpoint) : Fresh(new Qwen2Config
            {
                HiddenSize = parsed.GetValue(hidden),
                Layers = parsed.GetValue(layers),
                Heads = parsed.GetValue(heads),
                KeyValueHeads = parsed.GetValue(groups),
                IntermediateSize = parsed.GetValue(intermediate),
                VocabularySize = words.VocabularySize,
                ContextLength = parsed.GetValue(context),
                BosTokenId = words.SpecialId(Tokenization.TokenizerFolder.Begin),
                EosTokenId = template.StopIds[0],
            }, parsed.GetValue(seed));
            model.ComputeType = parsed.GetValue(exact) ? torch.ScalarType.Float32 : torch.ScalarType.BFloat16;

            var encoder = new SampleEncoder(words, template);
            var dialogues = Corpus.Read(parsed.GetRequiredValue(corpus).FullName).ToList();
            var samples = encoder.Encode([.. dialogues.SkipLast(ValidationDialogues)], parsed.GetValue(lengthMax));
            var share = parsed.GetValue(echo);
            samples.AddRange(Echo.Samples((int)(samples.Count * share / (1 - share)), [.. Enumerable.Range(0, words.VocabularySize).Where(id => !words.Bytes(id).IsEmpty)], parsed.GetValue(seed)));
            var held = dialogues.TakeLast(ValidationDialogues).GroupBy(d => $"{d.Kind}-{d.Language}").OrderBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => (Name: g.Key, Samples: encoder.Encode([.. g], parsed.GetValue(lengthMax)))).Where(g => g.Samples.Count > 0).ToList();
            Line($"{model.parameters().Sum(p => p.numel()):N0} parameters, {samples.Count:N0} samples of {samples.Average(s => s.Ids.Length):0} tokens ({samples.Average(s => s.Supervised.Count(x => x)):0} supervised), vocabulary {words.VocabularySize:N0}"
                + (resumed is null ? "" : $", resumed from {resumed}"));

            var training = new Pretraining(
                model, samples, new Schedule(parsed.GetValue(rate)), new Budget(parsed.GetValue(minutes), parsed.GetValue(steps)), runFolder,
                parsed.GetValue(tokens), parsed.GetValue(seed), CheckpointEvery, ValidationEvery, TimeProvider.System);
            var picture = new LossPicture(runFolder);
            var view = new RunView(parsed.GetValue(minutes));
            view.Show(watch => training.Run(
                resumed,
                report =>
                {
                    if (watch(report) is { } mean)
                        picture.Add("train", report.State.ElapsedSeconds / 60, mean);
                },
                (trainer, state) =>
                {
                    foreach (var (name, set) in held)
                    {
                        var fit = trainer.Validate(set, 2 * parsed.GetValue(tokens), encoder.Figures);
                        picture.Add(name, state.ElapsedSeconds / 60, fit.Loss);
                        Line($"  {name,-16} loss {fit.Loss:0.0000}  tokens {fit.Accuracy:P2}  digits {fit.FigureAccuracy:P2}");
                    }
                    picture.Draw();
                },
                cancellation));
            return Task.FromResult(0);
        });
        return command;
    }

    private static Qwen2Model Fresh(Qwen2Config config, int seed)
    {
        var model = new Qwen2Model(config);
        model.Initialize(seed);
        return model;
    }

    private static void Line(FormattableString text) => AnsiConsole.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    private static void Line(string text) => AnsiConsole.WriteLine(text);
}
