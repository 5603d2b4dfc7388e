using System.Security.Cryptography;
using System.Text;
using R1Grains.Ledger.Search;

namespace R1Grains.Ledger.Tests;

public abstract class TranscriptIndexTests(IRecordStore store) : StoreTests(store)
{
    /// <summary>Two make a segment here, so that a few hundred turns fill all levels.</summary>
    private const int SegmentTurns = 2;

    protected static readonly Digest Scheme = Digest.Of("terms of the tests"u8);

    [Fact]
    public async Task Queries_find_what_a_look_at_every_turn_finds_while_the_index_grows()
    {
        var expected = new List<ClosedTurn>();
        // The first time before there is a segment, then with segments of one level, of two, of three.
        foreach (var (round, turns) in ((int, int)[])[(1, 1), (2, 60), (3, 500), (4, 7)])
        {
            await Append($"round-{round}", turns);
            await using var record = await Open();
            await CatchUp(record);
            expected = await All(record, "demo");
            Assert.Equal(expected.Count, (await All(record, "other")).Count);
            foreach (var query in Queries(new Random(round), expected))
                Assert.Equal(expected.Where(turn => IsMet(query, turn)).Select(turn => turn.Leaf).Reverse(), await Find(record, query));
        }
        Assert.Equal(568, expected.Count);
        Assert.Equal([1, 2, 3], await Levels());
    }

    [Fact]
    public async Task Pages_hold_each_turn_once_while_turns_end_and_segments_are_merged()
    {
        await Append("first", 40);
        await using var record = await Open();
        await CatchUp(record);
        var before = (await All(record, "demo")).Select(turn => turn.Leaf).Reverse().ToList();
        var (seen, last) = (new List<long>(), (long?)null);
        for (var page = 0; seen.Count < before.Count; page++)
        {
            var candidates = await record.Index.FindAsync("demo", new([]), last, 7);
            seen.AddRange(candidates.Leaves);
            last = seen[^1];
            await AppendTo(record, $"page-{page}", 9);
            await Settled(record);
            await CatchUp(record);
        }
        Assert.Equal(before, seen);
    }

    [Fact]
    public async Task What_was_dropped_is_built_again_and_nobody_else_notices()
    {
        await Append("first", 70);
        await using var record = await Open();
        await CatchUp(record);
        var (demo, other) = (await Find(record, new([])), await record.Index.FindAsync("other", new([]), null, 1_000));

        var before = await record.Index.ReadStateAsync("demo");
        await record.Index.DropAsync("demo");
        Assert.Equal(new IndexState(null, 0, before.TreeLeaves), await record.Index.ReadStateAsync("demo"));
        Assert.Empty(await Find(record, new([])));
        Assert.Equal(other.Leaves, (await record.Index.FindAsync("other", new([]), null, 1_000)).Leaves);
        await CatchUp(record);
        Assert.Equal(demo, await Find(record, new([])));
        Assert.Equal(before, await record.Index.ReadStateAsync("demo"));
        Assert.Equal((Scheme, before.TreeLeaves), (before.Scheme, before.Leaves));
    }

    [Fact]
    public async Task An_index_with_terms_of_another_scheme_is_left_alone_until_it_is_dropped()
    {
        await Append("first", 5);
        await using var record = await Open();
        await CatchUp(record);
        await AppendTo(record, "second", 5);
        await Settled(record);

        var told = new List<string>();
        var other = Digest.Of("another key"u8);
        await record.Index.CatchUpAsync(_ => Task.FromResult(new IndexTerms(other, Terms)), told.Add, SegmentTurns);
        Assert.Equal(["demo", "other"], told);
        var state = await record.Index.ReadStateAsync("demo");
        Assert.Equal(Scheme, state.Scheme);
        Assert.True(state.Leaves < state.TreeLeaves);

        await record.Index.DropAsync("demo");
        await record.Index.CatchUpAsync(_ => Task.FromResult(new IndexTerms(other, Terms)), told.Add, SegmentTurns);
        Assert.Equal(other, (await record.Index.ReadStateAsync("demo")).Scheme);
        Assert.Equal(["demo", "other", "other"], told);
        Assert.Equal(10, (await Find(record, new([]))).Count);
    }

    [Fact]
    public async Task Words_are_taken_out_of_conversations_and_everything_else_about_them_stays()
    {
        await Append("first", 560);
        await using var record = await Open();
        await CatchUp(record);
        await AppendTo(record, "late", 3);
        await Settled(record);
        Assert.False(await record.Index.EraseAsync("demo", ["first-2", "late-0"]));
        await CatchUp(record);
        var all = await All(record, "demo");
        var erased = all.Where(turn => turn.Opened.Key.Conversation is "first-2" or "late-0").ToList();
        Assert.Equal(113, erased.Count);
        Assert.True(await record.Index.EraseAsync("demo", ["first-2", "late-0", "nobody"]));

        foreach (var term in all.SelectMany(Terms).Distinct().Where((_, number) => number % 3 == 0))
            Assert.Equal(
                all.Where(turn => Terms(turn).Contains(term) && (term >= IndexTerms.FactBit || !erased.Contains(turn))).Select(turn => turn.Leaf).Reverse(),
                await Find(record, new([[term]])));
        Assert.Equal(all.Count, (await Find(record, new([]))).Count);
    }

