using R1Grains.Ledger;
using R1Grains.Ledger.Exports;
using R1Grains.Tests.Gateway;
using R1Grains.Tests.Scripted;

namespace R1Grains.Tests.Cli;

/// <summary><c>r1 audit export</c>, and <c>r1 audit verify</c> of what it wrote.</summary>
public sealed class ExportCommandTests : IDisposable
{
    private readonly TemporaryFolder _home = new();
    private readonly TemporaryFolder _out = new();

    public void Dispose()
    {
        _home.Dispose();
        _out.Dispose();
    }

    [Fact]
    public async Task An_export_is_written_verified_and_what_was_changed_in_it_is_named()
    {
        await using var host = await EmbeddedHost.Start(new Script(Answer: "年费 {words}"));
        await ExportTests.Said(host, "c1", "customers/42", "one", "two");
        var (folder, key) = (Path.Combine(_out.Path, "complaint"), Path.Combine(host.Data, SqliteRecord.KeyFileName + ".pub"));
        var (exitCode, output, errors) = await Run("audit", "export", "--customer", "customers/42", "--format", "Html", "--out", folder, "-m", "complaint 4711", "--server", host.Address);
        Assert.Equal(("", 0), (errors, exitCode));
        Assert.StartsWith($"2 turns in {folder}", output, StringComparison.Ordinal);
        Assert.Equal(["manifest.json", "manifest.note", "proof.jsonl", "records.jsonl", "transcripts.html"], Directory.EnumerateFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));

        (exitCode, output, errors) = await Run("audit", "verify", folder, "--key", key);
        Assert.Equal(("", 0), (errors, exitCode));
        Assert.StartsWith("VALID: tenants/demo/exports/export-", output, StringComparison.Ordinal);
        Assert.Contains("1 conversations (0 erased), 2 turns", output, StringComparison.Ordinal);
        (exitCode, output, errors) = await Run("audit", "verify", folder);
        Assert.Equal(0, exitCode);
        Assert.StartsWith("r1: the key in the export was taken as it is", errors, StringComparison.Ordinal);

        (exitCode, _, errors) = await Run("audit", "export", "--out", folder, "-m", "again", "--server", host.Address);
        Assert.Equal(2, exitCode);
        Assert.Contains("is not empty", errors, StringComparison.Ordinal);

        var id = ExportManifest.Parse(await File.ReadAllBytesAsync(Path.Combine(folder, ExportManifest.FileName))).Export.Split('/')[^1];
        (exitCode, output, errors) = await Run("audit", "exports", "list", "--server", host.Address);
        Assert.Equal(("", 0), (errors, exitCode));
        Assert.StartsWith($"{id}\tReady\t2\tRedacted\t", output, StringComparison.Ordinal);
        (exitCode, output, _) = await Run("audit", "exports", "cancel", id, "-m", "done", "--server", host.Address);
        Assert.Equal(0, exitCode);
        Assert.Contains("Cancelled", output, StringComparison.Ordinal);

        var records = Path.Combine(folder, ExportManifest.RecordsName);
        await File.WriteAllTextAsync(records, (await File.ReadAllTextAsync(records)).Replace("年费 two", "年费 ten", StringComparison.Ordinal));
        (exitCode, output, _) = await Run("audit", "verify", folder, "--key", key);
        Assert.Equal(1, exitCode);
        Assert.Contains("\nfirst bad: records.jsonl line ", output, StringComparison.Ordinal);
        Assert.Contains("tenants/demo/conversations/c1/turns/2", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_broken_off_goes_on_and_what_is_no_export_is_told_in_a_line()
    {
        await using var host = await EmbeddedHost.Start();
        await ExportTests.Said(host, "c1", "", "one");
        var folder = Path.Combine(_out.Path, "first");
        Assert.Equal(0, (await Run("audit", "export", "--out", folder, "-m", "x", "--server", host.Address)).ExitCode);
        var export = ExportManifest.Parse(await File.ReadAllBytesAsync(Path.Combine(folder, ExportManifest.FileName))).Export;

        // As it lies there after Ctrl-C: some bytes came that the next try gets again.
        var broken = Directory.CreateDirectory(Path.Combine(_out.Path, "broken")).FullName;
        await File.WriteAllTextAsync(Path.Combine(broken, "unfinished.json"), $$$"""{"Export":"{{{export}}}","Token":"","Sizes":{}}""");
        await File.WriteAllTextAsync(Path.Combine(broken, ExportManifest.RecordsName), "{\"record\":");
        var (exitCode, _, errors) = await Run("audit", "verify", broken);
        Assert.Equal((2, $"r1: {broken} holds an export that was not finished: run the same r1 audit export again\n"), (exitCode, errors));
        (exitCode, _, errors) = await Run("audit", "export", "--out", broken, "-m", "x", "--server", host.Address);
        Assert.Equal((0, $"r1: goes on with {export}, which was broken off in {broken}.\n"), (exitCode, errors));
        Assert.Equal(0, (await Run("audit", "verify", broken)).ExitCode);
        Assert.False(File.Exists(Path.Combine(broken, "unfinished.json")));

        var other = Directory.CreateDirectory(Path.Combine(_out.Path, "other")).FullName;
        await File.WriteAllTextAsync(Path.Combine(other, "notes.txt"), "hello");
        (exitCode, _, errors) = await Run("audit", "verify", other);
        Assert.Equal((2, $"r1: there is no manifest.json in {other}\n"), (exitCode, errors));
    }

    private Task<(int ExitCode, string Output, string Errors)> Run(params string[] arguments) => R1Process.Run(_home.Path, "", arguments);
}
