using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;

namespace R1Grains.Ledger.Exports;

public enum ExportFormat
{
    /// <summary>The records themselves.</summary>
    Jsonl,

    /// <summary>A table beside them, for spreadsheets.</summary>
    Csv,

    /// <summary>A page beside them, for people.</summary>
    Html,
}

/// <summary>
/// An export as a table or as a page. Both follow from its records alone, so that whoever checks it makes them anew and
/// compares: nothing in them stands unproved.
/// </summary>
public static class ExportRendering
{
    public const string CsvName = "transcripts.csv";

    public const string HtmlName = "transcripts.html";

    private static readonly string[] Columns =
        ["conversation", "turn", "opened", "closed", "outcome", "finish_reason", "customer", "channel", "agent", "language", "question", "question_masked", "answer", "ai_generated", "reasoning", "held_answer", "error", "model", "passages", "lexicon_hits", "erased", "leaf"];

    /// <summary>Files of an export that are rendered ones.</summary>
    public static IEnumerable<(ExportFormat Format, string Name)> Names => [(ExportFormat.Csv, CsvName), (ExportFormat.Html, HtmlName)];

    /// <summary>Renders an export that is whole into its folder.</summary>
    /// <exception cref="IOException"/>
    public static void Write(string folder, ExportFormat format)
    {
        var name = Names.Single(one => one.Format == format).Name;
        var manifest = ExportManifest.Parse(File.ReadAllBytes(Path.Combine(folder, ExportManifest.FileName)));
        using var writer = new StreamWriter(Path.Combine(folder, name), append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        foreach (var part in Render(folder, manifest, format))
            writer.Write(part);
    }

    /// <summary>Its parts, one after the other.</summary>
    internal static IEnumerable<string> Render(string folder, ExportManifest manifest, ExportFormat format) =>
        format is ExportFormat.Csv ? Csv(folder) : Html(folder, manifest);

    private static IEnumerable<string> Csv(string folder)
    {
        // Spreadsheets take a file without it for one of another alphabet.
        yield return "\uFEFF" + Row(Columns);
        foreach (var (opened, asked, closed) in Turns(folder))
        {
            yield return Row(
                Text(opened, "conversation"), Number(asked, "turn"), Text(asked, "time"), Text(closed, "time"), Text(closed, "outcome"), Text(closed, "finish_reason"),
                Shown(opened, "customer"), Text(opened, "channel"), Text(opened, "agent"), Text(opened, "language"),
                Shown(asked, "input"), IsMasked(asked, "input") ? "true" : "false", Shown(closed, "answer"), Flag(closed, "ai_generated"), Shown(closed, "reasoning"), Shown(closed, "held"), Shown(closed, "error"), Text(asked, "model"),
                string.Join("; ", Items(asked, "passages").Select(passage => $"{Text(passage, "source")} {Text(passage, "revision")}".Trim())),
                string.Join("; ", Items(asked, "hits").Concat(Items(closed, "hits")).Select(hit => $"{Text(hit, "place")} {Text(hit, "category")} {Number(hit, "level")} {Text(hit, "action")}")),
                Flag(opened, "erased"), Number(closed, "leaf"));
        }
    }

    private static string Row(params IEnumerable<string> cells) => string.Join(',', cells.Select(Cell)) + "\r\n";

    /// <summary>A cell that a spreadsheet would take for a formula is made a text: what customers write runs in no auditor's spreadsheet.</summary>
    private static string Cell(string text)
    {
        var isFormula = text.TrimStart() is [('=' or '+' or '-' or '@' or '＝' or '＋' or '－' or '＠' or '|' or '%'), ..] || text is [('\t' or '\r' or '\n'), ..];
        return $"\"{(isFormula ? "'" : "")}{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    private static IEnumerable<string> Html(string folder, ExportManifest manifest)
    {
        yield return $$"""
            <!DOCTYPE html>
            <html lang="zh">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <meta name="viewport" content="width=device-width">
            <title>{{Escape(manifest.Export)}}</title>
            <style>
            body { font: 15px/1.6 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; color: #1c1c1c; }
            dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; } dt, .meta { color: #666; } dd { margin: 0; overflow-wrap: anywhere; }
            section { border-top: 2px solid #ccc; margin-top: 2rem; } .turn { margin: 1.2rem 0; } .said { white-space: pre-wrap; overflow-wrap: anywhere; margin: .2rem 0; padding: .5rem .8rem; border-radius: .4rem; background: #f2f2f2; }
            .answer { background: #e8f0fa; } .meta { font-size: .85em; } .erased { color: #a00; }
            @media print { section { break-inside: auto; } .turn { break-inside: avoid; } }
            </style>
            </head>
            <body>
            <h1>对话记录 · Transcripts</h1>
            <dl>
            <dt>导出 Export</dt><dd>{{Escape(manifest.Export)}}</dd>
            <dt>申请人 Asked for by</dt><dd>{{Escape(manifest.Asked.By)}}, {{Time(manifest.Asked.At)}}</dd>
            <dt>目的 Purpose</dt><dd>{{Escape(manifest.Asked.Purpose)}}</dd>
            <dt>视图 View</dt><dd>{{Escape(manifest.Asked.View)}}</dd>
            <dt>范围 Selection</dt><dd>{{Escape(string.Join(", ", manifest.Asked.Filter.Select(condition => $"{condition.Name} {condition.Value}")))}}</dd>
            <dt>数量 Holds</dt><dd>{{manifest.Counts.Conversations.ToString(CultureInfo.InvariantCulture)}} 个会话 conversations, {{manifest.Counts.Turns.ToString(CultureInfo.InvariantCulture)}} 轮 turns</dd>
            </dl>
            <p class="meta">本页内容由同一文件夹中的 records.jsonl 生成，可用 r1 audit verify 核验。 This page follows from records.jsonl in the same folder; r1 audit verify checks both.</p>

            """;
        string? conversation = null;
        foreach (var (opened, asked, closed) in Turns(folder))
        {
            var page = new StringBuilder();
            if (Text(opened, "conversation") != conversation)
            {
                page.Append(conversation is null ? "" : "</section>\n");
                conversation = Text(opened, "conversation");
                page.Append(CultureInfo.InvariantCulture, $"<section><h2>会话 Conversation {Escape(conversation)}</h2>\n<p class=\"meta\">{Escape(string.Join(" · ", ((string[])[Text(opened, "time"), Shown(opened, "customer"), Text(opened, "channel"), Text(opened, "agent"), Text(opened, "language")]).Where(part => part.Length > 0)))}</p>\n");
                if (Flag(opened, "erased") == "true")
                    page.Append("<p class=\"erased\">内容已依法删除，无人可读。 What was said is erased for good: nobody can read it.</p>\n");
            }
            page.Append(CultureInfo.InvariantCulture, $"<div class=\"turn\"><p class=\"meta\">第 {Number(asked, "turn")} 轮 Turn {Number(asked, "turn")} · {Text(asked, "time")} – {Text(closed, "time")} · {Outcome(Text(closed, "outcome"))} · {Escape(Text(asked, "model"))}</p>\n");
            Say(page, IsMasked(asked, "input") ? "客户（部分隐去） Customer (masked)" : "客户 Customer", Shown(asked, "input"), "");
            foreach (var passage in Items(asked, "passages"))
                Say(page, $"资料 Passage {Escape(Text(passage, "source"))} {Escape(Text(passage, "revision"))}", Shown(passage, "passage"), "", isShownEmpty: true);
            Say(page, "推理 Reasoning", Shown(closed, "reasoning"), "");
            Say(page, Flag(closed, "ai_generated") switch { "true" => "回答（人工智能生成） Answer (AI-generated)", "false" => "回答（固定文本） Answer (fixed words)", _ => "回答 Answer" }, Shown(closed, "answer"), " answer");
            Say(page, "待审核的回答 Held answer", Shown(closed, "held"), " answer");
            Say(page, "错误 Error", Shown(closed, "error"), "");
            var hits = Items(asked, "hits").Concat(Items(closed, "hits")).Select(hit => $"{Text(hit, "place")} {Text(hit, "category")} {Number(hit, "level")} {Text(hit, "action")}").ToList();
            if (hits.Count > 0)
                page.Append(CultureInfo.InvariantCulture, $"<p class=\"meta\">敏感词 Lexicon: {Escape(string.Join(", ", hits))}</p>\n");
            page.Append(CultureInfo.InvariantCulture, $"<p class=\"meta\">leaf {Number(closed, "leaf")} · {Text(closed, "hash")}</p></div>\n");
            yield return page.ToString();
        }
        yield return (conversation is null ? "" : "</section>\n") + "</body>\n</html>\n";
    }

    private static void Say(StringBuilder page, string who, string text, string style, bool isShownEmpty = false)
    {
        if (text.Length > 0 || isShownEmpty)
            page.Append(CultureInfo.InvariantCulture, $"<p class=\"meta\">{who}</p>{(text.Length > 0 ? $"<p class=\"said{style}\">{Escape(text)}</p>" : "")}\n");
    }

    private static string Outcome(string outcome) => outcome switch
    {
        "completed" => "已完成 completed",
        "blocked" => "已拦截 blocked",
        "cancelled" => "已取消 cancelled",
        "interrupted" => "已中断 interrupted",
        _ => "失败 failed",
    };

    /// <summary>What browsers do not show, or show the other way round, is told as what it is.</summary>
    private static string Escape(string text) => WebUtility.HtmlEncode(string.Concat(text.Select(letter =>
        char.IsControl(letter) && letter is not ('\n' or '\t') || letter is >= '\u202A' and <= '\u202E' or >= '\u2066' and <= '\u2069' or '\u200E' or '\u200F'
            ? string.Create(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}")
            : letter.ToString())));

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("u", CultureInfo.InvariantCulture);

    /// <summary>Turns with the opening of their conversation, one after the other.</summary>
    private static IEnumerable<(JsonElement Conversation, JsonElement Opened, JsonElement Closed)> Turns(string folder)
    {
        JsonElement conversation = default, opened = default;
        using var file = new LineFile(Path.Combine(folder, ExportManifest.RecordsName));
        while (file.Next(out var start, out var end))
        {
            using var line = JsonDocument.Parse(file.Buffer.AsMemory(start, end - start));
            var record = line.RootElement.Clone();
            switch (Text(record, "record"))
            {
                case "conversation_opened": conversation = record; break;
                case "turn_opened": opened = record; break;
                case "turn_closed": yield return (conversation, opened, record); break;
            }
        }
    }

    private static IEnumerable<JsonElement> Items(JsonElement record, string name) => record.TryGetProperty(name, out var items) ? items.EnumerateArray() : [];

    /// <summary>Of what is withheld, nothing.</summary>
    private static string Text(JsonElement record, string name) => record.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString()! : "";

    private static string Number(JsonElement record, string name) => record.TryGetProperty(name, out var value) ? value.GetRawText() : "";

    private static string Flag(JsonElement record, string name) => record.TryGetProperty(name, out var value) && value.ValueKind is not JsonValueKind.Null ? value.GetRawText() : "";

    /// <summary>A confidential text as the reader may see it.</summary>
    private static string Shown(JsonElement record, string name) =>
        record.TryGetProperty(name, out var field) && field.ValueKind is JsonValueKind.Object ? Text(field, "value") is { Length: > 0 } value ? value : Text(field, "masked") : "";

    private static bool IsMasked(JsonElement record, string name) => record.TryGetProperty(name, out var field) && field.ValueKind is JsonValueKind.Object && field.TryGetProperty("masked", out _);
}
