namespace R1Grains.Tuning.Tests;

internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("r1-tuning-tests-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
