using System.Diagnostics;

namespace R1Grains.LoadTests.Engine;

/// <summary>The host as operators run it, in a process of its own, with data and tenants in a folder that goes with it.</summary>
internal sealed class HostProcess : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("r1grains-load-");
    private readonly TaskCompletionSource<string> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Process _process;

    private HostProcess(string model, string policy, string facts)
    {
        var tenant = _folder.CreateSubdirectory("tenants/demo").FullName;
        File.WriteAllText(Path.Combine(tenant, "policy.md"), $"---\nversion: 1\n---\n{policy}\n");
        File.WriteAllText(Path.Combine(tenant, "facts.md"), $"---\nversion: 1\n---\n{facts}\n");
        var start = new ProcessStartInfo("dotnet", [RandomModel.Built("host")]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["R1__Data"] = Path.Combine(_folder.FullName, "data");
        start.Environment["R1__Tenants"] = Path.Combine(_folder.FullName, "tenants");
        start.Environment["R1__Model"] = Path.GetFullPath(model);
        start.Environment["R1__Listen"] = "127.0.0.1:0";
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) =>
        {
            if (line.Data?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["connect", var address, ..]) _address.TrySetResult(address);
        };
        _process.ErrorDataReceived += (_, line) => Bench.Say(line.Data ?? "");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public double ResidentMebibytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64 / (double)(1 << 20);
        }
    }

    /// <returns>The host, and where it listens.</returns>
    public static async Task<(HostProcess Host, string Address)> StartAsync(string model, string policy, string facts, CancellationToken cancellation)
    {
        var host = new HostProcess(model, policy, facts);
        try
        {
            var exited = host._process.WaitForExitAsync(cancellation);
            return await Task.WhenAny(host._address.Task, exited) == exited
                ? throw new InvalidOperationException("The host ended while it started.")
                : (host, await host._address.Task);
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
        _folder.Delete(recursive: true);
    }
}
