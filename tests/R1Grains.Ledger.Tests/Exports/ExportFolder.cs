using System.Text;
using R1Grains.Ledger.Exports;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Tests.Exports;

/// <summary>Exports as a client writes them, in a folder that is removed after the test.</summary>
internal sealed class ExportFolder : IDisposable
{
    public static readonly IReadOnlyList<SelectedConversation> All = [new("c1", [1, 2, 3]), new("c2", [1])];

    public string Path { get; } = Directory.CreateTempSubdirectory("export-").FullName;

    public string Records => In(ExportManifest.RecordsName);

    public string In(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);

    public static ExportView View(string name) => new(
        name, IsWhole: name != "REDACTED", WithReasoning: name == "REASONING", text => text.Replace("42", "**", StringComparison.Ordinal), opened => "**" + opened.Input[2..], (opened, shown) => shown.Length > 0 ? true : null);

    public static async Task<ExportStream> StreamAsync(IRecord record, string view = "FULL", IReadOnlyList<SelectedConversation>? selection = null, string tenant = "demo")
    {
        var stored = (StoredRecord)record;
        var identity = stored.Identity!;
        var manifest = new ExportManifest
        {
            Format = ExportManifest.CurrentFormat,
            RecordFormat = Format.Entry.CurrentFormat,
            Export = $"tenants/{tenant}/exports/e1",
            Tenant = tenant,
            Asked = new("anna", Samples.Start, "案件 4711", view, [new("channel", "chat")]),
            Made = default,
            Counts = new(0, 0, 0, 0, 0),
            Files = [],
            Checkpoint = (await CheckpointAsync(record, tenant)).ToString(),
            Key = identity.Signer.PublicPem,
        };
        return new(stored, manifest, selection ?? All, View(view), (whole, _) =>
        {
            var bytes = whole.ToBytes();
            return Task.FromResult(new SignedManifest(bytes, identity.Signer.Note(ExportManifest.NoteText(identity.Origin(tenant), manifest.Export, Digest.Of(bytes)), identity.Origin(tenant)).ToString()));
        }, TimeProvider.System);
    }

    public async Task WriteAsync(ExportStream stream, ExportPosition? from = null)
    {
        await foreach (var frame in stream.ReadAsync(from ?? ExportPosition.Start))
            await AppendAsync(frame);
    }

    public async Task AppendAsync(ExportFrame frame)
    {
        await using var file = new FileStream(In(frame.File), FileMode.Append);
        await file.WriteAsync(frame.Bytes);
    }

    public void Change(string name, Func<string, string> change) => File.WriteAllText(In(name), change(File.ReadAllText(In(name))), new UTF8Encoding(false));

    public void ChangeLines(string name, Action<List<string>> change) => Change(name, text =>
    {
        var lines = text.TrimEnd('\n').Split('\n').ToList();
        change(lines);
        return string.Concat(lines.Select(line => line + "\n"));
    });

    /// <summary>One that has all that was acknowledged.</summary>
    private static async Task<SignedNote> CheckpointAsync(IRecord record, string tenant)
    {
        var stored = (StoredRecord)record;
        while (true)
        {
            var leaves = (await stored.Index.ReadStateAsync(tenant)).TreeLeaves;
            if (leaves > 0 && await stored.FindCheckpointAsync(tenant) is { } note && Checkpoint.Parse(note.Text).Size == leaves && await stored.ProveInclusionAsync(new(tenant, "c2"), 2) is not null)
                return note;
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }
    }
}
