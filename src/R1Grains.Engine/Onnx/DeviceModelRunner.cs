using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using R1Grains.Engine.Models;

namespace R1Grains.Engine.Onnx;

/// <summary>
/// Runs a decoder where memory is the device's own: nothing is committed on demand, so rows are of a few fixed lengths,
/// each length a <see cref="KvBlock"/>, and prefixes that are in the way wait in the memory of the host. Everything that
/// a run reads and writes lies on the device, at the same addresses and in the same few shapes from step to step: a run
/// takes 1, 2, 4, 8 … rows from the beginning of a block, whether needed or not, and a mask 256, 512, 1024 … wide. That
/// is what a captured CUDA graph needs, and it keeps the shapes of matrix products few.
/// </summary>
internal sealed class DeviceModelRunner : IModelRunner
{
    /// <summary>
    /// Every chunk but the last is so long. Matrix kernels are chosen by the length of the chunk and give other bits for
    /// another one, so there is no grid to be found on which cuts would not show.
    /// </summary>
    private const int Cut = 256;

    private const int MaskWidthMin = 256;

    // Of what is free beside the model; the rest is for activations, kernels' workspaces and captured graphs.
    private const double KvShare = 0.9;

    // Prefixes that are kept, beside the rows, as long as the host has memory for them.
    private const int ParkedPerRow = 4;
    private const int ParkedMin = 64;

    private readonly Device _device;
    private readonly GenAiConfig _config;
    private readonly InferenceSession _session;
    private readonly RunOptions _eager = Device.RunEagerly();
    private readonly DeviceKvBlock[] _blocks;
    private readonly HostKvBlock? _parked; // Null when the host has no memory to spare.
    private readonly DeviceBuffer _tokens;
    private readonly DeviceBuffer _logits;
    private readonly DeviceBuffer? _chunkLogits; // Null when the graph computes logits of the last position only.
    private readonly DeviceBuffer _chunkTokens;
    private readonly float[] _widened; // Logits of one row.
    private readonly Dictionary<(KvBlock Block, int Width), Mask> _masks = [];
    private readonly Dictionary<(KvBlock Block, int Count, int Width), DecodeBinding> _decodes = [];
    private readonly OrtIoBinding?[] _prefills;
    private readonly bool _capturesGraphs;

    // Positions computed per slot. A row that is not to be run but has to fill a batch is run one position beyond its
    // end, where the next chunk or token overwrites it; a mask without ones would be refused.
    private readonly int[] _lengths;

    // A graph belongs to the thread that captured it, and the thread that loads is not the one that serves.
    private readonly int _loadingThread = Environment.CurrentManagedThreadId;

    /// <summary>The runner owns the device.</summary>
    /// <param name="kvBytes">Memory of the device for keys and values; 0 for most of what is free beside the model.</param>
    /// <param name="capturesGraphs">Records each shape of a decode run once and replays it from then on; the device's provider must have been told the same.</param>
    /// <exception cref="ModelFolderException">The model cannot be run, or not on this device.</exception>
    /// <exception cref="DeviceException">The device computes attention otherwise than the CPU does, or has too little memory.</exception>
    public DeviceModelRunner(ModelFolder folder, Device device, int rows, long kvBytes = 0, bool capturesGraphs = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        (_device, _config, Rows, _capturesGraphs) = (device, folder.Config, rows, capturesGraphs);
        ContextLength = _config.ContextLength;
        _session = Open(folder, device);
        var graph = new DecoderGraph(_session, folder, TensorElementType.Float, TensorElementType.Float16, TensorElementType.BFloat16);
        if (!device.Attends(graph.KvType))
            throw new ModelFolderException($"{folder.OnnxPath}: keys and values are {graph.KvType}, and {device.Name} computes attention over Float16 and BFloat16 only; build the folder for it ('-e cuda' of the model builder), or serve it with R1__Engine__Provider=cpu.");
        AttentionTest.Require(device, graph.KvType, new(_config.AttentionHeads, _config.KvHeads, _config.HeadSize));

        VocabularySize = graph.VocabularySize;
        _tokens = new DeviceBuffer(device, TensorElementType.Int64, rows, mirrored: true);
        _chunkTokens = new DeviceBuffer(device, TensorElementType.Int64, ChunkLength, mirrored: true);
        _logits = new DeviceBuffer(device, graph.LogitsType, (long)rows * VocabularySize, mirrored: true);
        _chunkLogits = graph.GivesLastOnly ? null : new DeviceBuffer(device, graph.LogitsType, (long)ChunkLength * VocabularySize);
        _widened = new float[VocabularySize];

        var shape = new KvShape(graph.KvType, _config.Layers, _config.KvHeads, _config.HeadSize);
        var memory = kvBytes > 0 ? kvBytes : (long)(device.FreeBytes * KvShare);
        _blocks = [.. Blocks(RowLengths.Of(rows, ContextLength, memory / shape.PositionBytes), shape)];
        var parked = (int)Math.Min(Memory.Available / 2 / (ContextLength * shape.PositionBytes), Math.Max(ParkedMin, ParkedPerRow * rows));
        _parked = parked > 0 ? new HostKvBlock(shape, rows, parked, ContextLength) : null;
        Slots = rows + parked;
        (_lengths, _prefills) = (new int[Slots], new OrtIoBinding?[rows]);
        KvCapacity = checked((int)Enumerable.Range(0, Slots).Sum(slot => (long)SlotLength(slot)));
        Numerics = TakeFingerprint();
    }

