using System.Diagnostics;
using System.Reflection;
using System.Text;

namespace R1Grains.Tests.Cli;

/// <summary>The client as a process of its own.</summary>
internal sealed class R1Process : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private static readonly string Program = typeof(R1Process).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "r1").Value!;

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly Task _reading;
    private readonly Task<string> _errors;

    /// <summary>The client between pipes, as scripts run it.</summary>
    /// <param name="home">Where it keeps what was shown.</param>
    public R1Process(string home, params string[] arguments)
        : this(home, "dotnet", [Program, .. arguments])
    {
    }

    private R1Process(string home, string program, string[] arguments, params (string Name, string Value)[] environment)
    {
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = utf8,
            StandardOutputEncoding = utf8,
            StandardErrorEncoding = utf8,
        };
        start.Environment["XDG_DATA_HOME"] = home;
        start.Environment["LC_ALL"] = "C";
        start.Environment["TERM"] = "xterm";
        foreach (var (name, value) in environment) start.Environment[name] = value;
        _process = Process.Start(start)!;
        _errors = _process.StandardError.ReadToEndAsync();
        _reading = Read();
    }

    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>The client on a terminal of its own, as people run it.</summary>
    public static R1Process OnTerminal(string home, params string[] arguments) =>
        new(home, "script", ["--quiet", "--return", "--flush", "--command", $"dotnet {Program} {string.Join(' ', arguments)}", "/dev/null"]);

    public static async Task<(int ExitCode, string Output, string Errors)> Run(string home, string input, params string[] arguments)
    {
        await using var process = new R1Process(home, arguments);
        process.Type(input);
        return await process.End();
    }

    public static async Task<(int ExitCode, string Output, string Errors)> Run(string home, (string Name, string Value)[] environment, params string[] arguments)
    {
        await using var process = new R1Process(home, "dotnet", [Program, .. arguments], environment);
        process.Type("");
        return await process.End();
    }

    public void Type(string text)
    {
        _process.StandardInput.Write(text);
        _process.StandardInput.Flush();
    }

    /// <summary>Returns once it has written at least so many characters.</summary>
    public async Task Written(int characters)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (Output.Length < characters)
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, patience.Token);
    }

    /// <summary>Returns once it has written these words.</summary>
    public async Task Written(string words)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!Output.Contains(words, StringComparison.Ordinal))
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, patience.Token);
    }

    public async Task<(int ExitCode, string Output, string Errors)> End()
    {
        _process.StandardInput.Close();
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
        await _reading;
        return (_process.ExitCode, Output, await _errors);
    }

    /// <summary>Ends it at once; returns all it had written.</summary>
    public async Task<string> Kill()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        await _reading;
        return Output;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await Kill();
        _process.Dispose();
    }

    private async Task Read()
    {
        var buffer = new char[1024];
        int read;
        while ((read = await _process.StandardOutput.ReadAsync(buffer)) > 0)
            lock (_output)
                _output.Append(buffer, 0, read);
    }
}
