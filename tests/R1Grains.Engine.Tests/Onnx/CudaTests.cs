using System.Diagnostics;
using R1Grains.Engine.Models;
using R1Grains.Engine.Onnx;
using Xunit.Abstractions;
using static R1Grains.Engine.Tests.Generations;

namespace R1Grains.Engine.Tests.Onnx;

/// <summary>What only a GPU can show; figures come with its name.</summary>
[CollectionDefinition(nameof(CudaTests), DisableParallelization = true)]
[Collection(nameof(CudaTests))]
public sealed class CudaTests(ITestOutputHelper output)
{
    private const int Long = 8_192;
    private const int Rows = 16;

    [GpuFact]
    public void Logits_are_those_of_the_cpu_within_what_float16_rounds()
    {
        var folder = ModelFolder.Open(HalfFolder.MakeWhole(Long));
        using var expected = new DeviceModelRunner(folder, new CpuDevice(), Rows, 1 << 28);
        using var runner = Open(folder, capturesGraphs: false);
        for (var slot = 0; slot < Rows; slot++)
            foreach (var each in new[] { expected, runner }) DeviceModelRunnerTests.Prefill(each, slot, OnnxModelRunnerTests.Prompt(slot, 20 + slot * 61));
        for (var step = 0; step < 4; step++)
        {
            DecodeRow[] rows = [.. Enumerable.Range(0, Rows).Select(slot => new DecodeRow(slot, 20 + slot * 61 + step, slot + 7))];
            expected.Decode(rows);
            runner.Decode(rows);
            for (var slot = 0; slot < Rows; slot++) DeviceModelRunnerTests.Near(expected.Logits(slot), runner.Logits(slot), 0.05f);
        }
        runner.Copy(3, runner.Slots - 1, 203);
        runner.Copy(runner.Slots - 1, 0, 203);
        runner.Decode([new(0, 203, 5), new(3, 203, 5)]);
        DeviceModelRunnerTests.Near(runner.Logits(3).ToArray(), runner.Logits(0), 0.01f);
    }

    [GpuFact]
    public async Task A_captured_graph_gives_the_ids_of_eager_runs()
    {
        var folder = ModelFolder.Open(HalfFolder.MakeWhole(Long));
        var ids = new List<int[]>();
        foreach (var captures in new[] { false, true, true })
        {
            await using var engine = new InferenceEngine(folder.Model with { StopIds = [] }, Open(folder, captures), Options(), TimeProvider.System);
            ids.Add((await engine.RunAsync(Request(engine.Model, "跨行转账手续费是多少？", Greedy with { MaxTokens = 400, TopP = 1 }))).Ids);
        }
        Assert.Equal(ids[0], ids[1]);
        Assert.Equal(ids[1], ids[2]);
    }

    [GpuFact]
    public void Steps_are_timed()
    {
        var folder = ModelFolder.Open(HalfFolder.MakeWhole(Long));
        using var device = Device();
        output.WriteLine($"{device.Name}, {device.Provider}, {folder.Model.Name} in float16");
        using var runner = Open(folder, capturesGraphs: false);
        var prompt = OnnxModelRunnerTests.Prompt(1, 256);
        foreach (var rows in new[] { 1, 4, 16 })
        {
            for (var slot = 0; slot < rows; slot++) runner.Prefill(slot, 0, prompt);
            void Step(int position) => runner.Decode([.. Enumerable.Range(0, rows).Select(slot => new DecodeRow(slot, position, 7))]);
            for (var i = 0; i < 20; i++) Step(256 + i);
            var clock = Stopwatch.StartNew();
            for (var i = 20; i < 120; i++) Step(256 + i);
            output.WriteLine($"{rows} rows: {clock.Elapsed.TotalMilliseconds / 100:0.000} ms a step, {rows * 100 / clock.Elapsed.TotalSeconds:n0} tokens/s");
        }
    }

    private static Device Device(bool capturesGraphs = false) =>
        ExecutionProviders.Open(new EngineOptions { Folder = "", Provider = GpuFactAttribute.Provider!, CapturesGraphs = capturesGraphs });

    private static DeviceModelRunner Open(ModelFolder folder, bool capturesGraphs) => new(folder, Device(capturesGraphs), Rows, 1 << 28, capturesGraphs);
}
