using System.Text;
using R1Grains.Engine;
using R1Grains.Engine.Models;

namespace R1Grains.Conversations;

/// <summary>
/// A reply on its way from token ids to released text: the reasoning is parted off by token id, the answer is decoded,
/// trimmed at stop strings and cut into units. It is a function of its ids and of what was released, so that going
/// through a recorded reply again brings it where it was.
/// </summary>
internal sealed class Reply(Model model, IReadOnlyList<string> stopStrings)
{
    private readonly StreamingDecoder _thoughts = new(model.Tokenizer);
    private readonly StreamingDecoder _answer = new(model.Tokenizer);
    private readonly StopStrings _stops = new(stopStrings);
    private readonly ReleaseUnits _units = new();
    private readonly StringBuilder _reasoning = new();
    private bool _answering;
    private bool _ended;

    /// <summary>Ids of the reasoning, its tags included.</summary>
    public int ReasoningTokens { get; private set; }

    public int AnswerTokens { get; private set; }

    public int Tokens => ReasoningTokens + AnswerTokens;

    public bool IsReasoning { get; private set; } = model.Template.OpensReasoning;

    /// <summary>What must never be shown to a customer.</summary>
    public string Reasoning => _reasoning.ToString().Trim();

    /// <summary>Whether text waits to be released.</summary>
    public bool Holds => _units.Holds;

    public void Append(int id)
    {
        // A model may think again at any place of its reply.
        if (IsReasoning || id == model.Template.ThinkOpenId)
        {
            ReasoningTokens++;
            IsReasoning = id != model.Template.ThinkCloseId;
            _reasoning.Append(_thoughts.Append(id));
        }
        else
        {
            AnswerTokens++;
            Hold(_stops.Append(_answer.Append(id)));
        }
    }

    /// <summary>Nothing follows: <see cref="Next"/> now gives all that is left.</summary>
    public void End()
    {
        if (_ended) return;
        _ended = true;
        Hold(_stops.Append(_answer.Flush()));
        Hold(_stops.Flush());
    }

    /// <summary>The next unit to be released, or null.</summary>
    public string? Next() => _ended ? _units.Rest() : _units.Next();

    /// <summary>What has been held for long enough, or null.</summary>
    public string? Due() => _units.Due();

    /// <summary>Goes through a recorded piece; false when its ids do not give its text.</summary>
    public bool Replay(IReadOnlyList<int> ids, string released)
    {
        foreach (var id in ids) Append(id);
        if (_units.Release(released)) return true;
        // The last unit of a reply may hold text that only its end let go.
        End();
        return _units.Release(released);
    }

    /// <summary>The blank lines between reasoning and answer belong to neither.</summary>
    private void Hold(string text)
    {
        if (!_answering) text = text.TrimStart();
        _answering |= text.Length > 0;
        _units.Append(text);
    }
}
