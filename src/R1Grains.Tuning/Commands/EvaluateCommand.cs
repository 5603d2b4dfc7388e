using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using R1Grains.Engine;
using R1Grains.Engine.Models;
using R1Grains.Tuning.Corpora;
using R1Grains.Tuning.Evaluation;
using R1Grains.Tuning.Reports;
using Spectre.Console;

namespace R1Grains.Tuning.Commands;

internal static class EvaluateCommand
{
    private const int ReplyTokensMax = 256;
    private const int Rows = 16;

    /// <summary>Dialogues that the overlap is measured against when no corpus file is given, and their seed.</summary>
    private const int OverlapDialogues = 20_000;

    private const ulong Seed = 1;
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static Command Build()
    {
        Option<DirectoryInfo> folder = new("--model") { Description = "Model folder, as the engine serves it", Required = true };
        Option<FileInfo?> corpus = new("--corpus") { Description = "The corpus it was trained on, for the overlap check" };
        Option<DirectoryInfo?> run = new("--run") { Description = "The run it was exported from: writes the model card README.md into --model" };
        Option<FileInfo?> json = new("--json") { Description = "Write the results and every answer to this file" };
        Command command = new("evaluate", "Ask a model the held-out questions. Exit code 1 when a group is below its floor")
        {
            folder, corpus, run, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var path = parsed.GetRequiredValue(folder).FullName;
            var items = EvaluationSet.Build(Seed);
            var answers = await Answer(path, items, cancellation);
            var scores = Score.Of(answers.Select(a => (a.Item, a.Right)));
            var dialogues = parsed.GetValue(corpus) is { } file ? Corpus.Read(file.FullName) : new DialogueGenerator(Seed).Take(OverlapDialogues);
            var overlaps = NgramOverlap.Measure(items, dialogues);

            AnsiConsole.Write(Table(scores));
            AnsiConsole.Write(Table(overlaps));
            if (parsed.GetValue(json) is { } target)
            {
                var all = new { Scores = scores, Overlaps = overlaps, Answers = answers.Select(a => new { a.Item.Id, a.Right, a.Reply, Reference = a.Item.Reference.Text }) };
                await File.WriteAllTextAsync(target.FullName, JsonSerializer.Serialize(all, Json), cancellation);
            }
            if (parsed.GetValue(run) is { } from)
                ModelCard.Write(path, from.FullName, scores, overlaps);
            return scores.All(s => s.Share >= s.Floor) ? 0 : 1;
        });
        return command;
    }

    private static async Task<List<(EvaluationItem Item, string Reply, bool Right)>> Answer(string folder, IReadOnlyList<EvaluationItem> items, CancellationToken cancellation)
    {
        await using var engine = InferenceEngine.Load(new EngineOptions { Folder = folder, Rows = Rows }, TimeProvider.System);
        var greedy = new SamplingOptions { Temperature = 0, MaxTokens = ReplyTokensMax };
        var answers = new (EvaluationItem, string, bool)[items.Count];
        var bounds = new ParallelOptions { MaxDegreeOfParallelism = Rows, CancellationToken = cancellation };
        await Parallel.ForEachAsync(Enumerable.Range(0, items.Count), bounds, async (i, cancel) =>
        {
            var request = new GenerationRequest { Id = items[i].Id, Scope = "evaluation", Prompt = engine.Model.Template.Render(Messages(items[i])), Sampling = greedy };
            var ids = new List<int>();
            await foreach (var emission in engine.GenerateAsync(request, cancel))
            {
                if (emission.Kind == EmissionKind.Token)
                    ids.Add(emission.TokenId);
                if (emission.Completion is { Reason: FinishReason.Failed } failed)
                    throw new InvalidOperationException($"{request.Id}: {failed.Error}");
            }
            var end = engine.Model.Template.ThinkCloseId is { } close ? ids.LastIndexOf(close) : -1;
            var answer = engine.Model.Tokenizer.Decode([.. ids.Skip(end + 1)]).Trim();
            answers[i] = (items[i], engine.Model.Tokenizer.Decode([.. ids], showSpecials: true), EvaluationSet.Score(items[i], answer));
        });
        return [.. answers];
    }

    private static List<ChatMessage> Messages(EvaluationItem item) =>
    [
        new(ChatRole.System, DialogueGenerator.Policy),
        .. item.History.Select(u => new ChatMessage(u.Role == "user" ? ChatRole.User : ChatRole.Assistant, u.Text)),
        new(ChatRole.User, item.Question.Text, item.Question.Passages),
    ];

    private static Table Table(IReadOnlyList<Score> scores)
    {
        var table = new Table().AddColumns("held out", "language", "right", "share", "95 %", "floor", "aim");
        foreach (var s in scores)
            table.AddRow(s.Group, s.Language, $"{s.Right}/{s.Items}", Percent(s.Share), $"{Percent(s.Low)} to {Percent(s.High)}", Percent(s.Floor), Percent(s.Aim));
        return table;
    }

    private static Table Table(IReadOnlyList<Overlap> overlaps)
    {
        var table = new Table().AddColumns("overlap", "language", "items", "passages", "questions", "long enough");
        foreach (var o in overlaps)
            table.AddRow(o.Group, o.Language, $"{o.Items}", Percent(o.Passages), Percent(o.Questions), Percent(o.Countable));
        return table;
    }

    private static string Percent(double share) => share.ToString("P1", CultureInfo.InvariantCulture);
}
