using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace R1Grains.Tuning.Qwen2;

/// <summary>A Hugging Face checkpoint folder: <c>config.json</c> and <c>model.safetensors</c>, or shards listed by <c>model.safetensors.index.json</c>.</summary>
public static class Checkpoint
{
    public const string WeightsFile = "model.safetensors";
    private const string IndexFile = "model.safetensors.index.json";

    /// <summary>Loads any Qwen2-family folder (F32, F16 or BF16 weights) into float32 parameters.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, surplus or of another shape than config.json says; it is named.</exception>
    public static Qwen2Model Load(string folder)
    {
        var model = new Qwen2Model(Qwen2Config.Load(folder));
        var missing = model.Weights().ToDictionary(w => w.Name, w => w.Value, StringComparer.Ordinal);
        using var _ = no_grad();
        foreach (var file in Files(folder))
        {
            using var scope = NewDisposeScope();
            foreach (var (name, stored) in Safetensors.Read(file))
            {
                if (model.Config.TiedEmbeddings && name == "lm_head.weight")
                    continue;
                if (!missing.Remove(name, out var parameter))
                    throw new InvalidDataException($"{file}: {name} is not a weight of this Qwen2 model, or occurs twice.");
                if (!parameter.shape.SequenceEqual(stored.shape))
                    throw new InvalidDataException($"{file}: {name} is [{string.Join(", ", stored.shape)}]; config.json asks for [{string.Join(", ", parameter.shape)}].");
                parameter.copy_(stored.to(ScalarType.Float32));
            }
        }
        return missing.Count == 0 ? model
            : throw new InvalidDataException($"{folder}: {missing.Count} weights are missing, the first is {missing.Keys.First()}.");
    }

    public static void Save(Qwen2Model model, string folder)
    {
        Directory.CreateDirectory(folder);
        model.Config.Save(folder);
        Safetensors.Write(Path.Combine(folder, WeightsFile), model.Weights().Select(w => (w.Name, (Tensor)w.Value)));
    }

    private static IReadOnlyList<string> Files(string folder)
    {
        var index = Path.Combine(folder, IndexFile);
        if (!File.Exists(index))
            return [Path.Combine(folder, WeightsFile)];
        using var json = JsonDocument.Parse(File.ReadAllBytes(index));
        return [.. json.RootElement.GetProperty("weight_map").EnumerateObject()
            .Select(e => Path.GetFileName(e.Value.GetString()!)).Distinct().Select(name => Path.Combine(folder, name))];
    }
}
