using R1Grains.Engine.Models;
using R1Grains.Ledger;

namespace R1Grains.Conversations;

/// <summary>An earlier turn as it was said, without its passages and its reasoning.</summary>
/// <param name="Tokens">What it takes of a prompt, its markers included.</param>
internal sealed record Exchange(int Turn, string Input, string Answer, int Tokens);

/// <param name="Passages">Those that found room.</param>
internal sealed record Fitted(int[] Prompt, IReadOnlyList<Passage> Passages, Ledger.ContextReport Report);

/// <summary>The customer's words alone exceed what the window leaves for them.</summary>
/// <param name="inputTokens">At least; what is far too long is not counted to its end.</param>
internal sealed class InputTooLongException(int inputTokens, int limitTokens)
    : Exception($"The input has at least {inputTokens} tokens; the window leaves {limitTokens} for it.")
{
    public int InputTokens => inputTokens;

    public int LimitTokens => limitTokens;
}

/// <summary>
/// What the model gets to see: policy, whole recent turns, passages, input, in this order, and a reserve for the
/// reply. Pure. Nothing is ever cut: a turn or a passage is in the prompt whole or not at all.
/// </summary>
/// <remarks>
/// Everything before the last user message is a prefix that the next turn repeats. Turns therefore leave in strides:
/// the evicted amount is a multiple of a quarter of the history's share, so the prefix stays the same for several turns.
/// </remarks>
internal sealed class ContextWindow(ChatTemplate template, int contextLength, string policy)
{
    public const int TokensMax = 32_768;

    private const int StridesPerShare = 4;

    /// <summary>Texts have fewer, so that of one which is far too long the beginning alone is too long.</summary>
    private const int CharactersPerToken = 16;

    // A template counts messages, so a turn is measured as what it adds to this prompt.
    private readonly int _fixed = Render(template, policy, [], [], "").Length;

    public int Size { get; } = Math.Min(TokensMax, contextLength);

    public string Policy => policy;

    /// <summary>What every prompt has: the policy and the markers around it.</summary>
    public int PolicyTokens => _fixed;

    /// <summary>Kept free for reasoning and answer together.</summary>
    public int Reserve => Size / 4;

    /// <summary>The answer's part of the reserve is what the reasoning may not use.</summary>
    public int ReasoningBudget => Reserve * 3 / 4;

    /// <summary>The most that history may take, so that a long input seldom moves the prefix.</summary>
    private int HistoryShare => (Size - Reserve) * 5 / 8;

    private int Stride => Math.Max(1, HistoryShare / StridesPerShare);

    /// <summary>The tokens that a turn, once said, takes of later prompts.</summary>
    public Exchange Said(int turn, string input, string answer) =>
        new(turn, input, answer, Render(template, "", [new(turn, input, answer, 0)], [], "").Length - Render(template, "", [], [], "").Length);

    /// <summary>Of a turn that no model is asked.</summary>
    public Fitted Unasked => new([], [], new(Size, Reserve, 0, 0, 0, 0, 0, 0));

    /// <returns>The input's tokens.</returns>
    /// <exception cref="InputTooLongException"/>
    public int Require(string input)
    {
        var limit = Size - Reserve - _fixed;
        var tokens = 0;
        for (var length = Math.Max(1, limit) * CharactersPerToken; tokens <= limit; length = 2 * length)
        {
            tokens = Measure([], input[..Math.Min(length, input.Length)]);
            if (length >= input.Length && tokens <= limit) return tokens;
        }
        throw new InputTooLongException(tokens, limit);
    }

    /// <exception cref="InputTooLongException"/>
    public Fitted Fit(IReadOnlyList<Exchange> history, IReadOnlyList<Passage> passages, string input)
    {
        var inputTokens = Require(input);
        var left = Size - Reserve - _fixed - inputTokens;

        var fitting = Enumerable.Range(0, passages.Count + 1).Last(count => PassageTokens(count) <= left);
        left -= PassageTokens(fitting);

        var first = FirstKept(history, left);
        IReadOnlyList<Passage> shown = [.. passages.Take(fitting)];
        return new(
            Render(template, policy, history.Skip(first), shown, input),
            shown,
            Report(history, first, PassageTokens(fitting), inputTokens));

        int PassageTokens(int count) => count == 0 ? 0 : Measure([.. passages.Take(count)], input) - inputTokens;
    }

    /// <summary>What the next turn would keep if it said nothing.</summary>
    /// <returns>The index of the first kept turn.</returns>
    public (int FirstKept, Ledger.ContextReport Report) Preview(IReadOnlyList<Exchange> history)
    {
        var first = FirstKept(history, Size - Reserve - _fixed);
        return (first, Report(history, first, passages: 0, input: 0));
    }

    private int FirstKept(IReadOnlyList<Exchange> history, int left)
    {
        var excess = history.Sum(exchange => exchange.Tokens) - Math.Min(left, HistoryShare);
        if (excess <= 0) return 0;
        var evicted = (excess + Stride - 1) / Stride * Stride;
        var (first, start) = (0, 0);
        while (first < history.Count && start < evicted) start += history[first++].Tokens;
        return first;
    }

    private Ledger.ContextReport Report(IReadOnlyList<Exchange> history, int first, int passages, int input) =>
        new(Size, Reserve, _fixed, history.Skip(first).Sum(exchange => exchange.Tokens), passages, input, history.Count - first, first);

    private int Measure(IReadOnlyList<Passage> passages, string input) => Render(template, policy, [], passages, input).Length - _fixed;

    private static int[] Render(
        ChatTemplate template, string policy, IEnumerable<Exchange> history, IReadOnlyList<Passage> passages, string input) => template.Render(
    [
        .. policy.Length == 0 ? Enumerable.Empty<ChatMessage>() : [new(ChatRole.System, policy)],
        .. history.SelectMany(exchange => new[] { new ChatMessage(ChatRole.User, exchange.Input), new ChatMessage(ChatRole.Assistant, exchange.Answer) }),
        new(ChatRole.User, input, [.. passages.Select(passage => passage.Text)]),
    ]);
}
