namespace R1Grains.Tuning.Corpora;

internal static class English
{
    public static readonly Phrasebook Book = new()
    {
        Language = "en",
        Known = Attributes.En,
        Plain = Attributes.EnPlain,
        Odd = Attributes.EnOdd,
        Names = new ProductNames(zh: false),
        Space = " ",
        ClauseMark = ", ",
        Stop = ".",
        Reason = (product, attribute, facts, value) =>
            $"Asked: {product}, {attribute}. {product}: {(facts.Count == 0 ? "nothing" : string.Join("; ", facts.Select(f => $"{f.Wording} = {f.Attribute.Canonical}, {(f.Attribute.Canonical == attribute ? "yes" : "no")}, {f.Value}")))}. "
            + (value is null ? $"Not found: {attribute}." : $"Found: {attribute}, {value}."),
        Questions =
        [
            .. Frame.Of(Split.Train,
                "{W} the {a} of the {p}?", "{W} the {a} for the {p}?", "{W} the {a} on my {p}?", "For the {p}, {w} the {a}?", "Can you tell me the {a} of the {p}?",
                "Could you look up the {a} for the {p}?", "I would like to know the {a} of the {p}.", "I am thinking about the {p}; {w} the {a}?", "If I choose the {p}, {w} the {a}?",
                "My {p}: {w} the {a}?", "Please tell me the {a} for the {p}.", "Tell me the {p} {a}.", "{p} {a}?", "{W} the {p} {a}?", "About the {p}: {w} the {a}?",
                "I have the {p}. {W} the {a}?", "I forgot the {a} of the {p}.", "Do you know the {a} on the {p}?", "{W} the current {a} of the {p}?", "{W} the {a} these days for the {p}?",
                "With the {p}, {w} the {a}?", "I need the {a} of the {p}.", "Remind me, {w} the {a} of the {p}?", "Just checking, {w} the {a} for the {p}?",
                "A friend recommended the {p}. {W} its {a}?", "I saw the {p} online; {w} the {a}?", "What do you list as the {a} of the {p}?", "Give me the {a} for the {p}.",
                "I want to open the {p}. {W} the {a}?", "{W} the {a}? I mean the {p}.", "The {p}, {w} its {a}?", "What {a} does the {p} have?", "Which {a} applies to the {p}?",
                "What is stated about the {a} of the {p}?", "Show me the {a} of the {p}, please.", "How about the {p}, {w} its {a}?", "Does the {p} have a {a}, and {w} it?",
                "Is the {a} of the {p} set, and {w} it now?", "As a customer with the {p}, {w} the {a}?", "Someone asked about the {p}. {W} its {a}?", "Regarding my {p}: {w} the {a}?",
                "Before I go for the {p}, {w} the {a}?", "I am not sure which {a} the {p} has.", "I can't find the {a} of my {p}.", "What should I say is the {a} of the {p}?",
                "Could you check my {p} and its {a}?", "Anywhere I look, no {a} for the {p}; {w} it?", "What would be the {p} {a}?", "When I sign up for the {p}, {w} the {a}?", "What {a} should a {p} holder expect?"),
            .. Frame.Of(Split.HeldOut,
                "Before I sign up for the {p}, {w} the {a}?", "Could you check the {a} on my {p}?", "Someone asked me about the {a} of the {p}; what should I say?",
                "What would the {a} be with the {p}?", "Regarding the {p}, I am not sure about the {a}.", "I can't find the {a} of the {p} anywhere, {w} it?",
                "As a holder of the {p}, what {a} should I expect?", "Is there a {a} for the {p}, and {w} it?"),
        ],
        SameAttribute = Frame.Of(Split.Train, "And the {p}?", "What about the {p}?", "And for the {p}?", "How about the {p}?", "And with the {p}, {w} it?", "Now the {p}, please.", "Is it the same for the {p}?", "The {p} too, please."),
        SameProduct = Frame.Of(Split.Train, "And the {a}?", "What about the {a}?", "And its {a}?", "{W} its {a}?", "And {w} the {a}?", "Also the {a}, please.", "Then {w} the {a}?", "Check the {a} as well."),
        Facts =
        [
            .. Frame.Of(Split.Train,
                "The {a} of the {p} is {v}.", "The {p} has a {a} of {v}.", "{p} {a}: {v}.", "For the {p}, the {a} is {v}.", "The {a} for the {p} is {v}.", "Under current terms, the {a} of the {p} is {v}.",
                "The {p} comes with a {a} of {v}.", "From next month, the {a} of the {p} will be {v}.", "Customers with the {p}: {a} {v}.", "With the {p}, the {a} stands at {v}.",
                "The {a} on the {p} has been set at {v}.", "Our {p} lists its {a} as {v}.", "The {p} ({a}: {v}).", "{p}, {a}, {v}.", "Holders of the {p} should note that the {a} is {v}.",
                "When you open the {p}, the {a} is {v}.", "The {p} now has its {a} at {v}.", "We have changed the {a} of the {p} to {v}.", "For every {p}, a {a} of {v} applies.",
                "The {p} terms give the {a} as {v}.", "According to the price list, the {p} {a} is {v}.", "{v} is the {a} of the {p}.", "A {a} of {v} applies to the {p}.",
                "On the {p} the {a} remains {v}.", "The {p} offers the following: {a} {v}.", "If you use the {p}, its {a} is {v}.", "All customers of the {p} get the same {a}: {v}.",
                "The bank fixed the {a} of the {p} at {v}.", "{a} ({p}): {v}.", "The standard {a} with the {p} is {v}.", "The {p} carries a {a} of {v}.", "The published {a} of the {p} equals {v}.",
                "Please note: {p}, {a} {v}.", "In the contract for the {p}, the {a} is given as {v}.", "At present the {p} {a} is {v}.", "Our leaflet gives {v} as the {a} of the {p}."),
            .. Frame.Of(Split.HeldOut,
                "At present, the {p} has a {a} of {v}.", "The bank has set the {a} for the {p} at {v}.", "The contract gives the {a} of the {p} as {v}.", "Please note that the {a} for the {p} remains {v}.",
                "The {p} applies the same {a} to all customers: {v}.", "According to its terms, the {p} carries the {a} of {v}.", "For holders of the {p}, the {a} now stands at {v}.", "The {a} with every {p} is {v}."),
        ],
        Bare =
        [
            .. Frame.Of(Split.Train,
                "The {a} is {v}.", "Its {a} is {v}.", "{A}: {v}.", "It has a {a} of {v}.", "The current {a} is {v}.", "The {a} of this product is {v}.", "A {a} of {v} applies.", "The {a} stands at {v}.",
                "We set the {a} at {v}.", "This product has a {a} of {v}.", "The {a} has been fixed at {v}.", "{v} is the {a}.", "The standard {a} is {v}.", "It comes with a {a} of {v}.", "Note that the {a} remains {v}."),
            .. Frame.Of(Split.HeldOut, "Its current {a} stands at {v}.", "This product comes with a {a} of {v}.", "The {a} remains {v}.", "Note that its {a} is {v}."),
        ],
        Lines =
        [
            .. Frame.Of(Split.Train, "{A}: {v}", "- {A}: {v}", "{a}: {v}", "{A} | {v}", "- {a}: {v}", "* {A}: {v}", "{A} - {v}", "{A} ({v})", "* {a} = {v}"),
            .. Frame.Of(Split.HeldOut, "* {a}: {v}", "- {A} | {v}"),
        ],
        Clauses =
        [
            .. Frame.Of(Split.Train, "the {a} is {v}", "its {a} is {v}", "a {a} of {v}", "with a {a} of {v}", "and the {a} is {v}", "while the {a} is {v}"),
            .. Frame.Of(Split.HeldOut, "while its {a} is {v}", "and a {a} of {v}"),
        ],
        Headings = Frame.Of(Split.Train, "## {p}\n", "{p}\n", "{p}: ", "{p}:\n", "Product: {p}\n", "# {p}\n", "[{p}] ", "{p} - product sheet\n", "About the {p}\n"),
        Openers =
        [
            "Hello, ", "Hi, ", "Hi. ", "Hello. ", "Good morning. ", "Good afternoon. ", "Excuse me, ", "Sorry to bother you. ", "A quick question: ", "Hi there. ", "Dear team, ", "Hey, ", "Good evening, ",
            "One question: ", "Please help. ", "I have a question. ", "Quick one. ", "Hello there, ",
        ],
        Closers = [" Thanks.", " Thank you.", " Thanks!", " Thank you very much.", " Cheers.", " Many thanks.", " Please be quick.", " Thanks in advance."],
        Fillers =
        [
            "You can apply in the app.", "Ask at any branch for details.", "This product is for personal customers.",
            "You can check it at any time.", "Please bring your identity card.", "Online applications are welcome.",
            "Changes will be announced.", "Investments carry risk.", "New and existing customers may apply.",
            "It can be managed in online banking.", "It suits people who travel often.", "No appointment is needed.",
            "Applying early saves time.", "See the leaflet for extra services.", "Statements are sent by email.",
            "Your money is protected.", "Minors need a parent with them.", "Proof of income is required.", "Places are limited.",
            "Bring a friend and get a gift.", "Points can be exchanged for goods.", "Cash is not accepted.",
            "Other rules apply abroad.", "Interest is paid every quarter.", "Identity cards must be valid.",
            "Our website has the announcement.", "Two copies of the contract are signed.", "Good customers come first.",
            "It also works while you travel.", "Gifts go to those who come first.", "The counter is open on business days.",
            "See the notice at your branch.", "Please do not tell anyone your code.", "People with a good record may apply.",
            "Email us for a leaflet.", "Income is checked.",
        ],
        ReservedFillers =
        [
            "The contract prevails.", "Keep your password safe.", "Business customers please visit the counter.",
            "Please pay on time to keep a good record.", "It renews by itself at maturity.", "Call us to learn more.",
            "It is not offered in some cities.",
        ],
        Answers = Frame.Of(Split.Train, "The {a} of the {p} is {v}.", "The {a} of the {p} is {v}.", "Hello, the {a} of the {p} is {v}.", "According to the documents, the {a} of the {p} is {v}."),
        Refusals = Frame.Of(Split.Train, "The documents do not say what the {a} of the {p} is. Please ask a colleague at our hotline.", "Sorry, the documents do not say what the {a} of the {p} is. A colleague can check it for you."),
        AnswerTails = ["Is there anything else I can help with?", "I hope this helps."],
        Dictations = ["Please note: ", "Write this down: ", "Please repeat: ", "Read this back to me: ", "Take a note: ", "Say this again: ", "Please record: ", "My notes: "],
        ReadingBack = "Noted: ",
        QuestionWords = new Dictionary<Measure, string[]>
        {
            [Measure.Words] = ["what is"],
            [Measure.Money] = ["what is", "how much is", "how high is"],
            [Measure.Percent] = ["what is", "how much is", "how high is"],
            [Measure.Days] = ["what is", "how long is"],
            [Measure.Term] = ["what is", "how long is"],
            [Measure.Times] = ["what is", "how high is"],
            [Measure.Instalments] = ["what is", "how high is"],
            [Measure.Age] = ["what is"],
            [Measure.Monthly] = ["what is", "when is"],
            [Measure.Date] = ["what is", "when is"],
            [Measure.Phone] = ["what is"],
            [Measure.Hours] = ["what are", "what is"],
        },
    };
}
