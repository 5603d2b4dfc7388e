using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace R1Grains.LoadTests;

/// <summary>What has been measured, in the order in which it was.</summary>
internal sealed class Figures
{
    private readonly List<(string Key, double Value)> _measured = [];
    private readonly List<(string Key, string Why)> _leftOut = [];

    public bool Any => _measured.Count + _leftOut.Count > 0;

    public bool MissAny => Missed.Any();

    private IEnumerable<string> Missed => _measured.Where(figure => Target.Of.GetValueOrDefault(figure.Key)?.IsMetBy(figure.Value) == false).Select(figure => figure.Key);

    public void Add(string key, double value) => _measured.Add((key, value));

    public void LeaveOut(string why, params IEnumerable<string> keys) => _leftOut.AddRange(keys.Select(key => (key, why)));

    public Table ToTable()
    {
        var table = new Table().AddColumns("figure", "value", "floor", "aim", "");
        table.Columns[0].NoWrap();
        table.Columns[1].RightAligned();
        foreach (var (key, value) in _measured)
        {
            var target = Target.Of.GetValueOrDefault(key);
            table.AddRow(key, Show(value), target?.Show(target.Floor) ?? "", target?.Aim is { } aim ? target.Show(aim) : "", target is null ? "" : Verdict(target, value));
        }
        foreach (var (key, why) in _leftOut)
            table.AddRow(key, "", Target.Of.GetValueOrDefault(key) is { } target ? target.Show(target.Floor) : "", "", $"[grey]{Markup.Escape(why)}[/]");
        return table;
    }

    /// <summary>A table, with a line for each figure.</summary>
    public string ToMarkdown()
    {
        var table = new StringBuilder("| figure | value | floor |\n|---|---:|---:|\n");
        foreach (var (key, value) in _measured)
            table.Append(CultureInfo.InvariantCulture, $"| `{key}` | {Show(value)}{(Missed.Contains(key) ? " **missed**" : "")} | {(Target.Of.GetValueOrDefault(key) is { } target ? target.Show(target.Floor) : "")} |\n");
        return table.ToString();
    }

    /// <summary>Adds each figure under its key, null where it is not a number, and under <c>missed</c> and <c>left_out</c> the keys of those.</summary>
    public void WriteTo(JsonObject json)
    {
        foreach (var (key, value) in _measured) json[key] = double.IsFinite(value) ? value : null;
        json["missed"] = new JsonArray([.. Missed.Select(key => JsonValue.Create(key))]);
        json["left_out"] = new JsonArray([.. _leftOut.Select(figure => JsonValue.Create(figure.Key))]);
    }

    private static string Verdict(Target target, double value) =>
        !target.IsMetBy(value) ? "[red]fail[/]" : target.IsAimOf(value) ? "[green]pass, aim reached[/]" : "[green]pass[/]";

    private static string Show(double value) => Math.Abs(value) switch
    {
        >= 100 => $"{value:n0}",
        >= 10 => $"{value:n1}",
        _ => $"{value:0.####}",
    };
}
