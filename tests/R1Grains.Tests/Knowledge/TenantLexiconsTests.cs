using R1Grains.Compliance;
using R1Grains.Knowledge;
using R1Grains.Operations;
using R1Grains.Tests.Compliance;

namespace R1Grains.Tests.Knowledge;

public sealed class TenantLexiconTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_tenant_adds_to_the_list_that_ships_and_others_have_that_alone()
    {
        Write("one", "[names 3 mask both]\nacme bank\n[well-known 1 allow both]\n零风险手册");
        Write("two", null);
        var tenants = new Tenants(_folder.Path);
        Assert.Equal(["acme bank"], tenants.LexiconOf("one").Find("acme bank"));
        Assert.Empty(tenants.LexiconOf("two").Find("acme bank"));
        Assert.Empty(tenants.LexiconOf("one").Find("零风险手册"));
        Assert.Equal(["零风险"], tenants.LexiconOf("two").Find("零风险手册"));
        Assert.Equal(Lists.Shipped().Version, tenants.LexiconOf("two").Version);
        Assert.Same(tenants.LexiconOf("two"), tenants.LexiconOf("gone"));
    }

    [Fact]
    public void A_list_that_cannot_be_read_stops_the_start_and_its_line_is_named()
    {
        Write("one", "[names 3 hide both]\nacme bank");
        Assert.Contains("lexicon.txt, line 1: 'hide'", Assert.Throws<StartFailure>(() => new Tenants(_folder.Path)).Message, StringComparison.Ordinal);
        Write("one", "[names 3 mask both]\n!!!");
        Assert.Contains("lexicon.txt: '!!!' cannot be an entry", Assert.Throws<StartFailure>(() => new Tenants(_folder.Path)).Message, StringComparison.Ordinal);
    }

    private void Write(string tenant, string? lexicon)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder.Path, tenant)).FullName;
        File.WriteAllText(Path.Combine(folder, "policy.md"), "---\nversion: 1\n---\nBe brief.");
        File.WriteAllText(Path.Combine(folder, "facts.md"), "---\nversion: 1\n---\n");
        if (lexicon is not null) File.WriteAllText(Path.Combine(folder, "lexicon.txt"), lexicon);
    }
}
