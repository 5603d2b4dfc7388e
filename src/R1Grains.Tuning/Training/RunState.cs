using System.Globalization;
using System.Text.Json;
using R1Grains.Tuning.Qwen2;

namespace R1Grains.Tuning.Training;

/// <summary>Where a run stands between two steps.</summary>
/// <param name="Batch">Index into the epoch's batch plan of the next step.</param>
/// <param name="ElapsedSeconds">Spent on training by this run and the runs it resumed.</param>
public sealed record RunState(long Step, int Epoch, int Batch, double ElapsedSeconds, long Tokens)
{
    private const string StateFile = "run.json";
    private const string OptimizerFile = "optimizer.safetensors";
    private const int Kept = 2;

    public static readonly RunState Start = new(0, 0, 0, 0, 0);

    /// <summary>Writes <c>step-N</c> under <paramref name="runFolder"/>, complete or not at all, and drops all but the newest two.</summary>
    public void Save(string runFolder, Qwen2Model model, Optimizer optimizer)
    {
        var folder = Path.Combine(runFolder, $"step-{Step}");
        Checkpoint.Save(model, folder);
        Safetensors.Write(Path.Combine(folder, OptimizerFile), optimizer.State());
        // Last: a folder without it is not a checkpoint.
        File.WriteAllText(Path.Combine(folder, StateFile), JsonSerializer.Serialize(this));
        foreach (var old in Checkpoints(runFolder).SkipLast(Kept))
            Directory.Delete(old, recursive: true);
    }

    /// <summary>The newest complete checkpoint, or null.</summary>
    public static string? Newest(string runFolder) => Checkpoints(runFolder).LastOrDefault();

    public static RunState Restore(string checkpoint, Optimizer optimizer)
    {
        optimizer.Restore(Safetensors.Read(Path.Combine(checkpoint, OptimizerFile)));
        return Read(checkpoint);
    }

    public static RunState Read(string checkpoint) =>
        JsonSerializer.Deserialize<RunState>(File.ReadAllText(Path.Combine(checkpoint, StateFile)))
        ?? throw new InvalidDataException($"{checkpoint}/{StateFile} is empty; delete the folder to resume from an older checkpoint.");

    private static IEnumerable<string> Checkpoints(string runFolder) =>
        !Directory.Exists(runFolder) ? [] : Directory.EnumerateDirectories(runFolder, "step-*")
            .Where(folder => File.Exists(Path.Combine(folder, StateFile)))
            .OrderBy(folder => long.Parse(Path.GetFileName(folder)["step-".Length..], CultureInfo.InvariantCulture));
}
