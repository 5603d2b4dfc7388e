using R1Grains.LoadTests.Cluster;
using R1Grains.LoadTests.Engine;

namespace R1Grains.LoadTests.Turns;

/// <summary>The embedded host with the shipped model or another, for several tenants with the shipped facts, and with data that goes with it.</summary>
internal sealed class EmbeddedServer : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;

    private EmbeddedServer(DirectoryInfo folder, ServerProcess process, string address, IReadOnlyList<Tenant> tenants) =>
        (_folder, Process, Address, Tenants) = (folder, process, address, tenants);

    public ServerProcess Process { get; }

    public string Address { get; }

    public IReadOnlyList<Tenant> Tenants { get; }

    public string Data => DataIn(_folder);

    /// <param name="model">A model folder; null for the shipped one.</param>
    public static async Task<EmbeddedServer> StartAsync(int tenantCount, string? model, CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("r1grains-turns-");
        ServerProcess? process = null;
        try
        {
            string[] names = [.. Enumerable.Range(1, tenantCount).Select(number => number == 1 ? "demo" : $"demo-{number}")];
            foreach (var name in names) CopyShipped(folder.CreateSubdirectory($"tenants/{name}").FullName);
            var environment = new Dictionary<string, string>
            {
                ["R1__Data"] = DataIn(folder),
                ["R1__Tenants"] = Path.Combine(folder.FullName, "tenants"),
                ["R1__Listen"] = "127.0.0.1:0",
            };
            if (model is not null) environment["R1__Model"] = Path.GetFullPath(model);
            process = ServerProcess.Start("host", [RandomModel.Built("host")], environment);
            var address = await process.Address(cancellation);
            // Its own machine's caller belongs to the first tenant; of the others it wants to see a token.
            var tenants = new List<Tenant>();
            foreach (var name in names) tenants.Add(new(name, name == names[0] ? null : await Token(name, DataIn(folder), cancellation)));
            return new(folder, process, address, tenants);
        }
        catch
        {
            if (process is not null) await process.DisposeAsync();
            folder.Delete(recursive: true);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private static string DataIn(DirectoryInfo folder) => Path.Combine(folder.FullName, "data");

    private static async Task<string> Token(string tenant, string data, CancellationToken cancellation) =>
        (await ChildProcess.OutputAsync("dotnet", [RandomModel.Built("host"), "dev-token", "--tenant", tenant, "--subject", "load", "--R1:Data", data], cancellation)).Trim();

    private static void CopyShipped(string folder)
    {
        foreach (var file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "deploy", "tenants", "demo")))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
    }
}
