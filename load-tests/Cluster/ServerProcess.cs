using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using R1Grains.Operations;

namespace R1Grains.LoadTests.Cluster;

/// <summary>A host in a process of its own, as operators run it: it can be asked to stop, killed, and frozen.</summary>
internal sealed partial class ServerProcess : IAsyncDisposable
{
    private const int LinesKept = 60;

    // As Linux numbers them.
    private const int Terminating = 15, Continuing = 18, Stopping = 19;

    private readonly Process _process;
    private readonly TextWriter? _log;
    private volatile bool _isDisposed;
    private readonly ConcurrentQueue<string> _lines = [];
    private readonly TaskCompletionSource<string> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource<SiloMemory>? _memory;

    private ServerProcess(string name, Process process, string? log)
    {
        (Name, _process) = (name, process);
        if (log is not null) _log = TextWriter.Synchronized(new StreamWriter(log, append: true) { AutoFlush = true });
        process.OutputDataReceived += Read;
        process.ErrorDataReceived += Read;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Name { get; }

    public int Id => _process.Id;

    public bool HasExited => _isDisposed || _process.HasExited;

    public double ResidentMebibytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64 / (double)(1 << 20);
        }
    }

    /// <summary>The last lines that it wrote.</summary>
    public IReadOnlyList<string> Lines => [.. _lines];

    /// <param name="program">What dotnet runs, and its arguments.</param>
    /// <param name="log">File to which all that it writes is appended; null for none.</param>
    public static ServerProcess Start(string name, IEnumerable<string> program, IReadOnlyDictionary<string, string> environment, string? log = null)
    {
        var start = new ProcessStartInfo("dotnet", program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (variable, value) in environment) start.Environment[variable] = value;
        return new(name, Process.Start(start)!, log);
    }

    /// <returns>The address it says to connect to.</returns>
    /// <exception cref="StartFailure">It ended instead; the message holds its last words.</exception>
    public async Task<string> Address(CancellationToken cancellation)
    {
        var exited = _process.WaitForExitAsync(cancellation);
        return await Task.WhenAny(_address.Task, exited) == exited && !_address.Task.IsCompleted
            ? throw new StartFailure($"{Name} ended while it started:\n{string.Join('\n', Lines)}")
            : await _address.Task;
    }

    /// <summary>What it holds when it has collected its garbage; of a paced host, which is not asked twice at once.</summary>
    public async Task<SiloMemory> Memory(TimeSpan patience)
    {
        _memory = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await _process.StandardInput.WriteLineAsync("memory");
        await _process.StandardInput.FlushAsync();
        return await _memory.Task.WaitAsync(patience, TimeProvider.System);
    }

    /// <summary>Ends it at once, as a power failure does.</summary>
    public async Task Kill()
    {
        _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
    }

    /// <summary>Asks it to stop, as an operator does; returns when it has.</summary>
    public async Task Terminate(TimeSpan patience)
    {
        Signal(Terminating);
        await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(patience, TimeProvider.System);
    }

    public void Freeze() => Signal(Stopping);

    public void Thaw() => Signal(Continuing);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        // Its last words included.
        await _process.WaitForExitAsync(CancellationToken.None);
        // Somebody else may be looking at it.
        _isDisposed = true;
        _process.Dispose();
        _log?.Dispose();
    }

    private void Read(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is not { } text) return;
        _lines.Enqueue(text);
        _log?.WriteLine(text);
        while (_lines.Count > LinesKept) _lines.TryDequeue(out _);
        if (SiloMemory.Parse(text) is { } memory) _memory?.TrySetResult(memory);
        // What a client was told to be an internal error no fault explains, and only the log says more of it.
        if (text.Contains(" fail: R1Grains.Gateway", StringComparison.Ordinal)) Progress.Say($"{Name}: {text}");
        if (text.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["connect", var address, ..]) _address.TrySetResult(address);
    }

    private void Signal(int signal)
    {
        if (Kill(_process.Id, signal) != 0) throw new Win32Exception();
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
