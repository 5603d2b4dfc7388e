using System.Diagnostics;
using R1Grains.Audit;
using R1Grains.Ledger;
using R1Grains.Ledger.Keys;

namespace R1Grains.LoadTests;

/// <summary>What an auditor waits for, in a record of many turns: from the question to the turns that were found and looked at.</summary>
internal static class SearchBenchmark
{
    private const int Queries = 200;
    private const int PageSize = 50;

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    private static readonly TranscriptFilter Anything = new(null, null, "", "", "", [], "", null);

    /// <summary>In the sentences of a bank's service: from those that most turns have to those that few have.</summary>
    private static readonly string[] Frequent = ["利率", "存款", "手续", "还款", "信用", "客户", "理财", "贷款", "公积", "征信", "密码", "台风", "港口", "遗产"];

    /// <param name="turns">In the record then; those that are missing are written.</param>
    public static async Task MeasureAsync(StoredRecord record, KeyRing ring, int turns, Figures figures, CancellationToken cancellation)
    {
        await new SearchedTurns(record).Write((int)await CountAsync(record, cancellation), turns, cancellation);
        var keys = new SearchKeys(ring);
        await IndexAsync(record, keys, figures, cancellation);

        var search = new TranscriptSearch(record, record.Index, keys, new());
        var random = new Random(11);
        // The first questions find the caches empty, as the first ones of a day do.
        await Ask(search, random, "search_2char_cold_ms_p95", 20, r => r.Next(2) == 0 ? Frequent[r.Next(Frequent.Length)] : SearchedTurns.Name(r), figures, cancellation);
        await Ask(search, random, "search_1char_ms_p95", Queries, r => SearchedTurns.Name(r)[..1], figures, cancellation);
        await Ask(search, random, "search_2char_ms_p95", Queries, r => r.Next(2) == 0 ? Frequent[r.Next(Frequent.Length)] : SearchedTurns.Name(r), figures, cancellation);
        await Ask(search, random, "search_2char_frequent_ms_p95", Queries, r => Frequent[r.Next(Frequent.Length)], figures, cancellation);
        await Ask(search, random, "search_2char_rare_ms_p95", Queries, SearchedTurns.Name, figures, cancellation);
        await Ask(search, random, "search_long_ms_p95", Queries, r => r.Next(2) == 0 ? "提前还款" : "存款保险的最高偿付限额", figures, cancellation);
        await Ask(search, random, "search_two_words_ms_p95", Queries, r => $"{Frequent[r.Next(Frequent.Length)]} {Frequent[r.Next(Frequent.Length)]}", figures, cancellation);
        await Ask(search, random, "search_english_ms_p95", Queries, r => r.Next(2) == 0 ? "ETC" : "iphone*", figures, cancellation);

        await ReadConversationsAsync(record, random, turns, figures, cancellation);
        await ReadCustomerAsync(record, search, figures, cancellation);
    }

    private static async Task Ask(TranscriptSearch search, Random random, string figure, int queries, Func<Random, string> query, Figures figures, CancellationToken cancellation)
    {
        var times = new List<double>();
        for (var i = 0; i < queries; i++)
        {
            var words = SearchedWords.Parse(query(random), "query");
            var start = Stopwatch.GetTimestamp();
            await search.Find(SearchedTurns.Tenant, words, Anything, null, PageSize, withRestricted: false, cancellation);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        figures.Add(figure, times.Quantile(0.95));
    }

    private static async Task ReadConversationsAsync(IRecord record, Random random, int turns, Figures figures, CancellationToken cancellation)
    {
        var times = new List<double>();
        for (var i = 0; i < Queries; i++)
        {
            var key = new ConversationKey(SearchedTurns.Tenant, SearchedTurns.Conversation(random.Next(turns / SearchedTurns.Turns)));
            var start = Stopwatch.GetTimestamp();
            await record.FindConversationAsync(key, cancellation);
            var page = await record.ListTurnsAsync(key, IRecord.PageSizeMax, cancellation: cancellation);
            times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            if (page.Items.Count != SearchedTurns.Turns) throw new InvalidDataException($"{key} has {page.Items.Count} turns");
        }
        figures.Add("conversation_read_s_p95", times.Quantile(0.95));
    }

    /// <summary>Everything that a customer has said in all the years: found, and read whole.</summary>
    private static async Task ReadCustomerAsync(IRecord record, TranscriptSearch search, Figures figures, CancellationToken cancellation)
    {
        var (start, before, conversations, turns) = (Stopwatch.GetTimestamp(), (long?)null, new HashSet<ConversationKey>(), 0);
        do
        {
            var page = await search.Find(SearchedTurns.Tenant, SearchedWords.None, Anything with { Customer = SearchedTurns.Regular }, before, 200, withRestricted: false, cancellation);
            conversations.UnionWith(page.Turns.Select(found => found.Turn.Opened.Key));
            before = page.Next;
        }
        while (before is not null);
        foreach (var key in conversations)
            turns += (await record.ListTurnsAsync(key, IRecord.PageSizeMax, cancellation: cancellation)).Items.Count;
        figures.Add("customer_read_s", Stopwatch.GetElapsedTime(start).TotalSeconds);
        figures.Add("customer_turns", turns);
    }

    /// <summary>From where it is.</summary>
    private static async Task IndexAsync(StoredRecord record, SearchKeys keys, Figures figures, CancellationToken cancellation)
    {
        var turns = await CountAsync(record, cancellation);
        // Trees are about a second behind.
        var end = SearchedTurns.Leaves((int)turns);
        while ((await record.Index.ReadStateAsync(SearchedTurns.Tenant, cancellation)).TreeLeaves < end)
            await Task.Delay(Look, TimeProvider.System, cancellation);
        var at = (await record.Index.ReadStateAsync(SearchedTurns.Tenant, cancellation)).Leaves;
        if (at >= end)
        {
            figures.LeaveOut("everything was indexed before", "index_turns_per_s");
            return;
        }
        var (start, share) = (Stopwatch.GetTimestamp(), (end - at) / (double)end);
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var bar = new ProgressBar("leaves indexed", (int)(end - at));
        Exception? failed = null;
        var following = record.Index.FollowAsync(async tenant => (await keys.Of(tenant)).OfTurns, _ => { }, failure => failed = failure, TimeProvider.System, done.Token);
        for (; at < end && failed is null; await Task.Delay(Look, TimeProvider.System, cancellation))
        {
            var seen = Math.Min(end, (await record.Index.ReadStateAsync(SearchedTurns.Tenant, cancellation)).Leaves);
            for (; at < seen; at++) bar.Advance();
        }
        var time = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await done.CancelAsync();
        await following;
        if (failed is not null) throw failed;
        figures.Add("index_turns_per_s", share * turns / time);
    }

    /// <summary>Turns that earlier runs have written, of whole conversations: what was being written when one was stopped is written by none.</summary>
    private static async Task<long> CountAsync(IRecord record, CancellationToken cancellation)
    {
        var (low, high) = (0, 1 << 24);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (await record.FindConversationAsync(new(SearchedTurns.Tenant, SearchedTurns.Conversation(middle)), cancellation) is not null) low = middle + 1;
            else high = middle;
        }
        return (long)low * SearchedTurns.Turns;
    }
}
