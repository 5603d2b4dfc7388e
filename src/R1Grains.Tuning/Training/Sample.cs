using static TorchSharp.torch;

namespace R1Grains.Tuning.Training;

/// <summary>One sequence to learn from.</summary>
/// <param name="Supervised">Same length as <paramref name="Ids"/>; true where the token is to be predicted from those before it.</param>
public sealed record Sample(int[] Ids, bool[] Supervised);

/// <summary>Sequences of similar length, right-padded with 0: causal attention never looks at the padding.</summary>
public sealed class Batch : IDisposable
{
    /// <summary>Token ids [rows, longest - 1], int64.</summary>
    public Tensor Inputs { get; }

    /// <summary>Flat positions of <see cref="Inputs"/> whose next token is supervised, int64.</summary>
    public Tensor Positions { get; }

    /// <summary>The next token at each of <see cref="Positions"/>, int64.</summary>
    public Tensor Targets { get; }

    public Batch(IReadOnlyList<Sample> samples)
    {
        var width = samples.Max(s => s.Ids.Length) - 1;
        var inputs = new long[samples.Count * width];
        List<long> positions = [], targets = [];
        for (var row = 0; row < samples.Count; row++)
        {
            var (ids, supervised) = samples[row];
            for (var t = 0; t + 1 < ids.Length; t++)
            {
                inputs[row * width + t] = ids[t];
                if (!supervised[t + 1])
                    continue;
                positions.Add(row * width + t);
                targets.Add(ids[t + 1]);
            }
        }
        Inputs = tensor(inputs).view(samples.Count, width);
        Positions = tensor(positions.ToArray());
        Targets = tensor(targets.ToArray());
    }

    public void Dispose()
    {
        Inputs.Dispose();
        Positions.Dispose();
        Targets.Dispose();
    }
}
