using System.Text.RegularExpressions;
using R1Grains.Engine.Models;
using R1Grains.Ledger;

namespace R1Grains.Knowledge;

/// <summary>
/// A tenant's products, a heading <c>## name</c> and a paragraph each. It finds a paragraph by the product's name in the
/// question and knows no other way: a stand-in until documents are indexed.
/// </summary>
public sealed partial class FactSheet
{
    public const string FileName = "facts.md";

    private const string Heading = "## ";
    private const int PassagesMax = 4;

    private readonly IReadOnlyList<(string Product, Passage Passage)> _products;

    internal FactSheet(TenantFile file) => _products =
    [
        // A document may hide something from who looks at it, and not from the model.
        .. $"\n{VisibleText.Of(file.Body).Text}".Split("\n" + Heading).Skip(1)
            .Select(section => section.Split('\n', 2))
            .Where(section => section is [_, var text] && text.Trim().Length > 0)
            .Select(section => (section[0].Trim(), section[1].Trim()))
            .Select(section => (section.Item1, new Passage($"{FileName}#{section.Item1}", file.Hash.ToString(), section.Item2))),
    ];

    /// <summary>
    /// The paragraphs of the products that the question names. Where it names none, those of the latest earlier question
    /// that names any, as far as they have a word in common with the question: "and the annual fee?" goes on about the
    /// product, "I lost my wallet" does not.
    /// </summary>
    /// <param name="earlier">The customer's earlier words, latest first.</param>
    public IReadOnlyList<Passage> Find(string question, IEnumerable<string> earlier) =>
        Named(question) is { Count: > 0 } named
            ? [.. named.Select(product => product.Passage)]
            : [.. (earlier.Select(Named).FirstOrDefault(products => products.Count > 0) ?? [])
                .Where(product => Words(question).Overlaps(Words(product.Passage.Text.Replace(product.Product, "", StringComparison.OrdinalIgnoreCase))))
                .Select(product => product.Passage)];

    private List<(string Product, Passage Passage)> Named(string question) =>
    [
        .. _products
            .Select(product => (Product: product, At: question.IndexOf(product.Product, StringComparison.OrdinalIgnoreCase)))
            .Where(found => found.At >= 0)
            .OrderBy(found => found.At)
            .Take(PassagesMax)
            .Select(found => found.Product),
    ];

    /// <summary>Words of a script with spaces, if they are long enough to mean something, and pairs of neighbours in one without.</summary>
    private static HashSet<string> Words(string text) =>
    [
        .. LatinWord().Matches(text).Select(match => match.Value.ToLowerInvariant()),
        .. text.Zip(text.Skip(1)).Where(pair => IsHan(pair.First) && IsHan(pair.Second)).Select(pair => $"{pair.First}{pair.Second}"),
    ];

    private static bool IsHan(char c) => c is >= '\u4E00' and <= '\u9FFF';

    [GeneratedRegex(@"\b(?!(?:the|and|for)\b)[a-z]{3,}", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex LatinWord();
}
