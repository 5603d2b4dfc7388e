using System.Text;

namespace R1Grains.Tuning.Corpora;

/// <param name="Wording">How the document calls the attribute.</param>
internal sealed record Fact(string Product, Attribute Attribute, string Wording, string Value);

/// <summary>Some products with their facts, and the documents that tell them.</summary>
internal sealed class Scene
{
    private readonly Phrasebook _book;
    private readonly Dice _dice;
    private readonly Split _split;

    /// <param name="facts">Facts per product, in document order.</param>
    public Scene(Phrasebook book, Dice dice, Split split, IReadOnlyList<IReadOnlyList<Fact>> facts)
    {
        (_book, _dice, _split) = (book, dice, split);
        (Passages, Facts) = Write(facts);
    }

    /// <summary>In the order in which the passages tell them.</summary>
    public IReadOnlyList<Fact> Facts { get; }

    public IReadOnlyList<string> Passages { get; }

    public Fact? Find(string product, Attribute attribute) => Facts.FirstOrDefault(f => f.Product == product && f.Attribute == attribute);

    public IReadOnlyList<Fact> Of(string product) => [.. Facts.Where(f => f.Product == product)];

    /// <summary>A frame of the wished side whose pairing with the wording is on that side too.</summary>
    public static Frame Pick(Dice dice, Frame[] frames, string wording, Split split)
    {
        while (true)
        {
            var frame = dice.Pick(frames);
            if (frame.Split != split) continue;
            if (split == Split.HeldOut || Reserve.OfPairing(frame, wording) == Split.Train) return frame;
        }
    }

    private (List<string> Passages, List<Fact> Facts) Write(IReadOnlyList<IReadOnlyList<Fact>> facts)
    {
        List<Fact> all = [.. facts.SelectMany(f => f)];
        if (facts.Count > 1 && _dice.Chance(15))
        {
            _dice.Shuffle(all);
            var sentences = all.Select(f => Sentence(_book.Facts, f)).ToList();
            Pad(sentences);
            return ([string.Join(_book.Space, sentences)], all);
        }

        var passages = facts.Select(Paragraph).ToList();
        return (passages.Count > 1 && _dice.Chance(20) ? [string.Join('\n', passages)] : passages, all);
    }

    private string Paragraph(IReadOnlyList<Fact> facts)
    {
        var style = _dice.Below(100);
        if (style < 28) return Sentences(facts, "", _ => _book.Facts);
        if (style < 40) return Sentences(facts, "", i => i == 0 ? _book.Facts : _book.Bare);
        if (style < 50) return Chain(facts);
        var heading = _dice.Pick(_book.Headings).Ask(facts[0].Product, "", "");
        if (style < 80) return Sentences(facts, heading, _ => _dice.Chance(20) ? _book.Facts : _book.Bare);
        // One document has one kind of line.
        var line = _dice.Below(_book.Lines.Length);
        var lines = facts.Select(f => Sentence(_book.Lines, f, line)).ToList();
        return heading.TrimEnd('\n', ' ') + '\n' + string.Join('\n', lines);
    }

    private string Sentences(IReadOnlyList<Fact> facts, string heading, Func<int, Frame[]> frames)
    {
        var sentences = facts.Select((f, i) => Sentence(frames(i), f)).ToList();
        Pad(sentences);
        return heading + string.Join(_book.Space, sentences);
    }

    private string Chain(IReadOnlyList<Fact> facts)
    {
        var text = new StringBuilder(Sentence(_book.Facts, facts[0]).TrimEnd('。', '.'));
        foreach (var fact in facts.Skip(1)) text.Append(_book.ClauseMark).Append(Sentence(_book.Clauses, fact));
        return text.Append(_book.Stop).ToString();
    }

    private void Pad(List<string> sentences)
    {
        while (_dice.Chance(22)) sentences.Insert(_dice.Below(sentences.Count + 1), _dice.Pick(_split == Split.Train ? _book.Fillers : _book.ReservedFillers));
    }

    private string Sentence(Frame[] frames, Fact fact, int wished = -1)
    {
        var frame = wished >= 0 && frames[wished] is var one && one.Split == _split && (_split == Split.HeldOut || Reserve.OfPairing(one, fact.Wording) == Split.Train)
            ? one
            : Pick(_dice, frames, fact.Wording, _split);
        return frame.Fill(fact.Product, fact.Wording, fact.Value).Sentence;
    }
}
