using System.Text.Json;
using Grpc.Core;
using R1Grains.Ledger.Exports;
using R1Grains.V1;

namespace R1Grains.Cli;

/// <summary>An export that is written into a folder, and gone on with where it was broken off.</summary>
internal sealed class ExportDownload
{
    /// <summary>Beside the files until they are whole.</summary>
    public const string StateName = "unfinished.json";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(300);

    private readonly string _folder;
    private Progress _at;

    private ExportDownload(string folder, Progress at) => (_folder, _at) = (folder, at);

    public string Export => _at.Export;

    private string StateFile => Path.Combine(_folder, StateName);

    /// <summary>Null where nothing was begun there.</summary>
    /// <exception cref="IOException">There is something else.</exception>
    public static ExportDownload? Find(string folder)
    {
        var file = Path.Combine(folder, StateName);
        try
        {
            return File.Exists(file) && JsonSerializer.Deserialize<Progress>(File.ReadAllBytes(file)) is { Export: not null, Sizes: not null } at ? new(folder, at) : null;
        }
        catch (JsonException)
        {
            throw new IOException($"{file} was made by something else, or is cut off: choose another folder");
        }
    }

    public static ExportDownload Begin(string folder, string export)
    {
        Directory.CreateDirectory(folder);
        var download = new ExportDownload(folder, new(export, "", []));
        download.Keep();
        return download;
    }

    /// <summary>Waits until it can be downloaded.</summary>
    /// <param name="told">How many turns have been found.</param>
    /// <exception cref="RefusedException">It has failed, or was cancelled.</exception>
    public async Task<V1.Export> WaitAsync(Connection connection, Action<V1.Export> told, CancellationToken cancellation)
    {
        while (true)
        {
            var export = await connection.Call(c => c.Transcripts.GetExportAsync(new() { Name = Export }, cancellationToken: cancellation), cancellation);
            told(export);
            if (export.State is not V1.Export.Types.State.Selecting)
                return export;
            await Task.Delay(Look, TimeProvider.System, cancellation);
        }
    }

    /// <summary>Downloads what is missing, over as many connections as it takes.</summary>
    /// <param name="told">How many turns have come.</param>
    /// <exception cref="RefusedException"/>
    /// <exception cref="UnreachableException"/>
    public async Task RunAsync(Connection connection, string purpose, Action<long> told, CancellationToken cancellation)
    {
        var outage = new Outage(TimeProvider.System, Patience);
        while (true)
        {
            Refusal refusal;
            try
            {
                await ReadAsync(connection, purpose, outage, told, cancellation);
                File.Delete(StateFile);
                return;
            }
            catch (RpcException broken) when (!cancellation.IsCancellationRequested)
            {
                refusal = Refusal.Of(broken);
            }
            if (!refusal.IsTransient)
                throw new RefusedException(refusal);
            connection.MoveOn();
            await outage.Break(refusal, connection, cancellation);
        }
    }

    private async Task ReadAsync(Connection connection, string purpose, Outage outage, Action<long> told, CancellationToken cancellation)
    {
        Cut();
        var files = new Dictionary<string, FileStream>(StringComparer.Ordinal);
        try
        {
            using var call = connection.Transcripts.DownloadExport(new() { Name = Export, Purpose = purpose, ResumeToken = _at.Token }, cancellationToken: cancellation);
            while (await call.ResponseStream.MoveNext(cancellation))
            {
                var part = call.ResponseStream.Current;
                // What a server names becomes a path here.
                if (part.File is not (ExportManifest.RecordsName or ExportManifest.ProofName or ExportManifest.FileName or ExportManifest.NoteName))
                    throw new IOException($"the server sends a file that no export has: '{string.Concat(part.File.Select(letter => char.IsControl(letter) ? '?' : letter))}'");
                if (!files.TryGetValue(part.File, out var file))
                    files[part.File] = file = new FileStream(Path.Combine(_folder, part.File), FileMode.Append);
                await file.WriteAsync(part.Data.Memory, cancellation);
                told(part.Turns);
                if (part.ResumeToken.Length == 0)
                    continue;
                outage.Ended();
                foreach (var written in files.Values)
                    await written.FlushAsync(cancellation);
                _at = new(Export, part.ResumeToken, files.Values.Select(written => (Path.GetFileName(written.Name), written.Length)).ToDictionary());
                Keep();
            }
        }
        catch (OperationCanceledException)
        {
            cancellation.ThrowIfCancellationRequested();
            throw;
        }
        catch (RpcException) when (cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellation);
        }
        finally
        {
            foreach (var file in files.Values)
                await file.DisposeAsync();
        }
    }

    /// <summary>What came after the last place from which it can go on comes again.</summary>
    private void Cut()
    {
        foreach (var name in (string[])[ExportManifest.RecordsName, ExportManifest.ProofName, ExportManifest.FileName, ExportManifest.NoteName])
        {
            var file = new FileInfo(Path.Combine(_folder, name));
            if (!file.Exists)
                continue;
            var size = _at.Sizes.GetValueOrDefault(name);
            if (size == 0)
                file.Delete();
            else if (file.Length < size)
                throw new IOException($"{file} has {file.Length} bytes, and had {size} when the download broke off: somebody changed it; choose another folder");
            else
                using (var open = file.OpenWrite())
                    open.SetLength(size);
        }
    }

    /// <summary>Whole or not at all.</summary>
    private void Keep()
    {
        File.WriteAllBytes(StateFile + ".new", JsonSerializer.SerializeToUtf8Bytes(_at));
        File.Move(StateFile + ".new", StateFile, overwrite: true);
    }

    /// <param name="Sizes">Of the files, in bytes, where <paramref name="Token"/> goes on.</param>
    private sealed record Progress(string Export, string Token, Dictionary<string, long> Sizes);
}
