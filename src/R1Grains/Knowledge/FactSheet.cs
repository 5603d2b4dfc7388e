using R1Grains.Ledger;

namespace R1Grains.Knowledge;

/// <summary>
/// A tenant's products, a heading <c>## name</c> and a paragraph each. It finds a paragraph by the product's name in the
/// question and knows no other way: a stand-in until documents are indexed.
/// </summary>
public sealed class FactSheet
{
    public const string FileName = "facts.md";

    private const string Heading = "## ";
    private const int PassagesMax = 4;

    private readonly IReadOnlyList<(string Product, Passage Passage)> _products;

    internal FactSheet(TenantFile file) => _products =
    [
        .. $"\n{file.Body}".Split("\n" + Heading).Skip(1)
            .Select(section => section.Split('\n', 2))
            .Where(section => section is [_, var text] && text.Trim().Length > 0)
            .Select(section => (section[0].Trim(), section[1].Trim()))
            .Select(section => (section.Item1, new Passage($"{FileName}#{section.Item1}", file.Hash.ToString(), section.Item2))),
    ];

    /// <summary>
    /// The paragraphs of the products that the question names, or, where it names none, the latest of the earlier
    /// questions that names any.
    /// </summary>
    /// <param name="earlier">The customer's earlier words, latest first.</param>
    public IReadOnlyList<Passage> Find(string question, IEnumerable<string> earlier) =>
        earlier.Prepend(question).Select(Named).FirstOrDefault(passages => passages.Count > 0) ?? [];

    private List<Passage> Named(string question) =>
    [
        .. _products
            .Select(product => (product.Passage, At: question.IndexOf(product.Product, StringComparison.OrdinalIgnoreCase)))
            .Where(found => found.At >= 0)
            .OrderBy(found => found.At)
            .Take(PassagesMax)
            .Select(found => found.Passage),
    ];
}