    public int Rows { get; }

    public int Slots { get; }

    public int ContextLength { get; }

    public int VocabularySize { get; }

    public int ChunkLength => 2 * Cut;

    public int CutGrid => Cut;

    public bool HasFixedCuts => true;

    /// <summary>All that the slots hold: each has its memory from the start.</summary>
    public int KvCapacity { get; }

    public string Numerics { get; }

    public int SlotLength(int slot) => BlockOf(slot).Length;

    public void Prefill(int slot, int start, ReadOnlySpan<int> tokens)
    {
        var ids = _chunkTokens.Span<long>(0, tokens.Length);
        for (var i = 0; i < tokens.Length; i++) ids[i] = tokens[i];
        _chunkTokens.Push(0, tokens.Length);
        var block = RowsOf(slot);
        var mask = MaskFor(block, start + tokens.Length);
        mask.Set(slot - block.First, start + tokens.Length);
        var binding = _prefills[slot] ??= PrefillBinding(block, slot);
        using var inputs = _chunkTokens.View(0, 1, tokens.Length);
        using var ones = mask.Buffer.View((long)(slot - block.First) * mask.Width, 1, mask.Width);
        using var logits = _chunkLogits?.View(0, 1, tokens.Length, VocabularySize) ?? _logits.View((long)slot * VocabularySize, 1, 1, VocabularySize);
        binding.BindInput(_config.InputIds, inputs);
        binding.BindInput(_config.AttentionMask, ones);
        binding.BindOutput(_config.Logits, logits);
        _device.Synchronize();
        _session.RunWithBinding(_eager, binding);
        _lengths[slot] = start + tokens.Length;
        var bytes = (long)VocabularySize * _logits.ElementSize;
        if (_chunkLogits is not null) _device.Copy(_chunkLogits.Address + (nint)((tokens.Length - 1) * bytes), _logits.Address + (nint)(slot * bytes), bytes);
        _logits.Pull((long)slot * VocabularySize, VocabularySize);
        _device.Synchronize();
    }

    public void Decode(ReadOnlySpan<DecodeRow> rows)
    {
        foreach (var row in rows) (_lengths[row.Slot], _tokens.Span<long>(row.Slot, 1)[0]) = (row.Position, row.Token);
        _tokens.Push(rows[0].Slot, rows[^1].Slot - rows[0].Slot + 1);
        foreach (var block in _blocks)
        {
            int first = -1, last = -1;
            foreach (var row in rows)
                if (row.Slot >= block.First && row.Slot < block.First + block.Count)
                    (first, last) = (first < 0 ? row.Slot : first, row.Slot);
            if (first < 0) continue;
            RunRows(block, RunLength(last - block.First + 1, block.Count));
            _logits.Pull((long)first * VocabularySize, (long)(last - first + 1) * VocabularySize);
        }
        foreach (var row in rows) _lengths[row.Slot]++;
        _device.Synchronize();
    }

