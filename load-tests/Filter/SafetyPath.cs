using System.Diagnostics;
using R1Grains.Compliance;
using R1Grains.Ledger;

namespace R1Grains.LoadTests.Filter;

/// <summary>
/// What all checks of a turn together add to it: the input through recognisers and lexicon, an answer of 200 tokens token by
/// token through both, and the reasoning, as a turn does it. Some of the answers tell something about a person.
/// </summary>
internal static class SafetyPath
{
    private const int Turns = 2_000;
    private const int WarmUp = 300;
    private const int AnswerTokens = 200;

    public static void Measure(Lexicon lexicon, Figures figures)
    {
        var random = new Random(21);
        var samples = new PersonalDataSamples(21);
        List<PersonalDataSample> items = [.. samples.Positives(20)];
        var guardrail = new Guardrail(lexicon, "demo", default, "zh");
        var policy = Sentences(1_000);
        List<double> times = [], largest = [];
        for (var turn = 0; turn < Turns; turn++)
        {
            var (input, reasoning, answer) = (Sentences(80) + items[random.Next(items.Count)].Text, Sentences(200), Tokens(Sentences(AnswerTokens * 3)));
            var (start, worst) = (Stopwatch.GetTimestamp(), 0.0);
            var customer = CustomerInput.Of(input);
            guardrail.Input(customer.Text);
            PersonalData.Mask(customer.Text, customer.Items);
            var shown = guardrail with { Shown = new([policy, customer.Text]), Canary = Canary.Of("demo", default) };
            var filter = shown.Filter();
            foreach (var token in answer)
            {
                var before = Stopwatch.GetTimestamp();
                filter.Append(token);
                worst = Math.Max(worst, Stopwatch.GetElapsedTime(before).TotalMicroseconds);
            }
            filter.End();
            shown.Reasoning(reasoning);
            _ = shown.Shown.FindOthers(reasoning).Count();
            if (turn < WarmUp) continue;
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            largest.Add(worst);
        }
        figures.Add("safety_added_ms_p50", times.Quantile(0.5));
        figures.Add("safety_added_ms_p99", times.Quantile(0.99));
        figures.Add("safety_worst_token_us_p50", largest.Quantile(0.5));

        string Sentences(int characters)
        {
            var text = "";
            while (text.Length < characters) text += random.Next(12) == 0 ? items[random.Next(items.Count)].Text + "。" : samples.Sentence() + "。";
            return text[..characters];
        }

        // As tokenizers cut: one to four characters.
        List<string> Tokens(string text)
        {
            List<string> tokens = [];
            for (var at = 0; at < text.Length && tokens.Count < AnswerTokens; at += tokens[^1].Length) tokens.Add(text.Substring(at, Math.Min(random.Next(1, 5), text.Length - at)));
            return tokens;
        }
    }
}
