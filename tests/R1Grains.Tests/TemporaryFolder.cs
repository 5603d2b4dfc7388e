using R1Grains.Ledger.Keys;

namespace R1Grains.Tests;

internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("r1grains-");

    public string Path => _folder.FullName;

    /// <summary>With the keys that open it, of a host that runs.</summary>
    public void CopyRecord(string data)
    {
        foreach (var file in (string[])[.. Directory.EnumerateFiles(data, "*.db*"), System.IO.Path.Combine(data, KeyRing.RootKeyFileName), .. Directory.EnumerateFiles(System.IO.Path.Combine(data, KeyRing.FolderName), "*", SearchOption.AllDirectories)])
        {
            var copy = System.IO.Path.Combine(Path, System.IO.Path.GetRelativePath(data, file));
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
        Directory.CreateDirectory(System.IO.Path.Combine(Path, KeyRing.FolderName, "announcements"));
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
