using System.CommandLine;
using R1Grains.Tuning.Corpora;
using R1Grains.Tuning.Export;
using R1Grains.Tuning.Training;
using Served = R1Grains.Engine.Models.ModelFolder;

namespace R1Grains.Tuning.Commands;

internal static class QuantizeCacheCommand
{
    private const ulong Seed = 1;

    public static Command Build()
    {
        Option<DirectoryInfo> folder = new("--model") { Description = "Model folder with keys and values in float32, built here or elsewhere", Required = true };
        Option<FileInfo?> corpus = new("--corpus") { Description = "Dialogues that show how large keys and values get, one JSON object a line; default: generated ones" };
        Option<int> dialogues = new("--dialogues") { Description = "Read the first so many dialogues", DefaultValueFactory = _ => 100 };
        Option<DirectoryInfo> output = new("--out") { Description = "Model folder to write", Required = true };
        Command command = new("quantize-cache", "Copy a model folder so that it keeps keys and values as int8, in a quarter of the memory") { folder, corpus, dialogues, output };
        command.SetAction(parsed =>
        {
            var (source, target) = (Served.Open(parsed.GetRequiredValue(folder).FullName), parsed.GetRequiredValue(output).FullName);
            if (Path.GetFullPath(target).TrimEnd(Path.DirectorySeparatorChar) == source.Path.TrimEnd(Path.DirectorySeparatorChar))
                throw new InvalidDataException($"{target} is the folder that is read; name another one.");
            var encoder = new SampleEncoder(source.Model.Tokenizer, source.Model.Template);
            var count = parsed.GetValue(dialogues);
            var read = parsed.GetValue(corpus) is { } file ? Corpus.Read(file.FullName).Take(count) : new DialogueGenerator(Seed).Take(count);
            var texts = encoder.Encode([.. read], source.Model.ContextLength);
            if (texts.Count == 0)
                throw new InvalidDataException("There is no dialogue that fits the model's context.");
            QuantizedCache.Write(source, texts.Select(sample => sample.Ids), target);
            var config = source.Config;
            var bytes = 2 * config.Layers * config.KvHeads * config.HeadSize;
            Console.WriteLine($"{texts.Sum(sample => sample.Ids.Length):N0} tokens read; a position takes {bytes:N0} bytes instead of {4 * bytes:N0} in {target}");
        });
        return command;
    }
}
