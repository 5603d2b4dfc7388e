using System.CommandLine;
using R1Grains.Tuning.Corpora;

namespace R1Grains.Tuning.Commands;

internal static class CorpusCommand
{
    public static Command Build()
    {
        Option<FileInfo> output = new("--out") { Description = "File to write, one dialogue a line", Required = true };
        Option<long> count = new("--count") { Description = "Dialogues", DefaultValueFactory = _ => 200_000 };
        Option<ulong> seed = new("--seed") { Description = "Seed; the same seed gives the same file", DefaultValueFactory = _ => 1 };
        Command command = new("corpus", "Generate dialogues of an invented bank to train on") { output, count, seed };
        command.SetAction(parsed =>
        {
            var path = parsed.GetRequiredValue(output).FullName;
            Corpus.Write(path, parsed.GetValue(count), parsed.GetValue(seed));
            Console.WriteLine($"{parsed.GetValue(count):N0} dialogues, {new FileInfo(path).Length / 1048576.0:0.0} MiB in {path}");
        });
        return command;
    }
}
