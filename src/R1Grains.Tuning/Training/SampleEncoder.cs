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
    public IEnumerable<Sample> Encode(Dialogue dialogue)
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
            Array.Fill(supervised, true, prompt.Length, ids.Length - prompt.Length);
            yield return new Sample(ids, supervised);
            // Later prompts carry what the window keeps: words as said, without documents and reasoning.
            messages[^1] = messages[^1] with { Passages = null };
            messages.Add(new(ChatRole.Assistant, said.Text));
        }
    }

    /// <summary>Ids of the tokens 0 to 9.</summary>
    public IReadOnlySet<int> Figures { get; } = Enumerable.Range(0, 10).Select(d => tokenizer.Encode($"{d}")[^1]).ToHashSet();

    /// <summary>Encodes a corpus in order.</summary>
    /// <param name="lengthMax">Longer samples are left out, tokens.</param>
    public List<Sample> Encode(IReadOnlyList<Dialogue> corpus, int lengthMax) =>
        [.. corpus.AsParallel().AsOrdered()
            .SelectMany(dialogue => Encode(dialogue).ToArray())
            .Where(s => s.Ids.Length <= lengthMax)];
}
