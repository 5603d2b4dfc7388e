namespace R1Grains.Tests.Upgrade;

/// <summary>The scripted host with the next version's R1Grains.dll in it, everything else being the same.</summary>
internal sealed class NextProgram : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public NextProgram()
    {
        foreach (var entry in new DirectoryInfo(AppContext.BaseDirectory).EnumerateFileSystemInfos())
        {
            var here = Path.Combine(_folder.Path, entry.Name);
            if (entry.Name == "R1Grains.dll") File.Copy(Path.Combine(AppContext.BaseDirectory, "next", entry.Name), here);
            // Where these lie, dotnet looks for the rest.
            else if (entry.Name.StartsWith("R1Grains.Tests.", StringComparison.Ordinal)) File.Copy(entry.FullName, here);
            else if (entry is DirectoryInfo) Directory.CreateSymbolicLink(here, entry.FullName);
            else File.CreateSymbolicLink(here, entry.FullName);
        }
    }

    public string Folder => _folder.Path;

    public void Dispose() => _folder.Dispose();
}
