using R1Grains.Ledger.Search;

namespace R1Grains.Ledger.Tests.Postgres;

[Collection(PostgresCollection.Name)]
public sealed class PostgresIndexTests : TranscriptIndexTests
{
    private readonly PostgresStore _store;

    public PostgresIndexTests(PostgresFixture fixture) : this(new PostgresStore(fixture.Server))
    {
    }

    private PostgresIndexTests(PostgresStore store) : base(store) => _store = store;

    protected override async Task<IReadOnlyList<int>> Levels() => await _store.ScalarAsync<int[]>("SELECT array_agg(DISTINCT level ORDER BY level) FROM search_segment");

    [Fact]
    public async Task One_process_builds_and_the_next_goes_on_when_it_leaves()
    {
        await using var record = await Open();
        await using var other = await Open();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var leaving = new CancellationTokenSource();
        var built = new HashSet<string>();
        var first = Follow(record, "first", leaving.Token);
        await AppendTo(record, "a", 20);
        await Until(20);
        using var end = new CancellationTokenSource();
        var second = Follow(other, "second", end.Token);
        await AppendTo(record, "b", 20);
        await Until(40);
        Assert.Equal(["first"], built);

        await leaving.CancelAsync();
        await first;
        await AppendTo(record, "c", 20);
        await Until(60);
        Assert.Equal(["first", "second"], built.Order());
        await end.CancelAsync();
        await second;

        Task Follow(StoredRecord by, string name, CancellationToken stop) => by.Index.FollowAsync(
            _ => Task.FromResult(new IndexTerms(Scheme, turn =>
            {
                lock (built) built.Add(name);
                return Terms(turn);
            })),
            Assert.Fail, failure => Assert.Fail(failure.ToString()), TimeProvider.System, stop);

        async Task Until(int turns)
        {
            while ((await record.Index.FindAsync("demo", new([]), null, 1_000)).Leaves.Count < turns)
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
        }
    }
}
