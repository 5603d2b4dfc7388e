namespace R1Grains.Tuning.Corpora;

/// <summary>A question with documents, its right answer, and the figures that would be wrong.</summary>
/// <param name="Value">The right value as the documents write it; null when they lack it.</param>
/// <param name="Others">The other values in the documents.</param>
internal sealed record Exchange(Utterance Question, Utterance Answer, string? Value, IReadOnlyList<string> Others);

/// <summary>Questions whose answers stand, or are lacking, in the documents before them.</summary>
internal sealed class Grounded(Phrasebook book, Dice dice, Split split)
{
    /// <summary>One product, one to eight facts.</summary>
    public Exchange Plain()
    {
        var asked = Asked();
        var product = Products(1, false)[0];
        var scene = new Scene(book, dice, split, [Facts(product, asked, Sheet(), with: true, [])]);
        return Ask(scene, product, asked);
    }

    /// <summary>The same attribute of other products, and related attributes of the same product.</summary>
    public Exchange Distractor()
    {
        var asked = Asked();
        return Ask(Crowd(asked, Crowded(), others: true, target: true, out var product), product, asked);
    }

    /// <summary>The documents lack the answer: most have it for another product.</summary>
    public Exchange Missing()
    {
        var asked = Asked();
        switch (dice.Below(100))
        {
            case < 8 when split == Split.Train:
                return Ask(Crowd(asked, Crowded(), others: true, target: true, out var other), other, dice.Pick(book.Odd));
            case < 60:
                return Ask(Crowd(asked, Crowded(), others: true, target: false, out var product), product, asked);
            case < 75:
                product = Products(1, false)[0];
                return Ask(new Scene(book, dice, split, [Facts(product, asked, Sheet(), with: false, [])]), product, asked);
            case < 90:
                var names = Products(dice.Between(2, 3), dice.Chance(60));
                var taken = new List<string>();
                return Ask(new Scene(book, dice, split, [.. names.Skip(1).Select(n => Facts(n, asked, Few(3), with: true, taken))]), names[0], asked);
            default:
                return Ask(new Scene(book, dice, split, []), Products(1, false)[0], asked);
        }
    }

    /// <summary>Two or three items of one product, or one item of two or three products, in one question.</summary>
    public Exchange Several()
    {
        var count = dice.Chance(70) ? 2 : 3;
        var taken = new List<string>();
        if (dice.Chance(50))
        {
            var items = new List<Attribute>();
            while (items.Count < count)
            {
                if (Asked() is var item && !items.Contains(item)) items.Add(item);
            }

            var products = Products(dice.Chance(60) ? 2 : 1, dice.Chance(50));
            var groups = products.Select(p => Written(p, [.. items.Where(_ => dice.Chance(p == products[0] ? 85 : 50)), Asked()], taken)).ToList();
            dice.Shuffle(groups);
            return Ask(new Scene(book, dice, split, groups), [.. items.Select(i => (products[0], i))]);
        }

        var asked = Asked();
        var names = Products(dice.Chance(80) ? count : count + 1, dice.Chance(50));
        var scene = new Scene(book, dice, split, [.. names.Select(n => Facts(n, asked, Few(2), with: dice.Chance(85), taken))]);
        dice.Shuffle(names);
        return Ask(scene, [.. names.Take(count).Select(n => (n, asked))]);
    }

    /// <summary>Many products with many facts: the long windows.</summary>
    public Exchange Archive()
    {
        var asked = Asked();
        var missing = dice.Chance(20);
        return Ask(Crowd(asked, dice.Between(5, 13), others: true, target: !missing, out var product, facts: 7), product, asked);
    }

