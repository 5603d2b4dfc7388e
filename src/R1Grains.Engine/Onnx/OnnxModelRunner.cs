using System.Diagnostics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using R1Grains.Engine.Models;

namespace R1Grains.Engine.Onnx;

/// <summary>
/// Runs a decoder on the CPU provider of ONNX Runtime. Keys and values of each layer lie in one buffer
/// [slots, kv heads, context, head size]; consecutive slots are a tensor at an offset, bound as past and as present,
/// so that a run appends in place.
/// </summary>
internal sealed class OnnxModelRunner : IModelRunner
{
    private const int ChunkLengthMax = 512;
    private const int FixedCut = 64;
    private const long PrefillLogitsBytesMax = 64 << 20;
    private const int MaskWidthMin = 256;
    private const int GranuleMax = 8;
    private const int BindingsMax = 512;

    // How long a thread that waits for the others' share of an operator looks before it sleeps. Operators of small models
    // take a few microseconds, so sleeping each time costs a third of a single row's speed; and between two steps pass 30
    // to 50 µs, after which a thread that sleeps misses the first operators, a tenth of that speed. Without a bound, two
    // runs of a busy machine that wait for each other's threads lose four fifths of theirs.
    private const int SpinMicroseconds = 200;

    // So much memory is kept for the next requests, and so much of the cache's if that is more: giving it back and taking
    // it again, page by page, costs each as much as a small chunk.
    private const long UnusedBytesMin = 4 << 20;
    private const int UnusedPart = 64;

    // Prefixes that are kept, beside the rows, as long as there is memory for them.
    private const int ParkedPerRow = 4;
    private const int ParkedMin = 64;

    private readonly GenAiConfig _config;
    private readonly InferenceSession _session;
    private readonly RunOptions _runOptions = new();
    private readonly NativeBuffer[] _keys;
    private readonly NativeBuffer[] _values;
    private readonly NativeBuffer _tokens;
    private readonly NativeBuffer _logits;
    private readonly NativeBuffer? _chunkLogits; // Null when the graph computes logits of the last position only.
    private readonly NativeBuffer _chunkTokens;
    private readonly float[] _widened; // Logits of one row as float32, when the model's are float16.
    private readonly List<Mask> _masks = []; // By width, each twice as wide as the one before.
    private readonly Dictionary<(int First, int Count, int Width), Binding> _decodes = [];
    private readonly Binding?[] _prefills;

    // Positions computed per slot. A row that is not to be run but lies between others is run anyway, one position
    // beyond its end, where the next chunk or token overwrites it: an empty mask would be refused, and a shorter one
    // would overwrite history.
    private readonly int[] _lengths;

    // Positions of a slot that memory was committed for.
    private readonly int[] _touched;
    private readonly long _positionBytes;

    // The rows, rounded up so that any granule fits.
    private readonly int _widest;

    /// <param name="threads">0 for the cores of the machine; never more than the attention heads.</param>
    /// <param name="kvBytes">Memory for keys and values; 0 for half of what the machine has free.</param>
    public OnnxModelRunner(ModelFolder folder, int rows, int threads, long kvBytes = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        _config = folder.Config;
        Rows = rows;
        ContextLength = _config.ContextLength;
        Threads = Math.Min(threads > 0 ? threads : Environment.ProcessorCount, _config.AttentionHeads);
        _session = Open(folder, Threads);

        var graph = new DecoderGraph(_session, folder, TensorElementType.Float, TensorElementType.Float16, TensorElementType.Int8);
        VocabularySize = graph.VocabularySize;
        ChunkLength = graph.GivesLastOnly ? ChunkLengthMax : (int)Math.Clamp(PrefillLogitsBytesMax / (4L * VocabularySize) / FixedCut * FixedCut, 2 * FixedCut, ChunkLengthMax);

        _widest = (rows + GranuleMax - 1) / GranuleMax * GranuleMax;
        Slots = rows + Math.Max(ParkedMin, ParkedPerRow * rows);
        (_lengths, _touched, _prefills) = (new int[Slots], new int[Slots], new Binding?[rows]);
        _keys = [.. Enumerable.Range(0, _config.Layers).Select(_ => new NativeBuffer(graph.KvType, Slots * SlotElements))];
        _values = [.. Enumerable.Range(0, _config.Layers).Select(_ => new NativeBuffer(graph.KvType, Slots * SlotElements))];
        _tokens = new NativeBuffer(TensorElementType.Int64, _widest);
        _chunkTokens = new NativeBuffer(TensorElementType.Int64, ChunkLength);
        _logits = new NativeBuffer(graph.LogitsType, (long)_widest * VocabularySize);
        _chunkLogits = graph.GivesLastOnly ? null : new NativeBuffer(graph.LogitsType, (long)ChunkLength * VocabularySize);
        _widened = graph.LogitsType == TensorElementType.Float16 ? new float[VocabularySize] : [];

        _positionBytes = 2L * _config.Layers * _config.KvHeads * _config.HeadSize * _keys[0].ElementSize;
        var affordable = (kvBytes > 0 ? kvBytes : Memory.Available / 2) / _positionBytes;
        KvCapacity = (int)Math.Min((long)Slots * ContextLength, Math.Max(ContextLength, affordable));
        Granule = FindGranule();
        (CutGrid, HasFixedCuts, Numerics) = FindCuts();
    }

