using System.CommandLine;
using R1Grains.Tuning.Export;
using R1Grains.Tuning.Qwen2;
using R1Grains.Tuning.Training;

namespace R1Grains.Tuning.Commands;

internal static class ExportCommand
{
    public static Command Build()
    {
        Option<DirectoryInfo> from = new("--from") { Description = "Run folder (its newest checkpoint is taken) or a Qwen2 checkpoint folder", Required = true };
        Option<DirectoryInfo?> tokenizer = new("--tokenizer") { Description = "Folder of the tokenizer's files if they do not lie in --from" };
        Option<Precision> precision = new("--precision") { Description = "Weights of the matrices: fp32, int8 or int4", DefaultValueFactory = _ => Precision.Int8 };
        var blockSize = BlockSize.Option();
        Option<double> temperature = new("--temperature") { Description = "What serving samples with; 0 takes the likeliest token always", DefaultValueFactory = _ => ModelFolder.DefaultTemperature };
        Option<DirectoryInfo> output = new("--out") { Description = "Model folder to write", Required = true };
        Command command = new("export", "Write a checkpoint as a model folder that the engine serves") { from, tokenizer, precision, blockSize, temperature, output };
        command.SetAction(parsed =>
        {
            var source = parsed.GetRequiredValue(from).FullName;
            using var model = Checkpoint.Load(RunState.Newest(source) ?? source);
            ModelFolder.Write(model, parsed.GetValue(tokenizer)?.FullName ?? source, parsed.GetValue(precision), parsed.GetRequiredValue(output).FullName, parsed.GetValue(temperature), parsed.GetValue(blockSize));
            var bytes = parsed.GetRequiredValue(output).EnumerateFiles().Sum(f => f.Length);
            Console.WriteLine($"{model.parameters().Sum(p => p.numel()):N0} parameters, {bytes / 1048576.0:0.0} MiB in {parsed.GetRequiredValue(output)}");
        });
        return command;
    }
}