    /// <summary>Two to four turns about the same documents; later ones leave out what was said before.</summary>
    public List<Exchange> FollowUps(int turns)
    {
        var asked = Asked();
        var products = Products(dice.Between(1, 2), dice.Chance(50));
        var taken = new List<string>();
        var scene = new Scene(book, dice, split, [.. products.Select(p => Facts(p, asked, dice.Between(1, 3), with: dice.Chance(88), taken))]);
        var product = dice.Pick(products);
        var exchanges = new List<Exchange> { Ask(scene, product, asked) };
        while (exchanges.Count < turns)
        {
            var bare = dice.Chance(15);
            if (products.Count > 1 && dice.Chance(50))
            {
                product = dice.Pick([.. products.Where(p => p != product)]);
                exchanges.Add(Ask(scene, product, asked, book.SameAttribute));
            }
            else
            {
                var other = scene.Facts.Where(f => f.Product == product && f.Attribute != asked).Select(f => f.Attribute).ToList();
                asked = other.Count > 0 && dice.Chance(80) ? dice.Pick(other) : Asked();
                exchanges.Add(Ask(bare ? new Scene(book, dice, split, []) : scene, product, asked, book.SameProduct));
            }
        }

        return exchanges;
    }

    /// <summary>Facts as a customer jots them down.</summary>
    public List<string> Notes(int count) =>
        [.. Products(count, dice.Chance(30)).Select(p => Facts(p, Asked(), 1, with: true, [])[0])
            .Select(f => dice.Below(4) switch
            {
                0 => f.Product,
                1 => f.Product + book.Space + f.Value,
                2 => $"{f.Product}{book.ClauseMark}{f.Wording}{book.Space}{f.Value}",
                _ => f.Product + book.Space + f.Wording,
            })];

    private int Few(int most) => 1 + Math.Min(dice.Below(most), dice.Below(most));

    private int Crowded() => dice.Below(20) switch { < 14 => 2, < 19 => 3, _ => 4 };

    /// <summary>Facts of a product that stands alone: few, or a whole sheet as tenants keep them.</summary>
    private int Sheet() => dice.Chance(12) ? dice.Between(5, 8) : Few(4);

    private Attribute Asked() => dice.Chance(80) ? dice.Pick(book.Known) : dice.Pick(book.Plain);

    private List<string> Products(int count, bool alike)
    {
        if (split == Split.Train && dice.Chance(10))
        {
            var own = (book.Zh ? SampleBank.Zh : SampleBank.En).ToList();
            dice.Shuffle(own);
            return own[..Math.Min(count, own.Count)];
        }

        return book.Names.Next(dice, count, alike, split);
    }

    /// <param name="others">Whether the other products have the asked attribute (at least one does).</param>
    /// <param name="target">Whether the asked product has it.</param>
    private Scene Crowd(Attribute asked, int count, bool others, bool target, out string product, int facts = 3)
    {
        var names = Products(count, dice.Chance(55));
        var taken = new List<string>();
        product = names[0];
        var groups = names.Select((n, i) => Facts(n, asked, Few(facts), i == 0 ? target : others && (i == 1 || dice.Chance(75)), taken)).ToList();
        dice.Shuffle(groups);
        return new Scene(book, dice, split, groups);
    }

    private List<Fact> Facts(string product, Attribute asked, int count, bool with, List<string> taken)
    {
        var attributes = new List<Attribute>();
        if (with) attributes.Add(asked);
        while (attributes.Count < count)
        {
            var attribute = dice.Chance(80) ? dice.Pick(book.Known) : dice.Pick(book.Plain);
            if (dice.Chance(35) && attribute.Measure != asked.Measure) continue; // related attributes more often than chance
            if (attribute != asked && !attributes.Contains(attribute)) attributes.Add(attribute);
        }

        return Written(product, attributes, taken);
    }

    private List<Fact> Written(string product, List<Attribute> attributes, List<string> taken)
    {
        dice.Shuffle(attributes);
        return [.. attributes.Distinct().Select(a => new Fact(product, a, Wording(a), Value(a, taken)))];
    }

    private string Wording(Attribute attribute) => dice.Chance(35) ? attribute.Canonical : dice.Pick(attribute.Wordings);

    /// <summary>A value of which no other in the same documents shares a figure.</summary>
    private string Value(Attribute attribute, List<string> taken)
    {
        for (var attempt = 0; ; attempt++)
        {
            var value = Values.Next(dice, attribute.Measure, book.Zh, split);
            var figures = Figures.In(value);
            // Small measures run out of numbers in a crowd; after a while a shared figure is better than none.
            if (attempt < 50 && figures.Any(taken.Contains)) continue;
            taken.AddRange(figures);
            return value;
        }
    }

