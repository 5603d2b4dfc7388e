using R1Grains.LoadTests.Cluster;

namespace R1Grains.LoadTests.Engine;

/// <summary>The host as operators run it, in a process of its own, with data and tenants in a folder that goes with it.</summary>
internal sealed class HostProcess : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("r1grains-load-");
    private readonly ServerProcess _process;

    private HostProcess(string model, string policy, string facts)
    {
        var tenant = _folder.CreateSubdirectory("tenants/demo").FullName;
        File.WriteAllText(Path.Combine(tenant, "policy.md"), $"---\nversion: 1\n---\n{policy}\n");
        File.WriteAllText(Path.Combine(tenant, "facts.md"), $"---\nversion: 1\n---\n{facts}\n");
        _process = ServerProcess.Start("host", [RandomModel.Built("host")], new Dictionary<string, string>
        {
            ["R1__Data"] = Path.Combine(_folder.FullName, "data"),
            ["R1__Tenants"] = Path.Combine(_folder.FullName, "tenants"),
            ["R1__Model"] = Path.GetFullPath(model),
            ["R1__Listen"] = "127.0.0.1:0",
        });
    }

    public double ResidentMebibytes => _process.ResidentMebibytes;

    /// <returns>The host, and where it listens.</returns>
    public static async Task<(HostProcess Host, string Address)> StartAsync(string model, string policy, string facts, CancellationToken cancellation)
    {
        var host = new HostProcess(model, policy, facts);
        try
        {
            return (host, await host._process.Address(cancellation));
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
