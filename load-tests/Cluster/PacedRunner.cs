using System.Diagnostics;
using System.Text;
using R1Grains.Engine;
using R1Grains.Engine.Tests.Scripted;

namespace R1Grains.LoadTests.Cluster;

/// <summary>
/// A device without a model: a step takes its time, whatever is in it, and the text is known beforehand. What a cluster
/// costs and what it loses can so be told from what a model does.
/// </summary>
/// <param name="answer">To the customer's words.</param>
/// <param name="step">From one decode run to the next at least.</param>
internal sealed class PacedRunner(Model model, Func<string, string> answer, TimeSpan step, int rows) : IModelRunner
{
    private const int BeginsUser = 258;
    private const int BeginsAssistant = 259;
    private const int Parked = 8;
    private const float Never = -1_000;

    private readonly List<int>[] _slots = [.. Enumerable.Range(0, rows + Parked).Select(_ => new List<int>())];

    // Of each slot: where its reply begins, and the reply's ids; null until somebody asks.
    private readonly (int Begin, int[] Ids)?[] _replies = new (int, int[])?[rows + Parked];
    private readonly float[] _logits = [.. Enumerable.Repeat(Never, model.Tokenizer.VocabularySize)];
    private readonly ManualResetEventSlim _never = new(initialState: false, spinCount: 0);
    private long _nextStep;
    private int _last;

    public int Rows => rows;

    public int Slots => _slots.Length;

    public int CutGrid => 8;

    public bool HasFixedCuts => false;

    public int ContextLength => model.ContextLength;

    public int VocabularySize => model.Tokenizer.VocabularySize;

    public int ChunkLength => 256;

    public int KvCapacity => rows * model.ContextLength;

    public string Numerics { get; } = new('5', 64);

    public void Prefill(int slot, int start, ReadOnlySpan<int> tokens)
    {
        if (start == 0) _slots[slot].Clear();
        Append(slot, start, tokens);
        _replies[slot] = null;
    }

    public void Decode(ReadOnlySpan<DecodeRow> decodeRows)
    {
        var now = Stopwatch.GetTimestamp();
        if (Stopwatch.GetElapsedTime(now, _nextStep) is { TotalMilliseconds: >= 1 } early) _never.Wait(early);
        // A step that comes late does not make the next one come early, but what the clock rounds off is made up for.
        _nextStep = Math.Max(now, _nextStep) + (long)(step.TotalSeconds * Stopwatch.Frequency);
        foreach (var row in decodeRows) Append(row.Slot, row.Position, [row.Token]);
    }

    public ReadOnlySpan<float> Logits(int slot)
    {
        var (begin, reply) = _replies[slot] ??= Reply(_slots[slot]);
        _logits[_last] = Never;
        _last = reply[Math.Min(_slots[slot].Count - begin, reply.Length - 1)];
        _logits[_last] = 0;
        return _logits;
    }

    public void Copy(int from, int to, int length)
    {
        _slots[to].Clear();
        _slots[to].AddRange(_slots[from].Take(length));
        _replies[to] = null;
    }

    public void Truncate(int slot, int length)
    {
        _slots[slot].RemoveRange(length, _slots[slot].Count - length);
        _replies[slot] = null;
    }

    public void Dispose() => _never.Dispose();

    private void Append(int slot, int position, ReadOnlySpan<int> tokens)
    {
        if (_slots[slot].Count != position) throw new InvalidOperationException($"Slot {slot} holds {_slots[slot].Count} ids, not {position}.");
        _slots[slot].AddRange(tokens);
    }

    private (int Begin, int[] Ids) Reply(List<int> ids)
    {
        // A reply begins after the last '<think>' and its line break.
        var begin = ids.LastIndexOf(ScriptedModel.ThinkOpen) + 2;
        var end = ids.LastIndexOf(BeginsAssistant, begin - 1);
        var user = ids.LastIndexOf(BeginsUser, end);
        var words = Encoding.UTF8.GetString([.. ids[(user + 1)..end].Select(id => (byte)id)]);
        return (begin, [.. Bytes(PacedAnswers.Reasoning), ScriptedModel.ThinkClose, .. Bytes(answer(words)), ScriptedModel.End]);
    }

    private static IEnumerable<int> Bytes(string text) => Encoding.UTF8.GetBytes(text).Select(b => (int)b);
}
