using R1Grains.Engine.Models;

namespace R1Grains.Engine;

/// <summary>
/// When a reply must end and what it must say next. A function of the ids alone, so that going through recorded ids
/// brings it where it was.
/// </summary>
internal sealed class ReplyRules
{
    private readonly Model _model;
    private readonly SamplingOptions _sampling;
    private readonly StreamingDecoder _answer;
    private readonly StopStrings _stops;
    private readonly int[] _endOfReasoning;
    private bool _reasoning;

    // The next id of _endOfReasoning, its length once all were said; -1 while the budget lasts.
    private int _forced = -1;

    public ReplyRules(Model model, SamplingOptions sampling)
    {
        (_model, _sampling) = (model, sampling);
        _answer = new StreamingDecoder(model.Tokenizer);
        _stops = new StopStrings(sampling.StopStrings);
        _reasoning = model.Template.OpensReasoning;
        _endOfReasoning = model.Template.ThinkCloseId is { } close
            ? [.. model.Tokenizer.Encode("\n"), close, .. model.Tokenizer.Encode("\n\n")]
            : [];
        ApplyBudget();
    }

    /// <summary>Ids of the reply so far.</summary>
    public int Count { get; private set; }

    /// <summary>Ids of the reasoning, its tags included.</summary>
    public int ReasoningCount { get; private set; }

    public string? StopString => _stops.Matched;

    /// <summary>The id that must come next whatever the logits say.</summary>
    public int? Forced => _forced >= 0 && _forced < _endOfReasoning.Length ? _endOfReasoning[_forced] : null;

    /// <summary>Takes the next id of the reply; not null when it ends the reply.</summary>
    public FinishReason? Accept(int id)
    {
        if (Forced is not null) _forced++;
        Count++;
        // A model may think again at any place of its reply.
        if (_reasoning || id == _model.Template.ThinkOpenId)
        {
            ReasoningCount++;
            _reasoning = id != _model.Template.ThinkCloseId;
        }
        else if (_sampling.StopStrings.Count > 0)
        {
            _stops.Append(_answer.Append(id));
        }
        ApplyBudget();
        if (_model.StopIds.Contains(id) || _stops.Matched is not null) return _forced >= 0 ? FinishReason.ReasoningBudget : FinishReason.Stop;
        return Count >= _sampling.MaxTokens ? FinishReason.Length : null;
    }

    private void ApplyBudget()
    {
        if (_reasoning && Forced is null && ReasoningCount >= _sampling.ReasoningBudget) _forced = 0;
    }
}
