using System.Text;

namespace R1Grains.Engine.Tests.Scripted;

/// <summary>
/// A runner without a model: its logits are a function of the ids in the slot, and it checks that the slot holds what
/// the engine believes it holds.
/// </summary>
/// <param name="script">Given all ids of the slot, fills the logits of the next one.</param>
public sealed class ScriptedRunner(Model model, Action<IReadOnlyList<int>, Span<float>> script, int rows = 16, int chunkLength = 64) : IModelRunner
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly List<int>[] _slots = [.. Enumerable.Range(0, rows + 8).Select(_ => new List<int>())];
    private readonly float[] _logits = new float[model.Tokenizer.VocabularySize];
    private readonly ManualResetEventSlim _never = new();

    /// <summary>A runner that always knows the next id.</summary>
    public ScriptedRunner(Model model, Func<IReadOnlyList<int>, int> next, int rows = 16, int chunkLength = 64)
        : this(model, (ids, logits) => Only(logits, next(ids)), rows, chunkLength)
    {
    }

    public int Rows => rows;

    public int Slots => _slots.Length;

    public int CutGrid => 8;

    public bool HasFixedCuts => false;

    public int ContextLength => model.ContextLength;

    public int VocabularySize => model.Tokenizer.VocabularySize;

    public int ChunkLength => chunkLength;

    /// <summary>Read when a request is submitted.</summary>
    public string Numerics { get; set; } = new('5', 64);

    public int KvCapacity { get; init; } = rows * model.ContextLength;

    /// <summary>Each row gets so many ids a second at most.</summary>
    public double? TokensPerSecond { get; set; }

    /// <summary>When set, each run waits for a permit.</summary>
    public SemaphoreSlim? Gate { get; set; }

    /// <summary>Thrown by the next run, once.</summary>
    public Exception? NextFault { get; set; }

    /// <summary>What was run, in order, e.g. <c>prefill 0 0+64</c> or <c>decode 0 2 3</c>.</summary>
    public List<string> Log { get; } = [];

    public bool IsDisposed { get; private set; }

    /// <summary>Says <paramref name="text"/> after the last <c>&lt;think&gt;\n</c> of the prompt, then ends.</summary>
    public static ScriptedRunner Saying(Model model, string text, int rows = 16) => new(model, ids =>
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var said = ids.Count - (ids.ToList().LastIndexOf(ScriptedModel.ThinkOpen) + 2);
        return said < bytes.Length ? bytes[said] : ScriptedModel.End;
    }, rows);

    /// <summary>Logits that look random and depend on every id of the slot.</summary>
    public static ScriptedRunner Babbling(Model model, int rows = 16, int chunkLength = 64) => new(model, (ids, logits) =>
    {
        var hash = 17ul;
        foreach (var id in ids) hash = (hash ^ (ulong)id) * 0x9E3779B97F4A7C15 + 1;
        var random = new Random((int)(hash >> 33));
        for (var i = 0; i < logits.Length; i++) logits[i] = random.NextSingle() * 8;
        foreach (var id in model.StopIds) logits[id] = -100; // Never ends by itself: tests choose the length.
    }, rows, chunkLength);

    public void Prefill(int slot, int start, ReadOnlySpan<int> tokens)
    {
        Begin($"prefill {slot} {start}+{tokens.Length}");
        if (tokens.Length < 2) throw new InvalidOperationException($"A chunk of {tokens.Length} ids.");
        if (start == 0) _slots[slot].Clear();
        Append(slot, start, tokens);
    }

    public void Decode(ReadOnlySpan<DecodeRow> decodeRows)
    {
        var slots = new StringBuilder("decode");
        foreach (var row in decodeRows) slots.Append($" {row.Slot}");
        Begin(slots.ToString());
        if (TokensPerSecond is { } pace) _never.Wait(TimeSpan.FromSeconds(1 / pace));
        foreach (var row in decodeRows) Append(row.Slot, row.Position, [row.Token]);
    }

    public ReadOnlySpan<float> Logits(int slot)
    {
        script(_slots[slot], _logits);
        return _logits;
    }

    public void Copy(int from, int to, int length)
    {
        lock (Log) Log.Add($"copy {from} {to} {length}");
        if (_slots[from].Count < length) throw new InvalidOperationException($"Slot {from} holds {_slots[from].Count} ids, not {length}.");
        _slots[to].Clear();
        _slots[to].AddRange(_slots[from].Take(length));
    }

    public void Truncate(int slot, int length)
    {
        if (_slots[slot].Count < length) throw new InvalidOperationException($"Slot {slot} holds {_slots[slot].Count} ids, not {length}.");
        if (_slots[slot].Count == length) return;
        lock (Log) Log.Add($"truncate {slot} {length}");
        _slots[slot].RemoveRange(length, _slots[slot].Count - length);
    }

    public void Dispose() => IsDisposed = IsDisposed ? throw new InvalidOperationException("It was disposed twice.") : true;

    private static void Only(Span<float> logits, int id)
    {
        logits.Fill(-1000);
        logits[id] = 0;
    }

    private void Begin(string what)
    {
        if (Gate is { } gate && !gate.Wait(Patience)) throw new TimeoutException("Nobody let the scripted run through its gate.");
        lock (Log) Log.Add(what);
        if (NextFault is not { } fault) return;
        NextFault = null;
        throw fault;
    }

    private void Append(int slot, int position, ReadOnlySpan<int> tokens)
    {
        if (_slots[slot].Count != position) throw new InvalidOperationException($"Slot {slot} holds {_slots[slot].Count} ids, not {position}.");
        foreach (var id in tokens) _slots[slot].Add(id);
    }
}
