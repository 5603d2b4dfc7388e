using System.Numerics.Tensors;
using System.Security.Cryptography;
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
    private const int ChunkLengthMax = 256;
    private const long PrefillLogitsBytesMax = 64 << 20;
    private const int MaskWidthMin = 256;
    private const int GranuleMax = Batcher.CutGrid;

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

    // Positions computed per slot. A row that is not to be run but lies between others is run anyway, one position
    // beyond its end, where the next chunk or token overwrites it: an empty mask would be refused, and a shorter one
    // would overwrite history.
    private readonly int[] _lengths;

    // Slots that exist: the rows, rounded up so that any granule fits.
    private readonly int _slots;

    /// <param name="threads">0 for the cores of the machine; never more than the attention heads.</param>
    public OnnxModelRunner(ModelFolder folder, int rows, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        _config = folder.Config;
        Rows = rows;
        ContextLength = _config.ContextLength;
        Threads = Math.Min(threads > 0 ? threads : Environment.ProcessorCount, _config.AttentionHeads);
        _session = Open(folder, Threads);

        var kvType = CheckInputs(folder.OnnxPath);
        var logits = Output(folder.OnnxPath, _config.Logits, 3);
        VocabularySize = logits.Dimensions[2] > 0 ? logits.Dimensions[2] : _config.VocabularySize;
        var lastOnly = logits.Dimensions[1] == 1;
        ChunkLength = lastOnly ? ChunkLengthMax : (int)Math.Clamp(PrefillLogitsBytesMax / (4L * VocabularySize) / GranuleMax * GranuleMax, 2 * GranuleMax, ChunkLengthMax);

        _slots = (rows + GranuleMax - 1) / GranuleMax * GranuleMax;
        _lengths = new int[_slots];
        _keys = [.. Enumerable.Range(0, _config.Layers).Select(_ => new NativeBuffer(kvType, _slots * SlotElements))];
        _values = [.. Enumerable.Range(0, _config.Layers).Select(_ => new NativeBuffer(kvType, _slots * SlotElements))];
        _tokens = new NativeBuffer(TensorElementType.Int64, _slots);
        _chunkTokens = new NativeBuffer(TensorElementType.Int64, ChunkLength);
        _logits = new NativeBuffer(logits.ElementDataType, (long)_slots * VocabularySize);
        _chunkLogits = lastOnly ? null : new NativeBuffer(logits.ElementDataType, (long)ChunkLength * VocabularySize);
        _widened = logits.ElementDataType == TensorElementType.Float16 ? new float[VocabularySize] : [];

        var positionBytes = 2L * _config.Layers * _config.KvHeads * _config.HeadSize * _keys[0].ElementSize;
        var affordable = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2 / positionBytes;
        KvCapacity = (int)Math.Min((long)rows * ContextLength, Math.Max(ContextLength, affordable));
        Granule = FindGranule();
        Numerics = Convert.ToHexStringLower(SHA256.HashData(_logits.Span<byte>(0, _slots * VocabularySize * _logits.ElementSize)));
    }

    public int Rows { get; }

    public int ContextLength { get; }

    public int VocabularySize { get; }

    public int ChunkLength { get; }

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

    private long SlotElements => (long)_config.KvHeads * ContextLength * _config.HeadSize;

    public void Prefill(int slot, int start, ReadOnlySpan<int> tokens)
    {
        for (var i = 0; i < tokens.Length; i++) _chunkTokens.Span<long>(i, 1)[0] = tokens[i];
        var mask = MaskFor(start + tokens.Length);
        mask.Set(slot, start + tokens.Length);
        using (var binding = new Binding(_session))
        {
            binding.Input(_config.InputIds, _chunkTokens.View(0, 1, tokens.Length));
            binding.Output(_config.Logits, _chunkLogits is null ? _logits.View((long)slot * VocabularySize, 1, 1, VocabularySize) : _chunkLogits.View(0, 1, tokens.Length, VocabularySize));
            Bind(binding, mask, slot, 1);
            _session.RunWithBinding(_runOptions, binding.Io);
        }
        _lengths[slot] = start + tokens.Length;
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

    public ReadOnlySpan<float> Logits(int slot)
    {
        if (_logits.Type == TensorElementType.Float) return _logits.Span<float>((long)slot * VocabularySize, VocabularySize);
        TensorPrimitives.ConvertToSingle(_logits.Span<Half>((long)slot * VocabularySize, VocabularySize), _widened);
        return _widened;
    }

    public void Release(int slot)
    {
        _lengths[slot] = 0;
        foreach (var buffer in _keys.Concat(_values)) buffer.Discard(slot * SlotElements, SlotElements);
    }

    public void Dispose()
    {
        foreach (var binding in _decodes.Values) binding.Dispose();
        _session.Dispose();
        _runOptions.Dispose();
        foreach (var buffer in _keys.Concat(_values).Concat(_masks.Select(mask => mask.Buffer)).Concat([_tokens, _chunkTokens, _logits])) buffer.Dispose();
        _chunkLogits?.Dispose();
    }

    private void RunSlots(int first, int count)
    {
        var mask = MaskFor(TensorPrimitives.Max<int>(_lengths.AsSpan(first, count)) + 1);
        for (var slot = first; slot < first + count; slot++) mask.Set(slot, _lengths[slot] + 1);
        _session.RunWithBinding(_runOptions, DecodeBinding(first, count, mask).Io);
    }

    /// <summary>Tries on this machine which batches give each row the same bits as a batch of all slots does.</summary>
    private int FindGranule()
    {
        for (var slot = 0; slot < _slots; slot++) _tokens.Span<long>(slot, 1)[0] = slot % VocabularySize;
        RunSlots(0, _slots);
        var width = VocabularySize * _logits.ElementSize;
        var expected = _logits.Span<byte>(0, _slots * width).ToArray();
        for (var granule = 1; granule < _slots; granule *= 2)
            if (IsExact(granule) && (granule * 3 > _slots || IsExact(granule * 3)))
                return granule;
        return _slots;

        bool IsExact(int count)
        {
            RunSlots(0, count);
            return _logits.Span<byte>(0, count * width).SequenceEqual(expected.AsSpan(0, count * width));
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
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        try
        {
            return new InferenceSession(folder.OnnxPath, options);
        }
        catch (OnnxRuntimeException refused)
        {
            throw new ModelFolderException($"{folder.OnnxPath} cannot be loaded: {refused.Message}", refused);
        }
    }

    /// <summary>Checks that the graph takes exactly what is bound; returns the type of keys and values.</summary>
    private TensorElementType CheckInputs(string path)
    {
        var expected = new Dictionary<string, int> { [_config.InputIds] = 2, [_config.AttentionMask] = 2 };
        for (var layer = 0; layer < _config.Layers; layer++)
            (expected[Named(_config.PastKeys, layer)], expected[Named(_config.PastValues, layer)]) = (4, 4);
        foreach (var name in _session.InputMetadata.Keys)
            if (!expected.ContainsKey(name))
                throw new ModelFolderException($"{path} has the input '{name}', which is not known; the engine binds {_config.InputIds}, {_config.AttentionMask} and keys and values of {_config.Layers} layers.");
        foreach (var (name, rank) in expected)
        {
            var input = _session.InputMetadata.GetValueOrDefault(name) ?? throw new ModelFolderException($"{path} has no input '{name}', which genai_config.json names.");
            var known = rank == 2 ? input.ElementDataType is TensorElementType.Int64 : input.ElementDataType is TensorElementType.Float or TensorElementType.Float16 or TensorElementType.Int8;
            if (!known) throw new ModelFolderException($"{path}: input '{name}' has type {input.ElementDataType}; supported: {(rank == 2 ? "Int64" : "Float, Float16 and Int8")}.");
            if (rank == 4 && (input.Dimensions[1] != _config.KvHeads || input.Dimensions[3] != _config.HeadSize))
                throw new ModelFolderException($"{path}: input '{name}' is [{string.Join(", ", input.Dimensions)}]; genai_config.json says {_config.KvHeads} heads of {_config.HeadSize}.");
        }
        for (var layer = 0; layer < _config.Layers; layer++)
        {
            Output(path, Named(_config.PresentKeys, layer), 4);
            Output(path, Named(_config.PresentValues, layer), 4);
        }
        return _session.InputMetadata[Named(_config.PastKeys, 0)].ElementDataType;
    }

    private NodeMetadata Output(string path, string name, int rank)
    {
        var output = _session.OutputMetadata.GetValueOrDefault(name) ?? throw new ModelFolderException($"{path} has no output '{name}', which genai_config.json names.");
        var known = output.ElementDataType is TensorElementType.Float or TensorElementType.Float16 || (rank == 4 && output.ElementDataType is TensorElementType.Int8);
        return known && output.Dimensions.Length == rank
            ? output
            : throw new ModelFolderException($"{path}: output '{name}' is {output.ElementDataType} with {output.Dimensions.Length} dimensions; supported: Float{(rank == 4 ? ", Float16 and Int8" : " and Float16")} with {rank}.");
    }

    private Binding DecodeBinding(int first, int count, Mask mask)
    {
        if (_decodes.TryGetValue((first, count, mask.Width), out var binding)) return binding;
        binding = new Binding(_session);
        binding.Input(_config.InputIds, _tokens.View(first, count, 1));
        binding.Output(_config.Logits, _logits.View((long)first * VocabularySize, count, 1, VocabularySize));
        Bind(binding, mask, first, count);
        return _decodes[(first, count, mask.Width)] = binding;
    }

    private void Bind(Binding binding, Mask mask, int first, int count)
    {
        binding.Input(_config.AttentionMask, mask.Buffer.View((long)first * mask.Width, count, mask.Width));
        for (var layer = 0; layer < _config.Layers; layer++)
        {
            binding.Shared(Named(_config.PastKeys, layer), Named(_config.PresentKeys, layer), SlotsOf(_keys[layer]));
            binding.Shared(Named(_config.PastValues, layer), Named(_config.PresentValues, layer), SlotsOf(_values[layer]));
        }

        OrtValue SlotsOf(NativeBuffer buffer) => buffer.View(first * SlotElements, count, _config.KvHeads, ContextLength, _config.HeadSize);
    }

    /// <summary>The narrowest mask for <paramref name="length"/> positions; the width changes the cost of a run, not its result.</summary>
    private Mask MaskFor(int length)
    {
        for (var i = 0; ; i++)
        {
            if (i == _masks.Count) _masks.Add(new Mask(_slots, (int)Math.Min(ContextLength, (long)MaskWidthMin << i)));
            if (_masks[i].Width >= length) return _masks[i];
        }
    }

    private static string Named(string pattern, int layer) => pattern.Replace("%d", layer.ToString(System.Globalization.CultureInfo.InvariantCulture));

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