    public void Copy(int from, int to, int length)
    {
        KvBlock source = BlockOf(from), target = BlockOf(to);
        var bytes = (long)length * source.Shape.HeadBytes;
        for (var buffer = 0; buffer < 2 * _config.Layers; buffer++)
            for (var head = 0; head < _config.KvHeads; head++)
                Copy(source.Address(buffer, from, head), target.Address(buffer, to, head), bytes, source == _parked, target == _parked);
        _device.Synchronize();
        _lengths[to] = length;
    }

    public void Truncate(int slot, int length)
    {
        _lengths[slot] = length;
        BlockOf(slot).Truncate(slot, length);
    }

    public ReadOnlySpan<float> Logits(int slot)
    {
        if (_logits.Type == TensorElementType.Float) return _logits.Span<float>((long)slot * VocabularySize, VocabularySize);
        var bytes = VocabularySize * _logits.ElementSize;
        Elements.Widen(_logits.Type, _logits.Span<byte>((long)slot * bytes, bytes), _widened);
        return _widened;
    }

    public void Dispose()
    {
        foreach (var binding in _decodes.Values) binding.Dispose();
        foreach (var binding in _prefills) binding?.Dispose();
        _session.Dispose();
        _eager.Dispose();
        foreach (var mask in _masks.Values) mask.Buffer.Dispose();
        foreach (var block in _blocks) block.Dispose();
        foreach (var buffer in new[] { _tokens, _chunkTokens, _logits, _chunkLogits }) buffer?.Dispose();
        _parked?.Dispose();
        _device.Dispose();
    }

    /// <summary>Rows of a run that needs the first so many of a block.</summary>
    internal static int RunLength(int needed, int count) => Math.Min(count, (int)BitOperations.RoundUpToPowerOf2((uint)needed));

