using R1Grains.Engine.Models;
using R1Grains.Tuning.Corpora;

namespace R1Grains.Tuning.Training;

/// <summary>Dialogues to token sequences, by the tokenizer and the chat template that serve the model.</summary>
public sealed class SampleEncoder(Tokenizer tokenizer, ChatTemplate template)
{
    /// <summary>
    /// One sample per assistant turn: the prompt exactly as serving renders it, then reasoning, answer and end marker,
    /// of which the latter are supervised.
    /// </summary>
    /// <param name="everything">Supervise the prompt as well: a share of such samples teaches to read documents, not only to answer.</param>
    public IEnumerable<Sample> Encode(Dialogue dialogue, bool everything)
    {
        var messages = new List<ChatMessage>();
        if (dialogue.Policy.Length > 0)
            messages.Add(new(ChatRole.System, dialogue.Policy));
        foreach (var said in dialogue.Utterances)
        {
            if (said.Role == "user")
            {
                messages.Add(new(ChatRole.User, said.Text, said.Passages));
                continue;
            }
            var prompt = template.Render(messages);
            int[] ids = [.. prompt, .. template.RenderReply(said.Reasoning, said.Text)];
            var supervised = new bool[ids.Length];
            Array.Fill(supervised, true, everything ? 1 : prompt.Length, ids.Length - (everything ? 1 : prompt.Length));
            yield return new Sample(ids, supervised);
            // Later prompts carry what the window keeps: words as said, without documents and reasoning.
            messages[^1] = messages[^1] with { Passages = null };
            messages.Add(new(ChatRole.Assistant, said.Text));
        }
    }

    /// <summary>Ids of the tokens 0 to 9.</summary>
    public IReadOnlySet<int> Figures { get; } = Enumerable.Range(0, 10).Select(d => tokenizer.Encode($"{d}")[^1]).ToHashSet();

    /// <summary>Encodes a corpus in order; every <paramref name="everythingOneIn"/>th dialogue is supervised whole.</summary>
    /// <param name="lengthMax">Longer samples are left out, tokens.</param>
    public List<Sample> Encode(IReadOnlyList<Dialogue> corpus, int everythingOneIn, int lengthMax) =>
        [.. corpus.AsParallel().AsOrdered()
            .SelectMany((dialogue, i) => Encode(dialogue, everythingOneIn > 0 && i % everythingOneIn == 0).ToArray())
            .Where(s => s.Ids.Length <= lengthMax)];
}
