using R1Grains.Compliance;
using R1Grains.Knowledge;
using R1Grains.Operations;
using R1Grains.Tests.Compliance;

namespace R1Grains.Tests.Knowledge;

public sealed class TenantLexiconsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Words_that_are_tried_again_are_not_built_again()
    {
        var lexicons = new TenantLexicons();
        LexiconEntry[] words = [new("golden goose", new("promises", 8, LexiconAction.Replace))];
        var tried = lexicons.With("demo", words);
        Assert.Same(tried, lexicons.With("demo", [.. words]));
        Assert.NotSame(tried, lexicons.With("demo", [.. words, new("silver goose", new("promises", 8, LexiconAction.Replace))]));
        lexicons.Set("demo", [new("acme bank", new("names", 3, LexiconAction.Mask))]);
        Assert.NotSame(tried, lexicons.With("demo", words));
    }

    [Fact]
    public void A_tenant_adds_to_the_list_that_ships_and_others_have_that_alone()
    {
        Write("one", "[names 3 mask both]\nacme bank\n[well-known 1 allow both]\n零风险手册");
        Write("two", null);
        var lexicons = new Tenants(_folder.Path).Lexicons;
        Assert.Equal(["acme bank"], Of(lexicons, "one").Find("acme bank"));
        Assert.Empty(Of(lexicons, "two").Find("acme bank"));
        Assert.Empty(Of(lexicons, "one").Find("零风险手册"));
        Assert.Equal(["零风险"], Of(lexicons, "two").Find("零风险手册"));
        Assert.Equal(Lists.Shipped().Version, Of(lexicons, "two").Version);
        Assert.Same(Of(lexicons, "two"), Of(lexicons, "gone"));
    }

    [Fact]
    public void A_list_that_cannot_be_read_stops_the_start_and_its_line_is_named()
    {
        Write("one", "[names 3 hide both]\nacme bank");
        Assert.Contains("lexicon.txt, line 1: 'hide'", Assert.Throws<StartFailure>(() => new Tenants(_folder.Path)).Message, StringComparison.Ordinal);
        Write("one", "[names 3 mask both]\n!!!");
        Assert.Contains("lexicon.txt: '!!!' cannot be an entry", Assert.Throws<StartFailure>(() => new Tenants(_folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_edition_lies_over_the_folders_list_and_that_over_the_shipped_one()
    {
        Write("one", "[names 3 mask both]\nacme bank\n零风险");
        var lexicons = new Tenants(_folder.Path).Lexicons;
        Assert.Equal(LexiconAction.Mask, Action(Of(lexicons, "one"), "零风险"));
        lexicons.Publish("one", Edition("one", 1, new LexiconEntry("Acme Bank", Lists.Rule(LexiconAction.Block)), new LexiconEntry("零风险", Lists.Rule(LexiconAction.Allow))));
        Assert.Equal(LexiconAction.Block, Action(Of(lexicons, "one"), "acme bank"));
        Assert.Null(Action(Of(lexicons, "one"), "零风险"));
        Assert.Equal(LexiconAction.Replace, Action(Of(lexicons, "one"), "稳赚不赔"));
        Assert.Equal(LexiconAction.Replace, Action(Of(lexicons, "other"), "零风险"));
        lexicons.Publish("one", Edition("one", 2));
        Assert.Equal(LexiconAction.Mask, Action(Of(lexicons, "one"), "acme bank"));
        Assert.Equal(2, lexicons.InForce("one").Edition!.Number);
    }

    [Fact]
    public void Whoever_reads_keeps_the_lexicon_with_which_they_began()
    {
        var lexicons = new TenantLexicons();
        lexicons.Publish("one", Edition("one", 1, new LexiconEntry("旧词", Lists.Rule(LexiconAction.Mask))));
        var running = Of(lexicons, "one").Filter();
        running.Append("旧");
        lexicons.Publish("one", Edition("one", 2, new LexiconEntry("新词", Lists.Rule(LexiconAction.Mask))));
        Assert.Equal("**新词", running.Append("词新词").ToString() + running.End().ToString());
        Assert.Equal(["新词"], Of(lexicons, "one").Find("旧词新词"));
        Assert.NotEqual(running.Lexicon, Of(lexicons, "one").Version);
    }

    [Fact]
    public void Many_tenants_cost_what_is_in_use()
    {
        for (var i = 0; i < 20; i++) Write($"t{i}", $"[names 3 mask both]\nname {i}");
        var lexicons = new TenantLexicons(builtMax: 4);
        for (var i = 0; i < 20; i++) lexicons.Read($"t{i}", Path.Combine(_folder.Path, $"t{i}"));
        Assert.Equal(0, lexicons.Built);
        var first = Of(lexicons, "t0");
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal([$"name {i}"], Of(lexicons, $"t{i}").Find($"name {i}"));
            Assert.Same(first, i < 3 ? Of(lexicons, "t0") : first);
            Assert.InRange(lexicons.Built, 1, 4);
        }
        // It is built again, and is the same.
        Assert.NotSame(first, Of(lexicons, "t0"));
        Assert.Equal(first.Version, Of(lexicons, "t0").Version);
        Assert.Equal(["name 0"], first.Find("name 0"));
    }

    private static Lexicon Of(TenantLexicons lexicons, string tenant) => lexicons.InForce(tenant).Lexicon;

    private static LexiconAction? Action(Lexicon lexicon, string text) =>
        lexicon.Inspect(text, LexiconScope.Output, null, Lists.Today).Hits is [var hit, ..] ? hit.Entry.Rule.Action : null;

    private static Edition Edition(string tenant, int number, params LexiconEntry[] entries) =>
        new(tenant, number, default, entries.Length, "lexicon-1", "anna", "ben", default, entries);

    private void Write(string tenant, string? lexicon)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder.Path, tenant)).FullName;
        File.WriteAllText(Path.Combine(folder, "policy.md"), "---\nversion: 1\n---\nBe brief.");
        File.WriteAllText(Path.Combine(folder, "facts.md"), "---\nversion: 1\n---\n");
        if (lexicon is not null) File.WriteAllText(Path.Combine(folder, "lexicon.txt"), lexicon);
    }
}
