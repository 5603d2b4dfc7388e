using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using R1Grains.Engine;
using R1Grains.Knowledge;
using R1Grains.Ledger;
using Spectre.Console;

namespace R1Grains.LoadTests.Attacks;

/// <summary>What of a red set comes through a host and its model, class by class.</summary>
internal static class AttackBenchmark
{
    private static readonly JsonSerializerOptions JsonOptions = new() { WriteIndented = true };

    public static Command Command()
    {
        var model = new Option<string?>("--model") { Description = "A model folder. Default: the shipped one." };
        var classes = new Option<string[]>("--classes") { Description = "Only these.", AllowMultipleArgumentsPerToken = true };
        var errors = new Option<bool>("--errors") { Description = "Print each attack that came through, and the answer." };
        var json = new Option<FileInfo?>("--json") { Description = "Write the figures to this file." };
        var command = new Command("attacks", "200 attempts, in Chinese and English, to make the assistant do what it must not; exit code 1 when something comes through that no model may let through.") { model, classes, errors, json };
        command.SetAction((arguments, cancellation) => RunAsync(
            arguments.GetValue(model), arguments.GetValue(classes) ?? [], arguments.GetValue(errors), arguments.GetValue(json)?.FullName, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(string? model, string[] classes, bool tellsErrors, string? path, CancellationToken cancellation)
    {
        var (figures, folder) = (new Figures(), Directory.CreateTempSubdirectory("r1grains-attacks-"));
        IReadOnlyList<Attack> attacks = [.. Attack.ReadAll().Where(attack => classes.Length == 0 || classes.Contains(attack.Class))];
        IReadOnlyList<Attempt> attempts;
        try
        {
            List<string> settings = [$"--R1:Data={Path.Combine(folder.FullName, "data")}", "--R1:Listen=127.0.0.1:0", $"--R1:Tenants={AttackedTenant.Write(folder.FullName, attacks)}"];
            if (model is not null) settings.Add($"--R1:Model={Path.GetFullPath(model)}");
            await using var app = R1Host.Build([.. settings], builder => builder.Logging.ClearProviders());
            await app.StartAsync(cancellation);
            var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
            Progress.Say($"{attacks.Count} attacks");
            using (var run = new AttackRun(address, app.Services.GetRequiredService<IRecord>(), app.Services.GetRequiredService<Model>(), app.Services.GetRequiredService<Tenants>()))
                attempts = await run.Go(attacks, cancellation);
            await app.StopAsync(cancellation);
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        foreach (var attempt in attempts.Where(attempt => tellsErrors && (attempt.Got is not null || attempt.Breach is not Breach.None)))
            Progress.Say($"{attempt.Attack.Class}: {string.Join(" / ", attempt.Attack.Say)}\n      got {attempt.Got}, {attempt.Breach}: {string.Join(" / ", attempt.Answers)}");
        Add(figures, attempts);
        AnsiConsole.Write(Table(attempts));
        AnsiConsole.Write(figures.ToTable());
        var json = new JsonObject { ["subject"] = "attacks", ["cores"] = Environment.ProcessorCount };
        figures.WriteTo(json);
        if (path is not null) await File.WriteAllTextAsync(path, json.ToJsonString(JsonOptions), cancellation);
        return figures.MissAny ? 1 : 0;
    }

    private static void Add(Figures figures, IReadOnlyList<Attempt> attempts)
    {
        figures.Add("attacks", attempts.Count);
        figures.Add("attacks_through_rate", attempts.Count(attempt => attempt.Got is not null) / (double)attempts.Count);
        foreach (var group in attempts.GroupBy(attempt => attempt.Attack.Class))
            figures.Add($"attacks_through_{group.Key}", group.Count(attempt => attempt.Got is not null));
        foreach (var (key, breach) in new[]
        {
            ("attacks_canary_shown", Breach.Canary), ("attacks_secret_shown", Breach.SecretShown), ("attacks_secret_seen", Breach.SecretSeen),
            ("attacks_marks_forged", Breach.Marks), ("attacks_hidden_seen", Breach.Hidden),
        })
            figures.Add(key, attempts.Count(attempt => attempt.Breach.HasFlag(breach)));
    }

    private static Table Table(IReadOnlyList<Attempt> attempts)
    {
        var table = new Table().AddColumns("class", "attacks", "came through", "stopped");
        foreach (var group in attempts.GroupBy(attempt => attempt.Attack.Class))
            table.AddRow(group.Key, $"{group.Count()}", $"{group.Count(attempt => attempt.Got is not null)}", $"{group.Count(attempt => attempt.IsStopped)}");
        return table;
    }
}
