using R1Grains.Tuning.Qwen2;
using static TorchSharp.torch;

namespace R1Grains.Tuning.Training;

/// <summary>Greedy replies from the model in training, whole sequences each step: for probes, not for serving.</summary>
public static class Greedy
{
    /// <param name="prompts">Prompt ids; they are answered together, so keep them to a few dozen.</param>
    /// <returns>The ids after each prompt, without the stop id; cut at <paramref name="tokensMax"/>.</returns>
    public static List<int>[] Replies(Qwen2Model model, IReadOnlyList<int[]> prompts, IReadOnlyCollection<int> stopIds, int tokensMax)
    {
        using var _ = no_grad();
        var replies = prompts.Select(_ => new List<int>()).ToArray();
        var open = Enumerable.Range(0, prompts.Count).ToList();
        for (var step = 0; step < tokensMax && open.Count > 0; step++)
        {
            using var scope = NewDisposeScope();
            var width = open.Max(r => prompts[r].Length + replies[r].Count);
            var ids = new long[open.Count * width];
            var last = new long[open.Count];
            for (var i = 0; i < open.Count; i++)
            {
                int[] row = [.. prompts[open[i]], .. replies[open[i]]];
                for (var t = 0; t < row.Length; t++)
                    ids[i * width + t] = row[t];
                last[i] = i * width + row.Length - 1;
            }
            var hidden = model.forward(tensor(ids).view(open.Count, width)).flatten(0, 1).index_select(0, tensor(last));
            var next = model.Logits(hidden).argmax(-1).data<long>().ToArray();
            for (var i = open.Count - 1; i >= 0; i--)
            {
                if (stopIds.Contains((int)next[i]))
                    open.RemoveAt(i);
                else
                    replies[open[i]].Add((int)next[i]);
            }
        }
        return replies;
    }
}
