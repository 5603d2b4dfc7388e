using R1Grains.Engine.Models;
using R1Grains.Engine.Onnx;
using static R1Grains.Engine.Tests.Generations;

namespace R1Grains.Engine.Tests.Onnx;

/// <summary>
/// With the host in the place of a device: its "device memory" is memory of its own, so that whatever was not brought
/// over is missing. The CPU's own runner is the yardstick.
/// </summary>
public sealed class DeviceModelRunnerTests
{
    // Two layers, keys and values, 2 heads of 32, float32.
    private const int PositionBytes = 2 * 2 * 2 * 32 * 4;
    private const int Short = 4_096, Long = 8_192;

    [Fact]
    public void Rows_are_of_the_lengths_that_the_memory_has_room_for()
    {
        using var runner = OpenUneven();
        Assert.Equal([Short, Short, Short, Long, Long], Enumerable.Range(0, 5).Select(runner.SlotLength));
        Assert.All(Enumerable.Range(5, runner.Slots - 5), slot => Assert.Equal(Long, runner.SlotLength(slot)));
        Assert.Equal(3 * Short + (runner.Slots - 3) * Long, runner.KvCapacity);
        Assert.Equal((5, Long, 256, true), (runner.Rows, runner.ContextLength, runner.CutGrid, runner.HasFixedCuts));
    }

    [Theory]
    [InlineData("fp32")]
    [InlineData("int8")]
    public void Rows_of_any_length_that_decode_at_once_have_the_logits_of_the_cpu(string precision)
    {
        using var expected = new OnnxModelRunner(ModelFolder.Open(ModelFolders.Get(precision, Long)), 5, 0);
        using var runner = OpenUneven(precision);
        int[] lengths = [30, 300, 600, 257, 90];
        for (var slot = 0; slot < 5; slot++)
        {
            Prefill(expected, slot, OnnxModelRunnerTests.Prompt(slot, lengths[slot]));
            Prefill(runner, slot, OnnxModelRunnerTests.Prompt(slot, lengths[slot]));
            Assert.Equal(expected.Logits(slot).ToArray(), runner.Logits(slot).ToArray());
        }
        foreach (var batch in new int[][] { [0], [0, 1, 2, 3, 4], [1, 4], [3], [2, 3] })
        {
            DecodeRow[] rows = [.. batch.Select(slot => new DecodeRow(slot, lengths[slot]++, slot + 7))];
            expected.Decode(rows);
            runner.Decode(rows);
            foreach (var slot in batch) Near(expected.Logits(slot), runner.Logits(slot), precision == "fp32" ? 1e-4f : 0.05f);
        }
    }

    [Fact]
    public void Rows_that_fill_a_batch_keep_their_history()
    {
        using var runner = OpenUneven();
        var prompt = OnnxModelRunnerTests.Prompt(1, 90);
        Prefill(runner, 1, prompt);
        var expected = runner.Logits(1).ToArray();
        runner.Prefill(1, 0, prompt.AsSpan(0, 50));
        Prefill(runner, 2, OnnxModelRunnerTests.Prompt(2, 40));
        for (var i = 0; i < 5; i++) runner.Decode([new(2, 40 + i, 5)]); // Rows 0 and 1 are run as well.
        runner.Prefill(1, 50, prompt.AsSpan(50));
        Near(expected, runner.Logits(1), 1e-5f);
    }

    [Fact]
    public void What_is_put_aside_in_the_host_comes_back_to_a_row_of_any_length()
    {
        using var runner = OpenUneven();
        Prefill(runner, 0, OnnxModelRunnerTests.Prompt(1, 700));
        runner.Decode([new(0, 700, 9)]);
        var expected = runner.Logits(0).ToArray();
        var parked = runner.Slots - 1;
        runner.Copy(0, parked, 700);
        runner.Copy(parked, parked - 1, 700);
        runner.Truncate(parked, 100);
        foreach (var row in new[] { 1, 4, 3 })
        {
            runner.Copy(row == 3 ? 4 : parked - 1, row, 700);
            runner.Decode([new(row, 700, 9)]);
            Assert.Equal(expected, runner.Logits(row).ToArray());
        }
    }