    public int Rows { get; }

    public int Slots { get; }

    public int ContextLength { get; }

    public int VocabularySize { get; }

    public int ChunkLength { get; }

    public int CutGrid { get; }

    public bool HasFixedCuts { get; }

    public int KvCapacity { get; }

    public string Numerics { get; }

    /// <summary>Threads of one run.</summary>
    public int Threads { get; }

    /// <summary>
    /// Decode runs have a multiple of so many rows, starting at a multiple of it. Kernels for quantised weights take
    /// rows two or four at a time and treat the odd ones at the end differently, in the last bits: a row's result would
    /// depend on its neighbours.
    /// </summary>
    public int Granule { get; }

    /// <summary>Spent within ONNX Runtime, since the start.</summary>
    internal TimeSpan RunTime { get; private set; }

    private long HeadElements => (long)ContextLength * _config.HeadSize;

    private long SlotElements => _config.KvHeads * HeadElements;

    public void Prefill(int slot, int start, ReadOnlySpan<int> tokens)
    {
        var ids = _chunkTokens.Span<long>(0, tokens.Length);
        for (var i = 0; i < tokens.Length; i++) ids[i] = tokens[i];
        var length = start + tokens.Length;
        var mask = MaskFor(length);
        mask.Set(slot, length);
        var binding = _prefills[slot] ??= PrefillBinding(slot);
        using var inputs = _chunkTokens.View(0, 1, tokens.Length);
        using var ones = mask.Buffer.View((long)slot * mask.Width, 1, mask.Width);
        using var logits = _chunkLogits?.View(0, 1, tokens.Length, VocabularySize);
        binding.Io.BindInput(_config.InputIds, inputs);
        binding.Io.BindInput(_config.AttentionMask, ones);
        if (logits is not null) binding.Io.BindOutput(_config.Logits, logits);
        _touched[slot] = Math.Max(_touched[slot], length);
        Run(binding);
        _lengths[slot] = length;
        if (_chunkLogits is null) return;
        var width = VocabularySize * _logits.ElementSize;
        _chunkLogits.Span<byte>((long)(tokens.Length - 1) * width, width).CopyTo(_logits.Span<byte>((long)slot * width, width));
    }

    public void Decode(ReadOnlySpan<DecodeRow> rows)
    {
        foreach (var row in rows) (_lengths[row.Slot], _tokens.Span<long>(row.Slot, 1)[0]) = (row.Position, row.Token);
        var first = rows[0].Slot / Granule * Granule;
        RunSlots(first, rows[^1].Slot / Granule * Granule + Granule - first);
        foreach (var row in rows) _lengths[row.Slot]++;
    }

    public void Copy(int from, int to, int length)
    {
        var elements = (long)length * _config.HeadSize;
        for (var layer = 0; layer < _config.Layers; layer++)
            for (var head = 0; head < _config.KvHeads; head++)
            {
                _keys[layer].Copy(from * SlotElements + head * HeadElements, to * SlotElements + head * HeadElements, elements);
                _values[layer].Copy(from * SlotElements + head * HeadElements, to * SlotElements + head * HeadElements, elements);
            }
        _lengths[to] = length;
        _touched[to] = Math.Max(_touched[to], length);
    }

    public void Truncate(int slot, int length)
    {
        _lengths[slot] = length;
        var unused = 0L;
        for (var i = 0; i < Slots; i++) unused += _touched[i] - _lengths[i];
        if (unused * _positionBytes <= Math.Max(UnusedBytesMin, KvCapacity * _positionBytes / UnusedPart)) return;
        for (var i = 0; i < Slots; i++)
            if (_touched[i] > _lengths[i])
                GiveBack(i);
    }

