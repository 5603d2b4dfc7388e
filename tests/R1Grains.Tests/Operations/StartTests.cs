using System.Net;
using System.Net.Sockets;
using R1Grains.Operations;
using R1Grains.Tests.Scripted;

namespace R1Grains.Tests.Operations;

public sealed class StartTests
{
    [Theory]
    [InlineData("R1__Listen")]
    [InlineData("R1__Metrics")]
    [InlineData("R1__Dashboard")]
    public async Task A_busy_port_is_one_clear_line(string name)
    {
        using var folder = new TemporaryFolder();
        using var busy = new TcpListener(IPAddress.Loopback, 0);
        busy.Start();
        var address = busy.LocalEndpoint.ToString()!;
        await FailsWith([address, name], folder.Path, (name, address));
    }

    [Fact]
    public async Task A_data_folder_that_cannot_be_is_one_clear_line()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "file");
        await File.WriteAllTextAsync(file, "");
        await FailsWith([file], file);
    }

    [Fact]
    public async Task A_data_folder_in_use_is_one_clear_line()
    {
        using var folder = new TemporaryFolder();
        await using var first = HostProcess.Launch(folder.Path, new Script());
        await first.Ready();
        await FailsWith([folder.Path], folder.Path);
    }

    [Theory]
    [InlineData("R1__Listen", "localhost")]
    [InlineData("R1__Listen", "127.0.0.1")]
    [InlineData("R1__TurnTimeout", "00:00:00")]
    [InlineData("R1__TurnTimeout", "300")]
    [InlineData("R1__ShutdownTimeout", "soon")]
    [InlineData("R1__Metrics", "9464")]
    [InlineData("R1__Metrics", "0.0.0.0:9464")]
    [InlineData("R1__Dashboard", "8080")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317")]
    [InlineData("R1__Engine__Provider", "cudaa")]
    [InlineData("R1__Engine__Device", "first")]
    [InlineData("R1__Engine__CapturesGraphs", "1")]
    public async Task A_wrong_setting_is_one_clear_line(string name, string value)
    {
        using var folder = new TemporaryFolder();
        await FailsWith([name, $"'{value}'"], folder.Path, (name, value));
    }

    [Fact]
    public async Task An_address_of_another_machine_is_one_clear_line()
    {
        using var folder = new TemporaryFolder();
        // For documentation only (RFC 5737): nobody has it.
        await FailsWith(["R1__Listen"], folder.Path, ("R1__Listen", "203.0.113.9:5080"));
    }

    [Fact]
    public async Task A_missing_model_folder_is_one_clear_line()
    {
        using var folder = new TemporaryFolder();
        var model = Path.Combine(folder.Path, "no-model");
        await using var host = HostProcess.Launch(folder.Path, ("R1__Model", model));
        await Fails(host, [model]);
    }

    [Fact]
    public async Task A_missing_provider_library_is_one_clear_line()
    {
        using var folder = new TemporaryFolder();
        var plugin = Path.Combine(folder.Path, "plugin.so");
        await using var host = HostProcess.Launch(Path.Combine(folder.Path, "data"), ("R1__Engine__Provider", plugin));
        await Fails(host, ["R1__Engine__Provider", plugin, "does not exist"]);
    }

    [Fact]
    public async Task A_model_folder_of_an_unknown_kind_is_one_clear_line()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "genai_config.json"), """{ "model": { "type": "oracle" } }""");
        await using var host = HostProcess.Launch(Path.Combine(folder.Path, "data"), ("R1__Model", folder.Path));
        await Fails(host, [folder.Path, "oracle"]);
    }

    [Fact]
    public async Task A_policy_longer_than_the_window_is_one_clear_line()
    {
        using var folder = new TemporaryFolder();
        var demo = Directory.CreateDirectory(Path.Combine(folder.Path, "tenants", "demo")).FullName;
        await File.WriteAllTextAsync(Path.Combine(demo, "facts.md"), "---\nversion: 1\n---\n");
        var policy = Path.Combine(demo, "policy.md");
        await File.WriteAllTextAsync(policy, $"---\nversion: 1\n---\n{new string('x', 13_000)}");
        // 13,000, a line with the canary, and five markers; 16,384 less a quarter for the answer and 64 for the question.
        await FailsWith([policy, "13018 tokens", "at most 12224 fit"], Path.Combine(folder.Path, "data"), ("R1__Tenants", Path.Combine(folder.Path, "tenants")));
    }

    [Fact]
    public void What_nobody_foresaw_is_not_explained_away() => Assert.Null(StartFailure.Explain(new InvalidOperationException("?")));

    [Fact]
    public async Task It_says_where_to_connect_and_what_to_type_next_and_nothing_else()
    {
        using var folder = new TemporaryFolder();
        await using var host = HostProcess.Launch(folder.Path, new Script());
        var address = await host.Ready();
        host.Stop();
        Assert.Equal(0, await host.Exited());
        Assert.StartsWith("http://127.0.0.1:", address);
        Assert.Contains(host.Output, line => line.EndsWith("embedded: not for compliance use", StringComparison.Ordinal));
        Assert.Contains(host.Output, line => line.Contains("-- chat", StringComparison.Ordinal));
        Assert.True(host.Output.Count <= 6, string.Join('\n', host.Output));
    }

    private static async Task FailsWith(string[] words, string dataFolder, params (string, string)[] environment)
    {
        await using var host = HostProcess.Launch(dataFolder, new Script(), environment);
        await Fails(host, words);
    }

    private static async Task Fails(HostProcess host, string[] words)
    {
        Assert.NotEqual(0, await host.Exited());
        var line = Assert.Single(host.Output);
        foreach (var word in words)
            Assert.Contains(word, line);
    }
}
