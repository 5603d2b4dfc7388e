namespace R1Grains.Tests;

internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("r1grains-");

    public string Path => _folder.FullName;

    public void Dispose() => _folder.Delete(recursive: true);
}
