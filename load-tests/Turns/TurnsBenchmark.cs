using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace R1Grains.LoadTests.Turns;

/// <summary>What customers get of a whole server under load, each class of requests by itself.</summary>
internal static class TurnsBenchmark
{
    private static readonly JsonSerializerOptions JsonOptions = new() { WriteIndented = true };

    private const string About = """
        Turns under load: real clients ask a server, at times that do not depend on its answers (Poisson), and every latency counts from the moment at which the turn was due.
        Each class of requests is measured by itself, one after the other:
          replay        the same request_id again, of a turn that has ended: answered from the record
          retrieval     a question about a product of the fact sheet: a short answer from a document
          generation    the longest answers that the model gives, in words that nobody used before
          conversation  visits of several turns, with time to think in between
        Afterwards everything that the clients saw is compared with the record. Exit code 1: something was lost, repeated or not recorded, or a gate was missed.

        Examples:
          load-tests turns                                        the embedded host with the shipped model, in a process of its own
          load-tests turns --classes retrieval --rate 10 --seconds 30 --out report
          load-tests turns --rate retrieval=8,generation=2        other rates for some of them
          load-tests turns --ladder                               steps up the rate until no more is answered
          load-tests turns --server http://10.0.0.1:5080,http://10.0.0.2:5080 --tenant demo=$TOKEN
        """;

