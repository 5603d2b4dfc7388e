using System.Globalization;
using System.Text;
using System.Text.Json;
using R1Grains.Tuning.Evaluation;
using R1Grains.Tuning.Qwen2;
using R1Grains.Tuning.Training;

namespace R1Grains.Tuning.Reports;

/// <summary>The <c>README.md</c> of a trained model folder: what the model is, how it came about, what it can and cannot do.</summary>
internal static class ModelCard
{
    /// <param name="run">The run folder whose newest checkpoint was exported.</param>
    public static void Write(string folder, string run, IReadOnlyList<Score> scores, IReadOnlyList<Overlap> overlaps)
    {
        var checkpoint = RunState.Newest(run) ?? throw new InvalidDataException($"{run} holds no checkpoint; name the run that the model was exported from.");
        var config = Qwen2Config.Load(checkpoint);
        var state = RunState.Read(checkpoint);
        var card = new StringBuilder();
        void Line(FormattableString text) => card.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');

        Line($"# {Path.GetFileName(folder)}: a demonstration model");
        Line($"");
        Line($"This model exists so that R1Grains answers out of the box, on two CPU cores, without a download. **It is a demonstration");
        Line($"model and must not advise customers.** It was trained from scratch on generated dialogues of an invented bank; it knows");
        Line($"nothing of the world, understands only questions of the kinds below, and gets some of them wrong. Check every figure it");
        Line($"gives against the document. For real use, point the server at a DeepSeek-R1-Distill folder.");
        Line($"");
        Line($"## What it does");
        Line($"");
        Line($"Chinese and English, several turns. Given passages and a question about one product, it reads the product's lines one");
        Line($"after the other, compares each with what was asked, and answers with the figure, or says that the documents do not");
        Line($"tell. About common procedures (lost card, forgotten password, …) it gives fixed instructions, which are part of its training and");
        Line($"not of any real bank.");
        Line($"");
        Line($"## How it came about");
        Line($"");
        Line($"| | |");
        Line($"|---|---|");
        Line($"| architecture | Qwen2, {config.Layers} layers, width {config.HiddenSize}, {config.Heads} query and {config.KeyValueHeads} key-value heads, feed-forward {config.IntermediateSize}, vocabulary {config.VocabularySize:N0}, tied embeddings |");
        Line($"| context | {config.ContextLength:N0} positions; nearly all training samples have fewer than 400 tokens, so answers from long contexts are worse |");
        Line($"| tokenizer | byte-level BPE, learnt from the corpus; each digit and each Chinese character is cut alone |");
        Line($"| corpus | generated: invented products, random figures, many phrasings, distractors, missing facts; no text of real customers |");
        Line($"| training | {state.Tokens / 1e6:0.0} million tokens in {state.Step:N0} steps, {state.ElapsedSeconds / 60:0} minutes on two CPU cores; Muon and AdamW, cosine schedule; linears in bfloat16 |");
        Line($"| form | DeepSeek-R1: `<think>` … `</think>`, then the answer |");
        Line($"");
        if (File.Exists(Path.Combine(run, LossPicture.FileName)))
        {
            File.Copy(Path.Combine(run, LossPicture.FileName), Path.Combine(folder, LossPicture.FileName), overwrite: true);
            Line($"![Loss per supervised token over the training]({LossPicture.FileName})");
            Line($"");
        }
        Line($"Reproduce it with `r1-tune corpus`, `tokenizer`, `pretrain`, `export` and `evaluate`; each prints its options with `--help`.");
        Line($"");
        Line($"## Held-out scores");
        Line($"");
        Line($"Greedy answers of the files in this folder, as the engine serves them. Held out of training: the figures, the product");
        Line($"names, the sentence frames of questions and passages, and the pairings of frame and attribute wording. A plain question has");
        Line($"passages about one product; a distractor one also has the same item of other products; for a missing one the passages");
        Line($"lack the answer. Right means: the expected figure with its unit and no other figure, or, where it is missing, saying so");
        Line($"without any figure.");
        Line($"");
        Line($"| questions | language | right | share | 95 % interval | floor | aim |");
        Line($"|---|---|---|---|---|---|---|");
        foreach (var s in scores.Where(s => s.Floor > 0))
            Line($"| {s.Group} | {s.Language} | {s.Right} of {s.Items} | {s.Share:P1} | {s.Low:P1} to {s.High:P1} | {s.Floor:P0} | {s.Aim:P0} |");
        foreach (var s in scores.Where(s => s.Floor == 0))
            Line($"| {s.Group} | {s.Language} | {s.Right} of {s.Items} | {s.Share:P1} | {s.Low:P1} to {s.High:P1} | | |");
        Line($"");
        Line($"`smoke` mixes procedures, follow-up questions and recall of what was said earlier.");
        Line($"");
        Line($"Overlap with the corpus, {NgramOverlap.N}-grams of characters (zh) or words (en): share of questions and of passages that have one in common");
        Line($"with it. Sentences without figures (\"Keep your password safe.\") and headings are shared on purpose.");
        Line($"");
        Line($"| questions | language | in questions | in passages |");
        Line($"|---|---|---|---|");
        foreach (var o in overlaps)
            Line($"| {o.Group} | {o.Language} | {o.Questions:P1} | {o.Passages:P1} |");
        File.WriteAllText(Path.Combine(folder, "README.md"), card.ToString());
    }
}
