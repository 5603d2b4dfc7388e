using R1Grains.LoadTests.Tamper;
using R1Grains.Ledger.Tests.Postgres;

namespace R1Grains.Ledger.Tests;

/// <summary>A few of what the load test does with all.</summary>
[Collection(PostgresCollection.Name)]
public sealed class TamperRunTests(PostgresFixture fixture)
{
    private const int Stride = 6, CleanRuns = 10;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_tampered_with_is_found_and_named_and_nothing_else(bool postgres)
    {
        await using TamperedStore store = postgres ? new TamperedDatabase(fixture.Server) : new TamperedFiles();
        var cases = TamperCases.All.Where((_, number) => number % Stride == (postgres ? 1 : 0));
        var outcomes = await TamperRun.TamperAsync(store, cases, () => { }, CancellationToken.None);
        Assert.True(outcomes.Count > 10);
        Assert.Empty(outcomes.Where(outcome => !outcome.IsNamed).Select(outcome => outcome.ToString()));
        Assert.Empty(await TamperRun.StayCleanAsync(store, CleanRuns, () => { }, CancellationToken.None));
    }

    [Fact]
    public void There_are_as_many_cases_and_mechanisms_as_are_promised()
    {
        Assert.True(TamperCases.All.Count >= 40);
        Assert.True(TamperCases.All.Select(each => each.Mechanism).Distinct().Count() >= 20);
        Assert.Equal(TamperCases.All.Count, TamperCases.All.Select(each => (each.Mechanism, each.What, each.Store)).Distinct().Count());
    }
}
