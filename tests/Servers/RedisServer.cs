using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace R1Grains.Tests.Servers;

/// <summary>A Redis of its own, on a free port of loopback, which writes down what it is told.</summary>
public sealed partial class RedisServer : IAsyncDisposable
{
    private const int Kill9 = 9;
    private const int Continue = 18;
    private const int Stop = 19;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("r1grains-redis-");
    private readonly int _port = Loopback.FreePort();
    private readonly string[] _settings;
    private Process? _process;

    private RedisServer(string[] settings) => _settings = settings;

    public string Connection => $"127.0.0.1:{_port}";

    /// <param name="settings">In the form of the command line, after the standard ones, which they override.</param>
    public static async Task<RedisServer> StartAsync(params string[] settings)
    {
        var server = new RedisServer(settings);
        await server.StartAsync();
        return server;
    }

    /// <summary>With what it wrote down before.</summary>
    public async Task StartAsync()
    {
        _process = Process.Start(new ProcessStartInfo("redis-server",
        [
            "--port", _port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--dir", _folder.FullName,
            "--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction", "--save", "", .. _settings,
        ])
        { RedirectStandardOutput = true, RedirectStandardError = true }) ?? throw new InvalidOperationException("redis-server did not start");
        var process = _process;
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data?.Contains("Ready to accept connections", StringComparison.Ordinal) is true) ready.TrySetResult();
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (await Task.WhenAny(ready.Task, process.WaitForExitAsync()).WaitAsync(Patience) != ready.Task)
            throw new InvalidOperationException($"redis-server ended with {process.ExitCode}");
    }

    /// <summary>At once, as a power failure does.</summary>
    public async Task KillAsync()
    {
        Send(Kill9);
        await _process!.WaitForExitAsync().WaitAsync(Patience);
    }

    public void Freeze() => Send(Stop);

    public void Resume() => Send(Continue);

    /// <summary>What it was told is lost.</summary>
    public void Forget()
    {
        foreach (var entry in _folder.EnumerateFileSystemInfos())
            if (entry is DirectoryInfo inner) inner.Delete(recursive: true);
            else entry.Delete();
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false }) await KillAsync();
        _process?.Dispose();
        _folder.Delete(recursive: true);
    }

    private void Send(int signal)
    {
        if (Signal(_process!.Id, signal) != 0) throw new Win32Exception();
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Signal(int process, int signal);
}
