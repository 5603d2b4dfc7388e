using System.CommandLine;
using R1Grains.Tuning.Corpora;
using R1Grains.Tuning.Tokenization;

namespace R1Grains.Tuning.Commands;

internal static class TokenizerCommand
{
    public static Command Build()
    {
        Option<FileInfo> corpus = new("--corpus") { Description = "Dialogues, one JSON object a line", Required = true };
        Option<int> size = new("--vocab") { Description = "Most tokens to learn", DefaultValueFactory = _ => 4096 };
        Option<int> texts = new("--dialogues") { Description = "Learn from the first so many dialogues", DefaultValueFactory = _ => 20_000 };
        Option<int> context = new("--context") { Description = "Longest context to write down, tokens", DefaultValueFactory = _ => 4096 };
        Option<DirectoryInfo> output = new("--out") { Description = "Folder for tokenizer.json", Required = true };
        Command command = new("tokenizer", "Learn a byte-level BPE tokenizer from a corpus") { corpus, size, texts, context, output };
        command.SetAction(parsed =>
        {
            var dialogues = Corpus.Read(parsed.GetRequiredValue(corpus).FullName).Take(parsed.GetValue(texts));
            var (tokens, merges) = BpeTrainer.Train(dialogues.SelectMany(Texts), parsed.GetValue(size));
            var all = TokenizerFolder.Write(parsed.GetRequiredValue(output).FullName, tokens, merges, parsed.GetValue(context));
            Console.WriteLine($"{all:N0} tokens, {merges.Count:N0} merges in {parsed.GetRequiredValue(output)}");
        });
        return command;
    }

    internal static IEnumerable<string> Texts(Dialogue dialogue) =>
        dialogue.Utterances.SelectMany(u => u.Passages.Append(u.Text).Append(u.Reasoning ?? "")).Prepend(dialogue.Policy);
}
