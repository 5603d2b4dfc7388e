using System.Diagnostics;

namespace R1Grains.Ledger.Tests;

/// <summary>A volume of 2 MiB in memory, where the user may mount one.</summary>
internal sealed class SmallVolume(string path) : IDisposable
{
    public static async Task<SmallVolume?> TryMount(string path) =>
        OperatingSystem.IsLinux() && await Run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", path) == 0 ? new SmallVolume(path) : null;

    public async Task MakeReadOnly() => Assert.Equal(0, await Run("mount", "-o", "remount,ro", path));

    public void Dispose() => Run("umount", path).GetAwaiter().GetResult();

    private static async Task<int> Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        await process.WaitForExitAsync();
        return process.ExitCode;
    }
}
