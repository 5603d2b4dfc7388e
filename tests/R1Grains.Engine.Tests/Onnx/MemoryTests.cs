using System.Diagnostics;
using Microsoft.ML.OnnxRuntime.Tensors;
using R1Grains.Engine.Models;
using R1Grains.Engine.Onnx;

namespace R1Grains.Engine.Tests.Onnx;

/// <summary>Measures the memory of the whole process, so no other test may run beside these.</summary>
[CollectionDefinition(nameof(MemoryTests), DisableParallelization = true)]
[Collection(nameof(MemoryTests))]
public sealed class MemoryTests
{
    private const long Mebi = 1 << 20;

    [Fact]
    public void A_buffer_takes_memory_where_it_is_written_and_gives_it_back_where_it_is_discarded()
    {
        var before = ResidentBytes();
        using var buffer = new NativeBuffer(TensorElementType.Float, 256 * Mebi); // 1 GiB
        Assert.InRange(ResidentBytes() - before, -64 * Mebi, 64 * Mebi);
        buffer.Span<float>(64 * Mebi, (int)(128 * Mebi)).Fill(1);
        var written = ResidentBytes();
        Assert.InRange(written - before, 400 * Mebi, 600 * Mebi);
        buffer.Discard(64 * Mebi, 64 * Mebi);
        Assert.InRange(written - ResidentBytes(), 200 * Mebi, 300 * Mebi);
        Assert.Equal(1, buffer.Span<float>(128 * Mebi, 1)[0]);
    }

    [Fact]
    public void Many_long_rows_cost_only_what_is_in_them()
    {
        var before = ResidentBytes();
        using var runner = new OnnxModelRunner(ModelFolder.Open(ModelFolders.Get("fp32", context: 32_768)), rows: 64, threads: 0); // 64 slots of 32 MiB
        runner.Prefill(0, 0, OnnxModelRunnerTests.Prompt(1, 100));
        runner.Decode([.. Enumerable.Range(0, 64).Select(slot => new DecodeRow(slot, slot == 0 ? 100 : 0, 5))]);
        Assert.InRange(ResidentBytes() - before, -64 * Mebi, 300 * Mebi);
    }

    [Fact]
    public void Keys_and_values_in_int8_take_a_quarter_of_the_memory()
    {
        var (single, small) = (Filled(ModelFolders.SmallBlocks), Filled(ModelFolders.QuantizedCache));
        Assert.InRange(single, 40 * Mebi, 58 * Mebi); // 2,000 positions of 1 KiB in 24 slots, of which 4 MiB may be kept for the next request.
        Assert.InRange(small, 7 * Mebi, 14 * Mebi);

        static long Filled(string folder)
        {
            // Rows enough that a buffer is larger than any hole in the C heap, whose memory would be there from the start.
            using var runner = new OnnxModelRunner(ModelFolder.Open(folder), rows: 64, threads: 0, kvBytes: 256 * Mebi);
            for (var slot = 0; slot < 24; slot++)
                for (var i = 0; i < 2_000; i += 200) runner.Prefill(slot, i, OnnxModelRunnerTests.Prompt(slot, 200));
            // What goes when the slots are released is theirs, once the collector has given back what earlier tests left.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            var filled = ResidentBytes();
            for (var slot = 0; slot < 24; slot++) runner.Truncate(slot, 0);
            return filled - ResidentBytes();
        }
    }

    private static long ResidentBytes()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