    private Exchange Ask(Scene scene, string product, Attribute asked, Frame[]? elliptic = null)
    {
        var wording = Wording(asked);
        var frame = Scene.Pick(dice, elliptic ?? book.Questions, wording, elliptic is null ? split : Split.Train);
        var intent = $"ask.{asked.Id}";
        var question = Question(scene, frame, product, wording, asked.Measure, intent, greeted: elliptic is null ? 30 : 8);
        var (fact, answer, reasoning) = Answer(scene, product, asked);
        if (dice.Chance(8)) answer += book.Space + dice.Pick(book.AnswerTails);
        var found = new Dictionary<string, string> { ["product"] = product, ["attribute"] = asked.Canonical };
        if (fact is not null) found["value"] = fact.Value;
        return new Exchange(
            question,
            new Utterance("assistant", answer, [], reasoning, new Annotations(fact is null ? "not_in_documents" : intent, found)),
            fact?.Value,
            [.. scene.Facts.Where(f => f != fact).Select(f => f.Value)]);
    }

    /// <summary>One question for several facts; reasoning and answer take them one after the other.</summary>
    private Exchange Ask(Scene scene, IReadOnlyList<(string Product, Attribute Asked)> all)
    {
        var product = Listed([.. all.Select(a => a.Product).Distinct()]);
        var wordings = all.Select(a => a.Asked).Distinct().Select(Wording).ToList();
        Frame frame;
        do frame = Scene.Pick(dice, book.Questions, wordings[0], split);
        while (split == Split.Train && wordings.Exists(w => Reserve.OfPairing(frame, w) == Split.HeldOut));
        var question = Question(scene, frame, product, Listed(wordings), all[0].Asked.Measure, "ask.several", greeted: 30);
        var answers = all.Select(a => Answer(scene, a.Product, a.Asked, plainly: true)).ToList();
        return new Exchange(
            question,
            new Utterance("assistant", string.Join(book.Space, answers.Select(a => a.Text)), [], string.Join(book.Space, answers.Select(a => a.Reasoning)), new Annotations("ask.several", new Dictionary<string, string>())),
            null,
            []);
    }

    private string Listed(IReadOnlyList<string> items) =>
        items.Count == 1 ? items[0] : string.Join(book.Zh ? "、" : ", ", items.SkipLast(1)) + (book.Zh ? dice.Chance(70) ? "和" : "、" : " and ") + items[^1];

    private Utterance Question(Scene scene, Frame frame, string product, string wording, Measure measure, string intent, int greeted)
    {
        var text = frame.Ask(product, wording, dice.Pick(book.QuestionWords[measure]));
        if (dice.Chance(greeted)) text = Open(dice.Pick(book.Openers), text, frame);
        if (dice.Chance(12)) text += dice.Pick(book.Closers);
        var named = new Dictionary<string, string>();
        if (text.Contains(product)) named["product"] = product;
        if (text.Contains(wording)) named["attribute"] = wording;
        return new Utterance("user", text, scene.Passages, null, new Annotations(intent, named));
    }

    private (Fact? Fact, string Text, string Reasoning) Answer(Scene scene, string product, Attribute asked, bool plainly = false)
    {
        var fact = scene.Find(product, asked);
        var frames = fact is null ? book.Refusals : book.Answers;
        var text = (plainly ? frames[0] : dice.Pick(frames)).Fill(product, asked.Canonical, fact?.Value ?? "").Sentence;
        return (fact, text, book.Reason(product, asked.Canonical, scene.Of(product), fact?.Value));
    }

    /// <summary>A greeting before a question; after a comma the question's first word loses its capital, unless it is a name or "I".</summary>
    private static string Open(string opener, string text, Frame frame)
    {
        var runsOn = opener[^2] is ',' or ':' && !frame.Text.StartsWith("{p}", StringComparison.Ordinal) && !text.StartsWith("I ", StringComparison.Ordinal);
        return opener + (runsOn ? char.ToLowerInvariant(text[0]) + text[1..] : text);
    }
}
