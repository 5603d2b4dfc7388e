using System.Globalization;

namespace R1Grains.Tuning.Corpora;

/// <summary>Turns that need no documents, and dialogues that mix them with turns that do.</summary>
internal sealed class Conversation(Phrasebook book, Dice dice, Split split)
{
    private static readonly Annotations Told = new("tell", new Dictionary<string, string>());

    private readonly Procedure[] _procedures = book.Zh ? Procedures.Zh : Procedures.En;

    public List<Utterance> Procedural(int turns) => [.. Enumerable.Range(0, turns).SelectMany(_ => Procedural())];

    /// <summary>The customer tells something, talks of something else, and asks for it.</summary>
    public List<Utterance> Recall(Grounded grounded)
    {
        var memory = dice.Pick(book.Zh ? Procedures.ZhMemories : Procedures.EnMemories);
        var thing = memory.Topic switch
        {
            "card_tail" => Digits(4),
            "city" => dice.Pick(book.Zh ? Procedures.ZhCities : Procedures.EnCities),
            "amount" => (dice.Between(1, 9999) * (dice.Chance(60) ? 100 : 1)).ToString(CultureInfo.InvariantCulture),
            _ => "1" + Digits(10),
        };
        var ask = dice.Pick(memory.Asks);
        var recall = new Annotations($"recall.{memory.Topic}", new Dictionary<string, string>());
        if (dice.Chance(12))
        {
            return
            [
                .. dice.Chance(50) ? Procedural() : [],
                new Utterance("user", ask, [], null, recall),
                book.Zh
                    ? new Utterance("assistant", "您还没有告诉过我，请再说一下。", [], $"{memory.Reasoning[..memory.Reasoning.IndexOf('。')]}。前文：无。", recall)
                    : new Utterance("assistant", "You have not told me yet. Please say it again.", [], $"{memory.Reasoning[..memory.Reasoning.IndexOf('.')]}. Earlier: nothing.", recall),
            ];
        }

        var known = recall with { Entities = new Dictionary<string, string> { ["value"] = thing } };
        var tell = string.Format(CultureInfo.InvariantCulture, dice.Pick(memory.Tells), thing);
        return
        [
            new Utterance("user", tell, [], null, known),
            book.Zh
                ? new Utterance("assistant", "好的，记下了。请问您想了解什么？", [], "客户说明情况。", Told)
                : new Utterance("assistant", "Thank you, I have noted that. What would you like to know?", [], "The customer tells something.", Told),
            .. Between(grounded),
            new Utterance("user", ask, [], null, recall),
            new Utterance("assistant", string.Format(CultureInfo.InvariantCulture, dice.Pick(memory.Answers), thing), [],
                string.Format(CultureInfo.InvariantCulture, memory.Reasoning, thing), known),
        ];
    }

    /// <summary>
    /// The customer dictates, the assistant reads back word for word: nothing but copying, which every other kind
    /// builds on and a small model learns first.
    /// </summary>
    public List<Utterance> ReadBack(Grounded grounded)
    {
        var items = grounded.Notes(dice.Between(1, 4));
        if (dice.Chance(40)) items.Add(Digits(dice.Between(4, 12)));
        if (dice.Chance(30)) items.Add(dice.Pick(book.Zh ? Procedures.ZhCities : Procedures.EnCities));
        dice.Shuffle(items);
        var notes = string.Join(book.Zh ? "；" : "; ", items);
        var intent = new Annotations("read_back", new Dictionary<string, string> { ["note"] = notes });
        return
        [
            new Utterance("user", $"{dice.Pick(book.Dictations)}{notes}{book.Stop}", [], null, intent),
            new Utterance("assistant", book.ReadingBack + notes + book.Stop, [], book.Zh ? "问：复述。" : "Asked: read back.", intent),
        ];
    }

    public List<Utterance> Long(Grounded grounded, int turns)
    {
        var utterances = new List<Utterance>();
        while (utterances.Count < 2 * turns)
        {
            utterances.AddRange(dice.Chance(35) ? Procedural() : [.. grounded.FollowUps(dice.Between(1, 3)).SelectMany(e => new[] { e.Question, e.Answer })]);
        }

        return utterances;
    }

    private string Digits(int count) => string.Concat(Enumerable.Range(0, count).Select(_ => (char)('0' + dice.Below(10))));

    private IEnumerable<Utterance> Between(Grounded grounded) => dice.Below(3) switch
    {
        0 => [],
        1 => Procedural(),
        _ => grounded.FollowUps(1).SelectMany(e => new[] { e.Question, e.Answer }),
    };

    private IEnumerable<Utterance> Procedural()
    {
        var procedure = dice.Pick(_procedures);
        var intent = new Annotations(procedure.Intent, new Dictionary<string, string>());
        var ask = procedure.Ask(dice, split);
        if (ask.Length > 6 && dice.Chance(20)) ask = dice.Pick(book.Openers) + ask;
        return
        [
            new Utterance("user", ask, [], null, intent),
            new Utterance("assistant", dice.Pick(procedure.Answers), [], procedure.Reasoning, intent),
        ];
    }
}
