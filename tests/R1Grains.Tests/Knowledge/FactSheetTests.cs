using R1Grains.Knowledge;
using R1Grains.Operations;

namespace R1Grains.Tests.Knowledge;

public sealed class FactSheetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_question_gets_the_whole_paragraph_of_the_product_it_names() =>
        Assert.Equal(["青穗信用卡的年费为180元。信用额度为5万元。"], Texts(Read().Facts.Find("请问青穗信用卡的年费是多少？", [])));

    [Fact]
    public void Names_are_found_in_any_case_and_in_the_order_of_the_question() =>
        Assert.Equal(
            ["The fee of the Ferry Debit Card is 3 yuan.\nIt is blue.", "青穗信用卡的年费为180元。信用额度为5万元。"],
            Texts(Read().Facts.Find("ferry debit card or 青穗信用卡?", [])));

    [Fact]
    public void What_a_document_hides_from_its_readers_is_in_no_passage()
    {
        File.WriteAllText(Path.Combine(_folder.Path, "facts.md"), "---\nversion: 1\n---\n## Fer\u200bry Card\nThe fee\u2066 is 3\U000E0067\U000E006F yuan.\n");
        Assert.Equal(["The fee is 3 yuan."], Texts(new FactSheet(TenantFile.Read(Path.Combine(_folder.Path, "facts.md"))).Find("Ferry Card?", [])));
    }

    [Fact]
    public void A_question_without_a_name_falls_back_on_the_latest_that_has_one() =>
        Assert.Equal(["青穗信用卡的年费为180元。信用额度为5万元。"], Texts(Read().Facts.Find("额度呢？", ["谢谢", "青穗信用卡年费？", "Ferry Debit Card?"])));

    [Theory]
    [InlineData("And the fee?", 1)]
    [InlineData("那额度呢？", 1)]
    [InlineData("I lost my card, and the phone too.", 0)]
    [InlineData("我的卡丢了怎么办？", 0)]
    public void A_question_about_something_else_gets_no_passage_of_an_earlier_product(string question, int found) =>
        Assert.Equal(found, Read().Facts.Find(question, ["Ferry Debit Card or 青穗信用卡?"]).Count);

    [Fact]
    public void Nothing_is_found_for_what_nobody_names() => Assert.Empty(Read().Facts.Find("如何挂失？", ["你好"]));

    [Fact]
    public void A_passage_tells_its_source_and_the_state_of_the_file()
    {
        var passage = Assert.Single(Read().Facts.Find("青穗信用卡", []));
        Assert.Equal("facts.md#青穗信用卡", passage.Source);
        Assert.Equal(64, passage.Revision.Length);
    }

    [Fact]
    public void The_policy_has_a_version_and_a_text()
    {
        var policy = Read().Policy;
        Assert.Equal(("7", "你是助手。"), (policy.Version, policy.Text));
    }

    [Fact]
    public void The_tenants_that_ship_can_be_read() =>
        Assert.NotEmpty(new Tenants(Path.Combine(AppContext.BaseDirectory, "deploy", "tenants")).Find("demo")!.Facts.Find("青穗信用卡", []));

    [Theory]
    [InlineData("policy.md", "no version here")]
    [InlineData("facts.md", "---\nrevision: 1\n---\n## x\ny")]
    public void A_file_without_its_version_stops_the_start(string file, string text)
    {
        Write();
        var path = Path.Combine(_folder.Path, "demo", file);
        File.WriteAllText(path, text);
        Assert.Contains(path, Assert.Throws<StartFailure>(() => new Tenants(_folder.Path)).Message);
    }

    [Fact]
    public void A_missing_file_stops_the_start()
    {
        Write();
        File.Delete(Path.Combine(_folder.Path, "demo", "facts.md"));
        Assert.Contains("facts.md", Assert.Throws<StartFailure>(() => new Tenants(_folder.Path)).Message);
    }

    [Fact]
    public void A_missing_or_empty_folder_stops_the_start()
    {
        Assert.Throws<StartFailure>(() => new Tenants(Path.Combine(_folder.Path, "none")));
        Assert.Throws<StartFailure>(() => new Tenants(_folder.Path));
    }

    private Tenant Read()
    {
        Write();
        return new Tenants(_folder.Path).Find("demo")!;
    }

    private void Write()
    {
        var demo = Directory.CreateDirectory(Path.Combine(_folder.Path, "demo")).FullName;
        File.WriteAllText(Path.Combine(demo, "policy.md"), "---\nversion: 7\n---\n你是助手。\n");
        File.WriteAllText(Path.Combine(demo, "facts.md"), """
            ---
            version: 1
            ---
            # 资料

            ## 青穗信用卡
            青穗信用卡的年费为180元。信用额度为5万元。

            ## Ferry Debit Card
            The fee of the Ferry Debit Card is 3 yuan.
            It is blue.

            ## Empty

            """);
    }

    private static IEnumerable<string> Texts(IReadOnlyList<R1Grains.Ledger.Passage> passages) => passages.Select(passage => passage.Text);
}
