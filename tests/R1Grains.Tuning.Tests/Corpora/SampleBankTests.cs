using System.Text.RegularExpressions;
using R1Grains.Tuning.Corpora;

namespace R1Grains.Tuning.Tests.Corpora;

/// <summary>The files of the demonstration tenant and the training that knows them do not drift apart.</summary>
public sealed class SampleBankTests
{
    private static readonly string Folder = Path.Combine(Root(), "deploy", "tenants", "demo");

    [Fact]
    public void The_policy_file_holds_the_prompt_training_uses() => Assert.Equal(DialogueGenerator.Policy, Body("policy.md"));

    [Fact]
    public void The_fact_sheet_has_each_product_in_both_languages()
    {
        Assert.Equal(SampleBank.Zh.Zip(SampleBank.En).SelectMany(p => new[] { p.First, p.Second }), Sheet().Select(p => p.Product));
    }

    [Fact]
    public void Every_fact_is_of_a_known_wording_with_a_figure_and_both_languages_have_as_many()
    {
        foreach (var (product, paragraph) in Sheet())
        {
            var zh = SampleBank.Zh.Contains(product);
            var facts = paragraph.Split(zh ? "。" : ". ", StringSplitOptions.RemoveEmptyEntries);
            Assert.InRange(facts.Length, 6, 8);
            Assert.Contains(product, facts[0]);
            var wordings = (zh ? Attributes.Zh.Concat(Attributes.ZhPlain) : Attributes.En.Concat(Attributes.EnPlain)).SelectMany(a => a.Wordings).ToList();
            Assert.All(facts, f => Assert.Contains(wordings, w => f.Contains(w, StringComparison.Ordinal)));
            Assert.All(facts, f => Assert.NotEmpty(Figures.In(f)));
        }

        var counts = Sheet().Select(p => p.Paragraph.Split(["。", ". "], StringSplitOptions.RemoveEmptyEntries).Length).Chunk(2);
        Assert.All(counts, c => Assert.Equal(c[0], c[1]));
    }

    private static IEnumerable<(string Product, string Paragraph)> Sheet() =>
        Regex.Split(Body("facts.md"), "^## ", RegexOptions.Multiline).Skip(1).Select(s => s.Split('\n', 2)).Select(s => (s[0].Trim(), s[1].Trim()));

    private static string Body(string file)
    {
        var text = File.ReadAllText(Path.Combine(Folder, file));
        Assert.StartsWith("---\nversion: 1\n---\n", text);
        return text.Split("---\n", 3)[2].Trim();
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "R1Grains.sln"))) folder = folder.Parent ?? throw new InvalidOperationException($"No R1Grains.sln above {AppContext.BaseDirectory}.");
        return folder.FullName;
    }
}
