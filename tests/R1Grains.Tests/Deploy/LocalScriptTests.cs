using System.Diagnostics;

namespace R1Grains.Tests.Deploy;

/// <summary>What <c>deploy/local.sh</c> says where it starts nothing.</summary>
public sealed class LocalScriptTests
{
    [Fact]
    public async Task Help_names_the_commands_and_the_exit_codes()
    {
        var (code, output, _) = await Run("--help");
        Assert.Equal(0, code);
        Assert.Contains("up | down | status", output);
        Assert.Contains("Exit codes", output);
    }

    [Theory]
    [InlineData]
    [InlineData("start")]
    [InlineData("up", "down")]
    public async Task Other_words_are_wrong_usage(params string[] arguments)
    {
        var (code, output, errors) = await Run(arguments);
        Assert.Equal(2, code);
        Assert.Empty(output);
        Assert.Contains("Usage", errors);
    }

    [Theory]
    [InlineData("gateway conversation")]
    [InlineData("gateway,oracle")]
    public async Task Roles_that_do_not_exist_start_nothing(string roles)
    {
        var (code, _, errors) = await Run(["up"], ("R1_LOCAL_ROLES", roles));
        Assert.Equal(2, code);
        Assert.Contains("R1_LOCAL_ROLES", errors);
    }

    [Fact]
    public async Task Where_nothing_runs_status_says_so_and_down_is_done()
    {
        var (code, output, _) = await Run("status");
        Assert.Equal(3, code);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["postgresql", "redis", "silo-1", "silo-2", "silo-3"], lines.Select(line => line.Split(' ')[0]));
        Assert.All(lines, line => Assert.EndsWith("stopped", line));

        Assert.Equal((0, "", ""), await Run("down"));
    }

    private static Task<(int Code, string Output, string Errors)> Run(params string[] arguments) => Run(arguments, []);

    private static async Task<(int Code, string Output, string Errors)> Run(string[] arguments, params (string Name, string Value)[] environment)
    {
        using var folder = new TemporaryFolder();
        var start = new ProcessStartInfo("bash", [Repository.PathOf("deploy/local.sh"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["R1_LOCAL"] = Path.Combine(folder.Path, "local");
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output, await errors);
    }
}
