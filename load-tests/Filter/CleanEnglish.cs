namespace R1Grains.LoadTests.Filter;

/// <summary>Words of answers, for texts that are a little English.</summary>
internal static class CleanEnglish
{
    public static readonly string[] Words = "account balance please transfer card limit branch App ETF LPR PIN online deposit interest monthly statement fee credit loan customer service email iPhone 2026 3.85% 95588".Split(' ');

    public static readonly string[] Sentences =
    [
        "I would like to know when my new card will arrive.", "Please contact the branch about your account balance.", "The fee is 0.5% of the amount, at least 10 yuan.",
        "You can raise the limit in the app under settings.", "We have received your request and will reply within two days.", "The transfer was declined because the name did not match.",
    ];
}
