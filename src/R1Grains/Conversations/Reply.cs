using System.Text;
using R1Grains.Compliance;
using R1Grains.Engine;
using R1Grains.Engine.Models;
using R1Grains.Ledger;

namespace R1Grains.Conversations;

/// <summary>
/// A reply on its way from token ids to released text: the reasoning is parted off by token id, the answer is decoded,
/// trimmed at stop strings, filtered (words and personal data) and cut into units. It is a function of its ids and of what was released, so that
/// going through a recorded reply again brings it where it was.
/// </summary>
/// <param name="instead">Null where a model is asked.</param>
internal sealed class Reply(Model model, IReadOnlyList<string> stopStrings, Guardrail guardrail, Instead? instead = null)
{
    private readonly StreamingDecoder _thoughts = new(model.Tokenizer);
    private readonly StreamingDecoder _answer = new(model.Tokenizer);
    private readonly StopStrings _stops = new(stopStrings);
    private readonly AnswerFilter _filter = guardrail.Filter();
    private readonly ReleaseUnits _units = new();
    private readonly StringBuilder _reasoning = new();

    // The answer as the model gives it. Covering changes no lengths, so what is released of it has the same places.
    private readonly StringBuilder _said = new();

    // So much of the answer is released; of that so much, by another lexicon, that this one has not let through yet.
    private int _released;
    private int _ahead;
    private bool _answering;
    private bool _ended;
    private bool _replaced;

    /// <summary>Ids of the reasoning, its tags included.</summary>
    public int ReasoningTokens { get; private set; }

    public int AnswerTokens { get; private set; }

    public int Tokens => ReasoningTokens + AnswerTokens;

    public bool IsReasoning { get; private set; } = model.Template.OpensReasoning;

    /// <summary>What must never be shown to a customer.</summary>
    public string Reasoning => PersonalData.Mask(Thoughts, [.. guardrail.Shown.FindOthers(Thoughts)]);

    /// <summary>In the answer and in the reasoning.</summary>
    public IReadOnlyList<LexiconHit> Hits => [.. Guardrail.Told(HitPlace.Answer, _filter.Hits), .. guardrail.Reasoning(Thoughts)];

    /// <summary>Covered in the answer and in the reasoning.</summary>
    public IReadOnlyList<PersonalItem> Items =>
        [.. RecordedItems.Told(HitPlace.Answer, _filter.Items), .. RecordedItems.Told(HitPlace.Reasoning, guardrail.Shown.FindOthers(Thoughts))];

    /// <summary>Nothing of the answer follows but other words, in the place of all that was not released.</summary>
    public bool IsStopped { get; private set; } = instead is not null;

    /// <summary>Nothing of the answer is released any more: it is gathered for a person, and at its end the customer is told so.</summary>
    public bool IsHeld { get; private set; }

    /// <summary>Nothing is left to be released: the customer has been told what comes in the place of the rest.</summary>
    public bool IsTold => _replaced;

    /// <summary>All of the answer so far, as the model gave it.</summary>
    public string Said => _said.ToString();

    /// <summary>Whether text waits to be released. What the filter holds back does not wait for time.</summary>
    public bool Holds => !IsStopped && !IsHeld && _units.Holds;

    private string Thoughts => _reasoning.ToString().Trim();

    private string Replacement => instead?.Text ?? After(guardrail.Words);

    private string Notice => After(guardrail.Notice);

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
        if (!IsStopped) Pass(_filter.End());
    }

    /// <summary>The next unit to be released, or null.</summary>
    public string? Next() => Count(IsStopped ? Replace(Replacement) : IsHeld ? _ended ? Replace(Notice) : null : _ended ? _units.Rest() : _units.Next());

    /// <summary>What has been held for long enough, or null.</summary>
    public string? Due() => IsStopped || IsHeld ? null : Count(_units.Due());

    /// <summary>Goes through a recorded piece, maybe one that another lexicon let go; false when its ids do not give its text.</summary>
    public bool Replay(IReadOnlyList<int> ids, string released)
    {
        foreach (var id in ids) Append(id);
        if (Release(released)) return true;
        if (released == Replacement || released == Notice)
        {
            // The last piece there is.
            End();
            (IsStopped, IsHeld, _replaced) = (released != Notice, released == Notice, true);
            Count(released);
            return true;
        }
        // The last unit of a reply may hold text that only its end let go.
        End();
        return Release(released);
    }

    /// <summary>What was released stays, also where this lexicon covers or holds back something else.</summary>
    private bool Release(string released)
    {
        if (released.Length > _said.Length - _released) return false;
        var said = _said.ToString(_released, released.Length);
        if (said.Zip(released).Any(pair => pair.Second != pair.First && pair.Second != StreamFilter.Cover)) return false;
        _ahead += released.Length - _units.Drop(released.Length);
        Count(released);
        return true;
    }

    private string? Replace(string words)
    {
        if (_replaced) return null;
        _replaced = true;
        return words;
    }

    private string After(string words) => _released > 0 ? $"\n{words}" : words;

    private string? Count(string? unit)
    {
        _released += unit?.Length ?? 0;
        return unit;
    }

    /// <summary>The blank lines between reasoning and answer belong to neither.</summary>
    private void Hold(string text)
    {
        if (!_answering) text = text.TrimStart();
        _answering |= text.Length > 0;
        _said.Append(text);
        if (!IsStopped) Pass(_filter.Append(text));
    }

    /// <param name="text">Let through by the filter.</param>
    private void Pass(string text)
    {
        var skipped = Math.Min(_ahead, text.Length);
        _ahead -= skipped;
        _units.Append(text[skipped..]);
        (IsStopped, IsHeld) = (_filter.Stopped is LexiconAction.Replace or LexiconAction.Block, _filter.Stopped is LexiconAction.Review);
    }
}