    public static Command Command()
    {
        var server = new Option<string?>("--server") { Description = "Addresses of a cluster's gateways, with commas between. Default: starts an embedded host." };
        var tenant = new Option<string[]>("--tenant") { Description = "With --server: NAME or NAME=TOKEN of a tenant that has the shipped fact sheet; several are asked in turn. Default: demo.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => ["demo"] };
        var tenants = new Option<int>("--tenants") { Description = "Of the embedded host: how many tenants.", DefaultValueFactory = _ => 2 };
        var model = new Option<string?>("--model") { Description = "Of the embedded host: a model folder. Default: the shipped one." };
        var classes = new Option<string>("--classes") { Description = "Which, with commas between.", DefaultValueFactory = _ => string.Join(',', TurnsRun.Classes(1, default).Select(each => each.Name)) };
        var rate = new Option<string?>("--rate") { Description = $"Turns a second of every class, or CLASS=RATE with commas between. Default: {string.Join(',', TurnsRun.Classes(1, default).Select(each => $"{each.Name}={each.Rate}"))}." };
        var seconds = new Option<double>("--seconds") { Description = "For how long turns of a class come.", DefaultValueFactory = _ => 30 };
        var turns = new Option<int>("--turns") { Description = "Turns of a visit.", DefaultValueFactory = _ => 4 };
        var think = new Option<double>("--think") { Description = "Seconds that a visitor thinks on average.", DefaultValueFactory = _ => 2 };
        var turnTime = new Option<double>("--turn-time") { Description = "Seconds from a turn's sending to its deadline.", DefaultValueFactory = _ => 60 };
        var together = new Option<bool>("--together") { Description = "All classes at the same time." };
        var ladder = new Option<bool>("--ladder") { Description = "Half as much again at each step, until errors come or less than nine tenths of the rate is answered; --seconds is for one step." };
        var processes = new Option<int[]>("--pid") { Description = "With --server: the servers' processes on this machine, whose memory is to be watched.", AllowMultipleArgumentsPerToken = true };
        var seed = new Option<int>("--seed") { Description = "Of the arrivals.", DefaultValueFactory = _ => 1 };
        var output = new Option<DirectoryInfo?>("--out") { Description = "Writes report.md, its pictures and seen.jsonl, what every client saw, into this folder." };
        var json = new Option<FileInfo?>("--json") { Description = "Write the figures to this file." };
        classes.Validators.Add(result =>
        {
            foreach (var name in Names(result.GetValueOrDefault<string>()))
                if (TurnsRun.Classes(1, default).All(each => each.Name != name))
                    result.AddError($"--classes names '{name}'; there are {string.Join(", ", TurnsRun.Classes(1, default).Select(each => each.Name))}.");
        });
        rate.Validators.Add(result =>
        {
            if (Rates(result.GetValueOrDefault<string?>()) is null)
                result.AddError($"--rate is '{result.GetValueOrDefault<string?>()}'; write turns a second, e.g. 4, or e.g. retrieval=8,generation=2.");
        });
        var command = new Command("turns", About) { server, tenant, tenants, model, classes, rate, seconds, turns, think, turnTime, together, ladder, processes, seed, output, json };
        command.SetAction(async (arguments, cancellation) =>
        {
            var rates = Rates(arguments.GetValue(rate))!;
            var plan = new TurnsPlan(
                arguments.GetValue(server)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
                [.. arguments.GetRequiredValue(tenant).Select(Tenant.Parse)],
                arguments.GetValue(tenants),
                arguments.GetValue(model),
                [.. TurnsRun.Classes(arguments.GetValue(turns), TimeSpan.FromSeconds(arguments.GetValue(think)))
                    .Where(each => Names(arguments.GetRequiredValue(classes)).Contains(each.Name))
                    .Select(each => (each, rates.GetValueOrDefault(each.Name, rates.GetValueOrDefault("", each.Rate))))],
                arguments.GetValue(seconds),
                TimeSpan.FromSeconds(arguments.GetValue(turnTime)),
                arguments.GetValue(together),
                arguments.GetValue(ladder),
                arguments.GetValue(processes) ?? [],
                arguments.GetValue(seed));
            var result = await TurnsRun.MeasureAsync(plan, cancellation);
            AnsiConsole.Write(TurnsReport.Table(result));
            AnsiConsole.Write(result.Figures.ToTable());
            if (arguments.GetValue(output) is { } folder) await TurnsReport.Write(result, folder.FullName, cancellation);
            if (arguments.GetValue(json)?.FullName is { } file) await File.WriteAllTextAsync(file, Json(result).ToJsonString(JsonOptions), cancellation);
            return result.Figures.MissAny ? 1 : 0;
        });
        return command;
    }

    private static JsonObject Json(TurnsResult result)
    {
        var json = new JsonObject { ["subject"] = "turns", ["cores"] = Environment.ProcessorCount };
        var classes = new JsonObject();
        foreach (var figures in result.Classes)
            classes[figures.Class] = new JsonObject
            {
                ["rate"] = figures.Rate,
                ["turns_per_second"] = Number(figures.TurnsPerSecond),
                ["ttft_ms_p50"] = Number(figures.Quantile(figures.Ttft, 0.5)),
                ["ttft_ms_p99"] = Number(figures.Quantile(figures.Ttft, 0.99)),
                ["turn_ms_p50"] = Number(figures.Quantile(figures.Turn, 0.5)),
                ["turn_ms_p99"] = Number(figures.Quantile(figures.Turn, 0.99)),
                ["tokens_per_second"] = Number(figures.TokensPerSecond),
                ["tokens_mean"] = Number(figures.TokensMean),
                ["prompt_tokens_mean"] = Number(figures.PromptTokensMean),
                ["rss_total_mib"] = Number(figures.PeakMebibytes),
                ["turns"] = figures.Asked,
                ["completed"] = figures.Completed,
                ["errors"] = new JsonObject(figures.Errors.Select(error => KeyValuePair.Create(error.Key, (JsonNode?)error.Value))),
                ["saturation_turns_per_second"] = result.Saturation.TryGetValue(figures.Class, out var saturated) ? Number(saturated) : null,
            };
        json["classes"] = classes;
        result.Figures.WriteTo(json);
        return json;
    }

    private static JsonNode? Number(double value) => double.IsFinite(value) ? Math.Round(value, 3) : null;

    private static string[] Names(string? names) => names?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    /// <summary>By class; that of "" is for all. Null where it is neither form.</summary>
    private static Dictionary<string, double>? Rates(string? text)
    {
        var rates = new Dictionary<string, double>();
        foreach (var part in Names(text))
        {
            var (name, number) = part.Split('=', 2) is [var named, var its] ? (named, its) : ("", part);
            if (!double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var rate) || rate is not (> 0 and < 100_000)) return null;
            rates[name] = rate;
        }
        return rates;
    }
}
