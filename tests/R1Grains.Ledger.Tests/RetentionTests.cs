using Microsoft.Extensions.Time.Testing;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Retention;

namespace R1Grains.Ledger.Tests;

/// <summary>What is past its time goes by itself, and what is held stays.</summary>
public sealed class RetentionTests : IAsyncLifetime
{
    private static readonly RetentionRules Rules = new()
    {
        Minimum = Term.None,
        Maximum = new(12, 0),
        Channels = new Dictionary<string, RetentionRules> { ["advice"] = new() { Maximum = Term.Years(20) } },
    };

    private readonly RecordFolder _folder = new();
    private readonly FakeTimeProvider _time = new(Samples.Start);
    private readonly List<string> _stopped = [];
    private KeyRing _keys = null!;
    private SqliteRecord _record = null!;
    private LegalHolds _holds = null!;
    private ErasureWork _work = null!;
    private RetentionSweep _sweep = null!;

    public async Task InitializeAsync()
    {
        _keys = await KeyRing.OpenBesideAsync(_folder.Path);
        _record = await SqliteRecord.OpenAsync(_folder.Path, keys: _keys);
        _holds = new(_record.Registry, _time);
        var erasures = new Erasures(_record, Rules, _holds, _time);
        _work = new ErasureWork(
            _record, _keys, erasures, _time,
            (_, conversations, _) =>
            {
                _stopped.AddRange(conversations);
                return Task.CompletedTask;
            },
            (_, _) => Task.CompletedTask);
        _sweep = new(_record, Rules, _holds, _work, _time);
    }

    public async Task DisposeAsync()
    {
        await _record.DisposeAsync();
        await _keys.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_month_of_a_customer_goes_when_its_last_conversation_may_unless_it_is_held()
    {
        await Say("old", "customers/1");
        await Say("held", "customers/2");
        await Say("advice", "customers/3", "advice");
        await Say("nobodys", "");
        await Say("beside", "customers/4");
        await Say("late", "customers/4", days: 20);
        var hold = await _holds.PlaceAsync("demo", "h1", Extent.OfConversation("held"), "frank", "case 7");

        _time.Advance(Samples.Start.AddMonths(12).AddDays(10) - _time.GetUtcNow());
        Assert.Equal(2, await _sweep.RunAsync("demo"));
        Assert.Equal(["nobodys", "old"], await Erased());
        Assert.Equal(["nobodys", "old"], _stopped.Order());
        Assert.Equal(0, await _sweep.RunAsync("demo"));

        _time.Advance(TimeSpan.FromDays(20));
        await _holds.ReleaseAsync("demo", hold.Id, "frank", "closed");
        Assert.Equal(3, await _sweep.RunAsync("demo"));
        Assert.Equal(["beside", "held", "late", "nobodys", "old"], await Erased());

        var records = (await _record.Registry.ListEntriesAsync("demo", 100)).Items.Select(entry => entry.Record).ToList();
        Assert.Equal(["2", "3"], records.Where(record => record.Action == "retention.sweep").Select(record => record.Details[0].Value));
        Assert.Equal(["2", "3"], records.Where(record => record.Action == ErasureCertificate.Action).Select(record => record.Details.Single(detail => detail.Name == "conversations").Value));
        var report = await RecordVerifier.VerifyAsync(_folder.Path, dataKeys: _keys);
        Assert.Equal((null, 5), (report.FirstBad, report.Erased));
    }

    [Fact]
    public async Task A_months_key_stays_until_the_month_is_over_however_soon_its_conversations_may_go()
    {
        await Say("first", "customers/1");
        var sweep = new RetentionSweep(_record, new RetentionRules { Minimum = Term.None, Maximum = new(0, Days: 7) }, _holds, _work, _time);
        _time.Advance(Samples.Start.AddDays(9) - _time.GetUtcNow());
        Assert.Equal(0, await sweep.RunAsync("demo"));
        await Say("second", "customers/1", days: 9);
        _time.Advance(Samples.Start.AddMonths(1).AddDays(9) - _time.GetUtcNow());
        Assert.Equal(2, await sweep.RunAsync("demo"));
        Assert.Equal(["first", "second"], await Erased());
    }

    [Fact]
    public async Task Where_nothing_is_to_be_destroyed_nothing_is()
    {
        await Say("old", "customers/1");
        _time.Advance(TimeSpan.FromDays(9_000));
        var never = new RetentionRules { Maximum = Term.None };
        Assert.Equal(0, await new RetentionSweep(_record, never, _holds, null!, _time).RunAsync("demo"));
        Assert.Empty(await Erased());
    }

    [Theory]
    [InlineData("0", 0, 0), InlineData("7y", 84, 0), InlineData("18m", 18, 0), InlineData("180d", 0, 180)]
    public void A_term_is_years_months_or_days(string text, int months, int days)
    {
        Assert.True(Term.TryParse(text, out var term));
        Assert.Equal((months, days), (term.Months, term.Days));
        Assert.Equal(text, term.ToString());
    }

    [Theory]
    [InlineData(""), InlineData("7"), InlineData("y"), InlineData("-1y"), InlineData("7 y"), InlineData("1.5y"), InlineData("999999999d")]
    public void What_is_no_term_is_none(string text) => Assert.False(Term.TryParse(text, out _));

    [Fact]
    public void A_tenants_own_rule_goes_before_the_clusters_and_a_channels_before_both()
    {
        var rules = new RetentionRules
        {
            Channels = new Dictionary<string, RetentionRules> { ["advice"] = new() { Minimum = Term.Years(10), Maximum = Term.Years(20) } },
            Tenants = new Dictionary<string, RetentionRules> { ["north"] = new() { Maximum = Term.None, Channels = new Dictionary<string, RetentionRules> { ["advice"] = new() { Minimum = Term.Years(30) } } } },
        };
        Assert.Equal(RetentionRules.Standard, rules.Of("demo", "chat"));
        Assert.Equal(new(Term.Years(10), Term.Years(20)), rules.Of("demo", "advice"));
        Assert.Equal(new(Term.Years(6), null), rules.Of("north", "chat"));
        Assert.Equal(new(Term.Years(30), null), rules.Of("north", "advice"));
        Assert.Equal(Term.Years(7), rules.ShortestMaximum("demo"));
        Assert.Null(rules.ShortestMaximum("north"));
    }

    private async Task Say(string name, string customer, string channel = "chat", int days = 0)
    {
        var (key, shift) = (Samples.Key(name), TimeSpan.FromDays(days));
        var opened = Samples.Opened(key) with { Customer = customer, Channel = channel, Time = Samples.Start + shift };
        await _record.CreateConversationAsync(opened);
        var epoch = (await _record.TakeOverAsync(key))!.Epoch;
        await _record.AppendAsync(Samples.Turn(key, 1, epoch) with { Time = Samples.Start + shift, Deadline = Samples.Start + shift + TimeSpan.FromMinutes(1) }, Samples.Prompt);
        await _record.AppendAsync(Samples.Closed(key, 1, epoch, 0) with { Time = Samples.Start + shift, Answer = "" });
    }

    private async Task<IReadOnlyList<string>> Erased() =>
        [.. (await _record.ListConversationsAsync("demo", 100)).Items.Where(one => one.IsErased).Select(one => one.Key.Conversation).Order(StringComparer.Ordinal)];
}