    [Fact]
    public void Logits_of_every_position_are_cut_to_the_last()
    {
        var folder = ModelFolders.Edited("fp32", 2048, graph =>
        {
            var last = graph.Node.Single(node => node.Name == "/model/last");
            last.OpType = "Identity";
            last.Input.RemoveAt(1);
            last.Attribute.Clear();
            var length = graph.Output.Single(output => output.Name == "logits").Type.TensorType.Shape.Dim[1];
            length.DimParam = "sequence_length";
        });
        using var expected = Open(ModelFolders.Get("fp32"), rows: 2);
        using var runner = Open(folder, rows: 2);
        foreach (var slot in new[] { 1, 0 })
        {
            Prefill(expected, slot, OnnxModelRunnerTests.Prompt(3, 300));
            Prefill(runner, slot, OnnxModelRunnerTests.Prompt(3, 300));
            Near(expected.Logits(slot), runner.Logits(slot), 1e-4f);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Models_in_float16_run(bool whole)
    {
        using var single = Open(ModelFolders.Get("fp32"), rows: 2);
        using var half = Open(whole ? HalfFolder.MakeWhole() : HalfFolder.Make(), rows: 2);
        foreach (var runner in new[] { single, half })
        {
            Prefill(runner, 1, OnnxModelRunnerTests.Prompt(5, 300));
            runner.Decode([new(1, 300, 8)]);
        }
        Assert.NotEqual(single.Logits(1).ToArray(), half.Logits(1).ToArray());
        Near(single.Logits(1), half.Logits(1), 0.05f);
    }

    [Fact]
    public async Task Requests_of_all_lengths_are_answered_at_once_and_as_on_the_cpu()
    {
        var folder = ModelFolder.Open(ModelFolders.Get("fp32", Long));
        await using var cpu = new InferenceEngine(folder.Model with { StopIds = [] }, new OnnxModelRunner(folder, 5, 0), Options(), TimeProvider.System);
        await using var engine = new InferenceEngine(cpu.Model, OpenUneven(capturesGraphs: true), Options(), TimeProvider.System);
        var requests = Enumerable.Range(0, 12).Select(i => Request(engine.Model, string.Concat(Enumerable.Repeat("跨行转账手续费是多少？ fee ", 1 + i % 4 * 3)), Greedy with
        {
            MaxTokens = i % 3 == 0 ? 5_000 : 24, // Only a long row has room for it.
            ReasoningBudget = 8,
        })).ToList();
        async Task<int[]> First(InferenceEngine served, GenerationRequest request)
        {
            var ids = new List<int>();
            await foreach (var emission in served.GenerateAsync(request))
            {
                Assert.NotEqual(FinishReason.Failed, emission.Completion?.Reason);
                if (emission.Kind == EmissionKind.Token) ids.Add(emission.TokenId);
                if (ids.Count == 20) break;
            }
            return [.. ids];
        }
        var together = await Task.WhenAll(requests.Select(request => First(engine, request)));
        for (var i = 0; i < requests.Count; i++) Assert.Equal(await First(cpu, requests[i]), together[i]);
        Assert.NotEqual(cpu.Numerics, engine.Numerics);
    }

    [Theory]
    [InlineData(1, 64, 1)]
    [InlineData(2, 64, 2)]
    [InlineData(3, 64, 4)]
    [InlineData(33, 64, 64)]
    [InlineData(17, 20, 20)]
    [InlineData(3, 3, 3)]
    public void Runs_have_few_sizes(int needed, int rows, int size) => Assert.Equal(size, DeviceModelRunner.RunLength(needed, rows));

    [Fact]
    public void Too_little_memory_is_refused_with_what_fits() =>
        Assert.Contains("write R1__Engine__Rows=2 or less", Assert.Throws<DeviceException>(() =>
            new DeviceModelRunner(ModelFolder.Open(ModelFolders.Get("fp32", Long)), new CpuDevice(), 5, (Long + Short) * PositionBytes)).Message);

    private static DeviceModelRunner OpenUneven(string precision = "fp32", bool capturesGraphs = false) =>
        new(ModelFolder.Open(ModelFolders.Get(precision, Long)), new CpuDevice(), rows: 5, (3 * Short + 2 * Long) * PositionBytes, capturesGraphs);

    private static DeviceModelRunner Open(string folder, int rows) => new(ModelFolder.Open(folder), new CpuDevice(), rows, 1 << 24);

    internal static void Prefill(IModelRunner runner, int slot, int[] prompt)
    {
        for (var i = 0; i < prompt.Length; i += 256) runner.Prefill(slot, i, prompt.AsSpan(i, Math.Min(256, prompt.Length - i)));
    }

    internal static void Near(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, float tolerance)
    {
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], tolerance);
    }
}
