using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using R1Grains.Tests.Scripted;

namespace R1Grains.Tests;

/// <summary>The host as operators run it: a process of its own, which can be stopped or killed.</summary>
internal sealed partial class HostProcess : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private const int Terminate = 15;
    private const int Continue = 18;
    private const int Halt = 19;

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = [];
    private readonly TaskCompletionSource<string> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _metrics = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _dashboard = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private HostProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += Read;
        process.ErrorDataReceived += Read;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();

        void Read(object _, DataReceivedEventArgs line)
        {
            if (line.Data is not { } text)
                return;
            _output.Enqueue(text);
            if (text.Split(' ', StringSplitOptions.RemoveEmptyEntries) is not [var word, var address, ..])
                return;
            if (word == "connect")
                _address.TrySetResult(address);
            if (word == "metrics")
                _metrics.TrySetResult(address);
            if (word == "dashboard")
                _dashboard.TrySetResult(address);
        }
    }

    public IReadOnlyList<string> Output => [.. _output];

    /// <summary>The program as it ships.</summary>
    public static HostProcess Launch(string dataFolder, params IEnumerable<(string Name, string Value)> environment) =>
        Launch(["R1Grains.dll"], dataFolder, environment);

    /// <summary>The program with a scripted model.</summary>
    public static HostProcess Launch(string dataFolder, Script script, params IEnumerable<(string Name, string Value)> environment) =>
        Launch(["R1Grains.Tests.dll", "host"], dataFolder, [.. script.Environment, .. environment]);

    /// <summary>The program with a scripted model, of another build.</summary>
    /// <param name="program">The folder that holds it.</param>
    public static HostProcess LaunchFrom(string program, string dataFolder, Script script, params IEnumerable<(string Name, string Value)> environment) =>
        Launch([Path.Combine(program, "R1Grains.Tests.dll"), "host"], dataFolder, [.. script.Environment, .. environment]);

    // A free port is taken unless the environment names one.
    private static HostProcess Launch(string[] program, string dataFolder, IEnumerable<(string Name, string Value)> environment)
    {
        var start = new ProcessStartInfo(
            Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet",
            [Path.Combine(AppContext.BaseDirectory, program[0]), .. program[1..]])
        {
            WorkingDirectory = Path.GetTempPath(),
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["R1__Data"] = dataFolder;
        start.Environment["R1__Listen"] = "127.0.0.1:0";
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return new(Process.Start(start)!);
    }

    /// <summary>The address it says to connect to.</summary>
    public async Task<string> Ready()
    {
        var exited = _process.WaitForExitAsync();
        var first = await Task.WhenAny(_address.Task, exited).WaitAsync(Patience);
        return first == exited ? throw new InvalidOperationException(string.Join('\n', Output)) : await _address.Task;
    }

    /// <summary>The address where it says that it can be scraped.</summary>
    public Task<string> Scraped() => _metrics.Task.WaitAsync(Patience);

    /// <summary>The address where it says that operators see the dashboard.</summary>
    public Task<string> Dashboard() => _dashboard.Task.WaitAsync(Patience);

    public async Task<int> Exited()
    {
        await _process.WaitForExitAsync().WaitAsync(Patience);
        return _process.ExitCode;
    }

    /// <summary>The most that it has held in memory at one time so far, in bytes.</summary>
    public long PeakMemory()
    {
        var line = File.ReadLines($"/proc/{_process.Id}/status").Single(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    /// <summary>Asks it to stop, as an operator does.</summary>
    public void Stop() => Signal(Terminate);

    /// <summary>It computes nothing and answers nobody, but its connections stand.</summary>
    public void Freeze()
    {
        Signal(Halt);
        IsFrozen = true;
    }

    public void Thaw()
    {
        Signal(Continue);
        IsFrozen = false;
    }

    public bool IsFrozen { get; private set; }

    public bool HasEnded => _process.HasExited;

    /// <summary>Ends it at once, as a power failure does.</summary>
    public Task<int> Kill()
    {
        _process.Kill();
        return Exited();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await Kill();
        _process.Dispose();
    }

    private void Signal(int signal)
    {
        if (Kill(_process.Id, signal) != 0)
            throw new Win32Exception();
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
