using System.Text.Json;
using R1Grains.Tuning.Corpora;
using R1Grains.Tuning.Evaluation;

namespace R1Grains.Tuning.Tests.Evaluation;

public sealed class EvaluationSetTests
{
    private static readonly IReadOnlyList<EvaluationItem> Items = EvaluationSet.Build(1);

    [Fact]
    public void Each_group_has_two_hundred_questions_in_each_language_and_the_seed_decides_them()
    {
        foreach (var group in new[] { "plain", "distractor", "missing" })
        {
            foreach (var language in new[] { "zh", "en" }) Assert.Equal(200, Items.Count(i => i.Group == group && i.Language == language));
        }

        Assert.Equal(100, Items.Count(i => i.Group == "smoke"));
        Assert.Equal(JsonSerializer.Serialize(Items), JsonSerializer.Serialize(EvaluationSet.Build(1)));
        Assert.NotEqual(JsonSerializer.Serialize(Items), JsonSerializer.Serialize(EvaluationSet.Build(2)));
    }

    [Fact]
    public void The_reference_answer_is_right_and_every_other_figure_is_wrong()
    {
        foreach (var item in Items.Where(i => i.Group != "smoke"))
        {
            Assert.True(EvaluationSet.Score(item, item.Reference.Text), item.Id);
            foreach (var other in item.Others) Assert.False(EvaluationSet.Score(item, $"{item.Reference.Text} {other}") && !Figures.In(other).All(Figures.In(item.Expected ?? "").Contains), item.Id);
        }
    }

    [Fact]
    public void Distractors_show_the_asked_item_of_another_product()
    {
        Assert.All(Items.Where(i => i.Group == "distractor"), i => Assert.NotEmpty(i.Others));
        Assert.All(Items.Where(i => i.Group == "missing"), i => Assert.Null(i.Expected));
    }

    [Theory]
    [InlineData("680元", "年费是680元。", true)]
    [InlineData("680元", "年费是 680 元。", true)]
    [InlineData("1,250元", "年费是1250元。", true)]
    [InlineData("680元", "年费是1680元。", false)]
    [InlineData("680元", "年费是680。", false)]
    [InlineData("680元", "年费是680元，滞纳金是35元。", false)]
    [InlineData("0.62%", "费率是0.62%。", true)]
    [InlineData("0.62%", "费率是10.62%。", false)]
    [InlineData("0.62%", "费率是0.622%。", false)]
    [InlineData("12", "The number is 12.", true)]
    [InlineData("12", "The number is 12.5.", false)]
    [InlineData("12", "The number is 120.", false)]
    [InlineData("3 to 5 business days", "It is 3 to 5 business days.", true)]
    [InlineData("3 to 5 business days", "It is 3 to 5 days.", false)]
    [InlineData(null, "资料中没有青穗信用卡的年费。", true)]
    [InlineData(null, "资料中没有，大概是680元。", false)]
    [InlineData(null, "年费是680元。", false)]
    [InlineData(null, "The documents do not say what the annual fee is.", true)]
    [InlineData(null, "", false)]
    [InlineData("680元", "", false)]
    public void An_answer_is_right_only_with_the_whole_figure_its_unit_and_no_other(string? expected, string answer, bool right)
    {
        var item = Items[0] with { Expected = expected, Others = ["35元", "0.9%"] };
        Assert.Equal(right, EvaluationSet.Score(item, answer));
    }

    [Fact]
    public void Overlap_is_whole_with_the_items_own_text_and_none_with_an_empty_corpus()
    {
        var own = Items.Select(i => new Dialogue(i.Id, i.Language, i.Group, "", [i.Question]));
        Assert.All(NgramOverlap.Measure(Items, own).Where(o => o.Group == "plain"), o => Assert.True(o.Passages > 0.8));
        Assert.All(NgramOverlap.Measure(Items, []), o => Assert.Equal(0, o.Passages + o.Questions));
    }

    [Fact]
    public void Passages_of_the_evaluation_hardly_overlap_with_training()
    {
        // Chinese: thirteen characters can be a type word, a long wording and a link word, all of which training must know.
        foreach (var overlap in NgramOverlap.Measure(Items, new DialogueGenerator(8).Take(50_000)).Where(o => o.Group != "smoke"))
            Assert.InRange(overlap.Passages, 0, overlap.Language == "zh" ? 0.12 : 0.02);
    }
}