    public ReadOnlySpan<float> Logits(int slot)
    {
        if (_logits.Type == TensorElementType.Float) return _logits.Span<float>((long)slot * VocabularySize, VocabularySize);
        TensorPrimitives.ConvertToSingle(_logits.Span<Half>((long)slot * VocabularySize, VocabularySize), _widened);
        return _widened;
    }

    public void Dispose()
    {
        ForgetDecodes();
        foreach (var binding in _prefills) binding?.Dispose();
        _session.Dispose();
        _runOptions.Dispose();
        foreach (var buffer in _keys.Concat(_values).Concat(_masks.Select(mask => mask.Buffer)).Concat([_tokens, _chunkTokens, _logits])) buffer.Dispose();
        _chunkLogits?.Dispose();
    }

    private void GiveBack(int slot)
    {
        var (start, elements) = ((long)_lengths[slot] * _config.HeadSize, (long)(_touched[slot] - _lengths[slot]) * _config.HeadSize);
        foreach (var buffers in new[] { _keys, _values })
            foreach (var buffer in buffers)
                for (var head = 0; head < _config.KvHeads; head++)
                    buffer.Discard(slot * SlotElements + head * HeadElements + start, elements);
        _touched[slot] = _lengths[slot];
    }

    private void RunSlots(int first, int count)
    {
        var mask = MaskFor(TensorPrimitives.Max<int>(_lengths.AsSpan(first, count)) + 1);
        for (var slot = first; slot < first + count; slot++)
        {
            mask.Set(slot, _lengths[slot] + 1);
            _touched[slot] = Math.Max(_touched[slot], _lengths[slot] + 1);
        }
        Run(DecodeBinding(first, count, mask));
    }

    private void Run(Binding binding)
    {
        var start = Stopwatch.GetTimestamp();
        _session.RunWithBinding(_runOptions, binding.Io);
        RunTime += Stopwatch.GetElapsedTime(start);
    }

    /// <summary>Tries on this machine which batches give each row the same bits as a batch of all rows does.</summary>
    private int FindGranule()
    {
        for (var slot = 0; slot < _widest; slot++) _tokens.Span<long>(slot, 1)[0] = slot % VocabularySize;
        RunSlots(0, _widest);
        var width = VocabularySize * _logits.ElementSize;
        var expected = _logits.Span<byte>(0, _widest * width).ToArray();
        for (var granule = 1; granule <= GranuleMax && granule < _widest; granule *= 2)
            if (IsExact(granule) && (granule * 3 > _widest || IsExact(granule * 3)))
                return granule;
        return _widest;

        bool IsExact(int count)
        {
            RunSlots(0, count);
            return _logits.Span<byte>(0, count * width).SequenceEqual(expected.AsSpan(0, count * width));
        }
    }

    /// <summary>Tries on this machine where a prompt may be cut, and takes the fingerprint of what comes out.</summary>
    private (int Grid, bool Fixed, string Numerics) FindCuts()
    {
        var probe = Probe.Ids(VocabularySize);
        var whole = Computed(probe.Length);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(whole);
        Decode([new(0, probe.Length, 1)]);
        hash.AppendData(_logits.Span<byte>(0, VocabularySize * _logits.ElementSize));
        hash.AppendData(MemoryMarshal.AsBytes(Sampler.Weights(Logits(0), temperature: 0.5f)));
        var grid = 1;
        while (grid <= GranuleMax && !new[] { 2, 3, 5 }.All(times => Computed(grid * times).AsSpan().SequenceEqual(whole))) grid *= 2;
        Truncate(0, 0);
        return (grid > GranuleMax ? FixedCut : grid, grid > GranuleMax, Convert.ToHexStringLower(hash.GetHashAndReset()));

        // Keys and values of the probe's every position, and the logits of its last, when it comes in chunks of this length.
        byte[] Computed(int chunk)
        {
            for (var start = 0; start < probe.Length; start = _lengths[0])
                Prefill(0, start, probe.AsSpan(start, probe.Length - start <= chunk + 1 ? probe.Length - start : chunk)); // One id alone takes other kernels.
            var bytes = new MemoryStream();
            foreach (var buffer in _keys.Concat(_values))
                for (var head = 0; head < _config.KvHeads; head++)
                    bytes.Write(buffer.Span<byte>(head * HeadElements * buffer.ElementSize, probe.Length * _config.HeadSize * buffer.ElementSize));
            bytes.Write(_logits.Span<byte>(0, VocabularySize * _logits.ElementSize));
            return bytes.ToArray();
        }
    }

