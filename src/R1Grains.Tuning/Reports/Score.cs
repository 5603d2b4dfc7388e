using R1Grains.Tuning.Evaluation;

namespace R1Grains.Tuning.Reports;

/// <summary>What one group of held-out questions came to.</summary>
/// <param name="Low">Lower end of Wilson's 95 % interval of the share.</param>
/// <param name="Floor">A model that ships reaches at least this share; 0 where none is set.</param>
/// <param name="Aim">The share that is wished for.</param>
public sealed record Score(string Group, string Language, int Right, int Items, double Low, double High, double Floor, double Aim)
{
    private const double Z95 = 1.959964;

    public double Share => (double)Right / Items;

    public static IReadOnlyList<Score> Of(IEnumerable<(EvaluationItem Item, bool Right)> answers) =>
    [
        .. answers.GroupBy(a => (a.Item.Group, a.Item.Language)).Select(g =>
        {
            var (right, items) = (g.Count(a => a.Right), g.Count());
            var (low, high) = Wilson(right, items);
            var (floor, aim) = g.Key.Group switch { "plain" => (0.85, 0.92), "distractor" => (0.65, 0.80), "missing" => (0.80, 0.90), _ => (0.0, 0.0) };
            return new Score(g.Key.Group, g.Key.Language, right, items, low, high, floor, aim);
        }),
    ];

    internal static (double Low, double High) Wilson(int right, int items)
    {
        var p = (double)right / items;
        var centre = (p + Z95 * Z95 / (2 * items)) / (1 + Z95 * Z95 / items);
        var half = Z95 / (1 + Z95 * Z95 / items) * Math.Sqrt(p * (1 - p) / items + Z95 * Z95 / (4.0 * items * items));
        return (centre - half, centre + half);
    }
}