    /// <summary>Of the segments that there are.</summary>
    protected abstract Task<IReadOnlyList<int>> Levels();

    protected async Task<StoredRecord> Open() => (StoredRecord)await Store.OpenAsync();

    protected static Task CatchUp(StoredRecord record) => record.Index.CatchUpAsync(_ => Task.FromResult(new IndexTerms(Scheme, Terms)), tenant => Assert.Fail(tenant), SegmentTurns);

    /// <summary>Returns when the trees are built over everything.</summary>
    protected async Task Append(string name, int turns)
    {
        await using var record = await Open();
        await AppendTo(record, name, turns);
    }

    /// <summary>Turns of several conversations at once, of two tenants; some of them stay open.</summary>
    protected static Task AppendTo(IRecord record, string name, int turns) => Task.WhenAll(
        from tenant in (string[])["demo", "other"]
        from number in Enumerable.Range(0, 5)
        select AppendTo(record, Samples.Key($"{name}-{number}", tenant), Enumerable.Range(0, turns).Count(turn => turn % 5 == number)));

    protected static async Task<List<ClosedTurn>> All(IRecord record, string tenant)
    {
        var (turns, next) = (new List<ClosedTurn>(), 0L);
        while (await record.ReadClosedTurnsAsync(tenant, next, 100) is { } page && page.Next > next)
        {
            turns.AddRange(page.Turns);
            next = page.Next;
        }
        Assert.Equal(turns.TakeLast(70).Select(turn => turn.Leaf), (await record.ReadClosedTurnsAsync(tenant, [.. turns.TakeLast(70).Select(turn => turn.Leaf), long.MaxValue])).Select(turn => turn.Leaf));
        return turns;
    }

    /// <summary>From numbers of few values, so that some are frequent and some are rare.</summary>
    protected static IEnumerable<uint> Terms(ClosedTurn turn)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{turn.Opened.Key}/{turn.Opened.Turn}"));
        return [Term(0), .. hash.Take(12).Select(value => Term(1 + value / (1 + value % 13)))];
    }

    private static async Task AppendTo(IRecord record, ConversationKey key, int turns)
    {
        var epoch = await record.Begin(key);
        for (var turn = 1; turn <= turns; turn++)
            await record.AppendTurn(key, turn, epoch, turn % 3);
        await record.AppendAsync(Samples.Turn(key, turns + 1, epoch), Samples.Prompt);
    }

    /// <summary>Spread over all blocks of a segment.</summary>
    private static uint Term(int value) => (uint)value * 0x9E3779B9;

    private static IEnumerable<TermQuery> Queries(Random random, List<ClosedTurn> turns)
    {
        yield return new([]);
        yield return new([[Term(0)]]);
        yield return new([[Term(999)]]);
        for (var i = 0; i < 60; i++)
        {
            var clauses = Enumerable.Range(0, random.Next(4)).Select(_ => (IReadOnlyCollection<uint>)[.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => Term(random.Next(random.Next(1, 258))))]).ToList();
            yield return new(clauses, Time(), Time());
        }

        // An index is exact to the second.
        DateTimeOffset? Time() => random.Next(3) == 0 ? DateTimeOffset.FromUnixTimeSeconds(turns[random.Next(turns.Count)].Closed.Time.ToUnixTimeSeconds() + random.Next(2)) : null;
    }

    private static bool IsMet(TermQuery query, ClosedTurn turn) =>
        query.IsMetBy([.. Terms(turn).Distinct().Order()]) && !(turn.Closed.Time < query.From) && !(turn.Closed.Time >= query.Until);

    private static async Task<List<long>> Find(StoredRecord record, TermQuery query)
    {
        var (found, last) = (new List<long>(), false);
        while (!last)
        {
            (var leaves, last) = await record.Index.FindAsync("demo", query, found.Count == 0 ? null : found[^1], 13);
            found.AddRange(leaves);
        }
        return found;
    }

    /// <summary>Returns when the trees hold everything that was appended.</summary>
    private static async Task Settled(StoredRecord record)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        foreach (var tenant in (string[])["demo", "other"])
        {
            var entries = 0L;
            // The last turn of each is open.
            foreach (var conversation in (await record.ListConversationsAsync(tenant, IRecord.PageSizeMax)).Items)
                entries += (await record.ListTurnsAsync(conversation.Key, IRecord.PageSizeMax)).Items[^1].OpenedReceipt.Index + 1;
            while ((await record.Index.ReadStateAsync(tenant)).TreeLeaves < entries)
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, patience.Token);
        }
    }
}