    private static InferenceSession Open(ModelFolder folder, Device device)
    {
        // What is left to the CPU are a few shapes.
        using var options = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1, EnableMemoryPattern = false };
        device.AppendTo(options);
        try
        {
            return LastLogits.Load(folder, options);
        }
        catch (Exception refused) when (refused is OnnxRuntimeException or InvalidProtocolBufferException)
        {
            throw new ModelFolderException($"{folder.OnnxPath} cannot be loaded on {device.Name} ({device.Provider}): {refused.Message}", refused);
        }
    }

    private IEnumerable<DeviceKvBlock> Blocks(int[] lengths, KvShape shape)
    {
        for (var first = 0; first < lengths.Length;)
        {
            var count = lengths.Skip(first).TakeWhile(length => length == lengths[first]).Count();
            yield return new DeviceKvBlock(_device, shape, first, count, lengths[first]);
            first += count;
        }
    }

    private KvBlock BlockOf(int slot) => slot < Rows ? RowsOf(slot) : _parked!;

    private DeviceKvBlock RowsOf(int slot)
    {
        var i = 0;
        while (slot >= _blocks[i].First + _blocks[i].Count) i++;
        return _blocks[i];
    }

    private void RunRows(DeviceKvBlock block, int count)
    {
        var longest = 0;
        for (var row = 0; row < count; row++) longest = Math.Max(longest, _lengths[block.First + row]);
        var mask = MaskFor(block, longest + 1);
        for (var row = 0; row < count; row++) mask.Set(row, _lengths[block.First + row] + 1);
        var binding = BindingFor(block, count, mask);
        _device.Synchronize();
        _session.RunWithBinding(_capturesGraphs && Environment.CurrentManagedThreadId != _loadingThread ? binding.Graph : _eager, binding.Io);
    }

    private void Copy(nint from, nint to, long bytes, bool fromHost, bool toHost)
    {
        if (fromHost && toHost) Move(from, to, bytes);
        else if (fromHost) _device.Upload(from, to, bytes);
        else if (toHost) _device.Download(from, to, bytes);
        else _device.Copy(from, to, bytes);

        static unsafe void Move(nint from, nint to, long bytes) => Buffer.MemoryCopy((void*)from, (void*)to, bytes, bytes);
    }

    /// <summary>What a fixed probe comes to; devices of another kind or with another provider never have the same.</summary>
    private string TakeFingerprint()
    {
        var probe = Probe.Ids(VocabularySize);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{_device.Name}\n{_device.Provider}\n"));
        Prefill(0, 0, probe);
        hash.AppendData(MemoryMarshal.AsBytes(Logits(0)));
        Decode([new(0, probe.Length, 1)]);
        hash.AppendData(MemoryMarshal.AsBytes(Logits(0)));
        hash.AppendData(MemoryMarshal.AsBytes(Sampler.Weights(Logits(0), temperature: 0.5f)));
        Truncate(0, 0);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private DecodeBinding BindingFor(DeviceKvBlock block, int count, Mask mask)
    {
        if (_decodes.TryGetValue((block, count, mask.Width), out var binding)) return binding;
        binding = new DecodeBinding(_session.CreateIoBinding(), Device.RunAsGraph(_decodes.Count + 1));
        using var tokens = _tokens.View(block.First, count, 1);
        using var ones = mask.Buffer.View(0, count, mask.Width);
        using var logits = _logits.View((long)block.First * VocabularySize, count, 1, VocabularySize);
        binding.Io.BindInput(_config.InputIds, tokens);
        binding.Io.BindInput(_config.AttentionMask, ones);
        binding.Io.BindOutput(_config.Logits, logits);
        BindRows(binding.Io, block, block.First, count);
        return _decodes[(block, count, mask.Width)] = binding;
    }

    /// <summary>What all chunks of a slot have in common; ids, mask and logits are bound anew for each.</summary>
    private OrtIoBinding PrefillBinding(DeviceKvBlock block, int slot)
    {
        var binding = _session.CreateIoBinding();
        BindRows(binding, block, slot, 1);
        return binding;
    }

    /// <summary>Keys and values are past and present at once, so that a run appends in place.</summary>
    private void BindRows(OrtIoBinding binding, DeviceKvBlock block, int first, int count)
    {
        for (var layer = 0; layer < _config.Layers; layer++)
        {
            Bind(2 * layer, _config.PastKeys, _config.PresentKeys);
            Bind(2 * layer + 1, _config.PastValues, _config.PresentValues);

            void Bind(int buffer, string past, string present)
            {
                // A binding keeps the native tensor alive by itself.
                using var rows = block.View(buffer, first, count);
                binding.BindInput(DecoderGraph.Named(past, layer), rows);
                binding.BindOutput(DecoderGraph.Named(present, layer), rows);
            }
        }
    }

    /// <summary>The narrowest mask for <paramref name="length"/> positions.</summary>
    private Mask MaskFor(KvBlock block, int length)
    {
        var width = MaskWidthMin;
        while (width < length) width *= 2;
        width = Math.Min(width, block.Length);
        if (!_masks.TryGetValue((block, width), out var mask)) _masks[(block, width)] = mask = new Mask(_device, block.Count, width);
        return mask;
    }

    /// <summary>Attention masks [rows, width]: a row's ones, from the left, say how many positions it has.</summary>
    private sealed class Mask(Device device, int rows, int width)
    {
        private readonly int[] _ones = new int[rows];

        public int Width => width;

        public DeviceBuffer Buffer { get; } = new(device, TensorElementType.Int64, (long)rows * width, mirrored: true);

        public void Set(int row, int ones)
        {
            var (start, count) = (Math.Min(ones, _ones[row]), Math.Abs(ones - _ones[row]));
            if (count == 0) return;
            var changed = (long)row * width + start;
            Buffer.Span<long>(changed, count).Fill(ones > _ones[row] ? 1 : 0);
            Buffer.Push(changed, count);
            _ones[row] = ones;
        }
    }

    /// <summary>What a decode run reads and writes, and under which number its graph is known.</summary>
    private sealed class DecodeBinding(OrtIoBinding io, RunOptions graph) : IDisposable
    {
        public OrtIoBinding Io => io;

        public RunOptions Graph => graph;

        public void Dispose()
        {
            io.Dispose();
            graph.Dispose();
        }
    }
}
