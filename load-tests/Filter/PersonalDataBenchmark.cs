using System.Diagnostics;
using System.Text;
using R1Grains.Compliance;

namespace R1Grains.LoadTests.Filter;

/// <summary>How much of the personal data is found, how much of what is found is some, and what that costs.</summary>
internal static class PersonalDataBenchmark
{
    private const int PerKind = 3_000;
    private const int PerClass = 1_500;
    private const int BareNumbers = 10_000;
    private const int ScannedCharacters = 4 << 20;
    private const int Passes = 5;
    private const int Tokens = 300_000;
    private const int TurnCharacters = 600;

    private static readonly PersonalDataKind[] Checksummed = [PersonalDataKind.IdentityCard, PersonalDataKind.SocialCreditCode, PersonalDataKind.BankCard, PersonalDataKind.Iban];

    /// <summary>
    /// Adds recall and precision of each kind, over all samples; <c>pii_recall</c> and <c>pii_precision</c> are those of
    /// the worst kind that has check digits. An item counts as found when kind, place and length are right.
    /// </summary>
    public static void Measure(Figures figures, int seed = 1)
    {
        var samples = new PersonalDataSamples(seed);
        Judge(figures, samples);
        Scan(figures, samples);
        Stream(figures, samples);
    }

    private static void Judge(Figures figures, PersonalDataSamples samples)
    {
        var kinds = Enum.GetValues<PersonalDataKind>();
        var (present, found, wrong) = (new int[kinds.Length], new int[kinds.Length], new int[kinds.Length]);
        var (negatives, luhn) = (0, 0);
        foreach (var sample in samples.Positives(PerKind).Concat(samples.Negatives(PerClass)))
        {
            var right = sample is { Kind: { } kind, Item: { } item } ? new PersonalDataSpan(kind, sample.Text.IndexOf(item, StringComparison.Ordinal), item.Length) : (PersonalDataSpan?)null;
            if (right is { } expected) present[(int)expected.Kind]++;
            else negatives++;
            if (sample.Class.StartsWith("luhn", StringComparison.Ordinal)) luhn++;
            foreach (var span in PersonalData.Find(sample.Text)) (span == right ? found : wrong)[(int)span.Kind]++;
        }
        figures.Add("pii_recall", Checksummed.Min(Recall));
        figures.Add("pii_precision", Checksummed.Min(Precision));
        foreach (var kind in kinds.Where(kind => present[(int)kind] > 0))
        {
            figures.Add($"pii_recall_{Key(kind)}", Recall(kind));
            figures.Add($"pii_precision_{Key(kind)}", Precision(kind));
        }
        figures.Add("pii_positives", present.Sum());
        figures.Add("pii_negatives", negatives);
        figures.Add("pii_negatives_luhn", luhn);
        // Nothing tells such a number from a card's but its range, so this share is told and has no bound.
        figures.Add("pii_bare_luhn_as_card", Enumerable.Range(0, BareNumbers).Count(_ => PersonalData.Find(samples.BareLuhn()).Any(span => span.Kind == PersonalDataKind.BankCard)) / (double)BareNumbers);

        double Recall(PersonalDataKind kind) => (double)found[(int)kind] / present[(int)kind];
        double Precision(PersonalDataKind kind) => (double)found[(int)kind] / (found[(int)kind] + wrong[(int)kind]);
    }

    /// <summary>A bank's day: one sentence of twenty has an item.</summary>
    private static void Scan(Figures figures, PersonalDataSamples samples)
    {
        var text = Day(samples, ScannedCharacters);
        var bytes = Encoding.UTF8.GetByteCount(text);
        PersonalData.Find(text.AsSpan(0, text.Length / 4));
        var rates = new List<double>();
        for (var pass = 0; pass < Passes; pass++)
        {
            var start = Stopwatch.GetTimestamp();
            PersonalData.Find(text);
            rates.Add(bytes / 1e6 / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        figures.Add("pii_mb_per_s", rates.Median());
    }

    /// <summary>As a model writes: a few characters at a time, an answer of some hundred.</summary>
    private static void Stream(Figures figures, PersonalDataSamples samples)
    {
        var text = Day(samples, Tokens * 3);
        var (microseconds, held) = (new double[Tokens], new double[Tokens]);
        var stream = new PersonalDataStream();
        for (var (token, at) = (0, 0); token < Tokens; token++)
        {
            if (at % TurnCharacters < 3) stream = new PersonalDataStream();
            var piece = text.Substring(at, 1 + (token % 4));
            at += piece.Length;
            var start = Stopwatch.GetTimestamp();
            stream.Append(piece);
            microseconds[token] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
            held[token] = stream.Held;
        }
        figures.Add("pii_token_us_p50", microseconds.Quantile(0.5));
        figures.Add("pii_token_us_p99", microseconds.Quantile(0.99));
        figures.Add("pii_holdback_chars_p95", held.Quantile(0.95));
        figures.Add("pii_holdback_chars_max", held.Max());
    }

    private static string Day(PersonalDataSamples samples, int characters)
    {
        var day = new StringBuilder(characters + 1_000);
        while (day.Length < characters)
        {
            foreach (var sample in samples.Positives(1))
            {
                for (var i = 0; i < 19; i++) day.Append(samples.Sentence()).Append('。');
                day.Append(sample.Text).Append('\n');
            }
        }
        return day.ToString();
    }

    private static string Key(PersonalDataKind kind) => kind switch
    {
        PersonalDataKind.IdentityCard => "identity_card",
        PersonalDataKind.SocialCreditCode => "social_credit_code",
        PersonalDataKind.BankCard => "bank_card",
        PersonalDataKind.Iban => "iban",
        PersonalDataKind.MobileNumber => "mobile_number",
        PersonalDataKind.OneTimePassword => "one_time_password",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No samples are made of this kind."),
    };
}