    private static InferenceSession Open(ModelFolder folder, int threads)
    {
        using var options = new SessionOptions
        {
            IntraOpNumThreads = threads,
            InterOpNumThreads = 1,
            EnableMemoryPattern = false, // Patterns are kept per shape, and chunks come in many.
        };
        options.AddSessionConfigEntry("session.intra_op.spin_duration_us", $"{SpinMicroseconds}");
        try
        {
            return LastLogits.Load(folder, options);
        }
        catch (Exception refused) when (refused is OnnxRuntimeException or InvalidProtocolBufferException)
        {
            throw new ModelFolderException($"{folder.OnnxPath} cannot be loaded: {refused.Message}", refused);
        }
    }

    private Binding DecodeBinding(int first, int count, Mask mask)
    {
        if (_decodes.TryGetValue((first, count, mask.Width), out var binding)) return binding;
        if (_decodes.Count == BindingsMax) ForgetDecodes();
        binding = new Binding(_session);
        binding.Input(_config.InputIds, _tokens.View(first, count, 1));
        binding.Output(_config.Logits, _logits.View((long)first * VocabularySize, count, 1, VocabularySize));
        binding.Input(_config.AttentionMask, mask.Buffer.View((long)first * mask.Width, count, mask.Width));
        Bind(binding, first, count);
        return _decodes[(first, count, mask.Width)] = binding;
    }

    /// <summary>What all chunks of a slot have in common; ids and mask are bound anew for each.</summary>
    private Binding PrefillBinding(int slot)
    {
        var binding = new Binding(_session);
        if (_chunkLogits is null) binding.Output(_config.Logits, _logits.View((long)slot * VocabularySize, 1, 1, VocabularySize));
        Bind(binding, slot, 1);
        return binding;
    }

    private void ForgetDecodes()
    {
        foreach (var binding in _decodes.Values) binding.Dispose();
        _decodes.Clear();
    }

    private void Bind(Binding binding, int first, int count)
    {
        for (var layer = 0; layer < _config.Layers; layer++)
        {
            binding.Shared(DecoderGraph.Named(_config.PastKeys, layer), DecoderGraph.Named(_config.PresentKeys, layer), SlotsOf(_keys[layer]));
            binding.Shared(DecoderGraph.Named(_config.PastValues, layer), DecoderGraph.Named(_config.PresentValues, layer), SlotsOf(_values[layer]));
        }

        OrtValue SlotsOf(NativeBuffer buffer) => buffer.View(first * SlotElements, count, _config.KvHeads, ContextLength, _config.HeadSize);
    }

    /// <summary>The narrowest mask for <paramref name="length"/> positions; the width changes the cost of a run, not its result.</summary>
    private Mask MaskFor(int length)
    {
        for (var i = 0; ; i++)
        {
            if (i == _masks.Count) _masks.Add(new Mask(_widest, (int)Math.Min(ContextLength, (long)MaskWidthMin << i)));
            if (_masks[i].Width >= length) return _masks[i];
        }
    }

    /// <summary>Attention masks [rows, width]: a row's ones, from the left, say how many positions it has.</summary>
    private sealed class Mask(int rows, int width)
    {
        private readonly int[] _ones = new int[rows];

        public int Width => width;

        public NativeBuffer Buffer { get; } = new(TensorElementType.Int64, (long)rows * width);

        public void Set(int row, int ones)
        {
            var old = _ones[row];
            if (ones > old) Buffer.Span<long>((long)row * width + old, ones - old).Fill(1);
            else Buffer.Span<long>((long)row * width + ones, old - ones).Clear();
            _ones[row] = ones;
        }
    }

    /// <summary>What a run reads and writes. Making one costs kilobytes; runs of the same shape share one.</summary>
    private sealed class Binding(InferenceSession session) : IDisposable
    {
        private readonly List<OrtValue> _values = [];

        public OrtIoBinding Io { get; } = session.CreateIoBinding();

        public void Input(string name, OrtValue value) => Io.BindInput(name, Keep(value));

        public void Output(string name, OrtValue value) => Io.BindOutput(name, Keep(value));

        public void Shared(string input, string output, OrtValue value)
        {
            Io.BindInput(input, Keep(value));
            Io.BindOutput(output, value);
        }

        public void Dispose()
        {
            Io.Dispose();
            foreach (var value in _values) value.Dispose();
        }

        private OrtValue Keep(OrtValue value)
        {
            _values.Add(value);
            return value;
        }
    }
}
