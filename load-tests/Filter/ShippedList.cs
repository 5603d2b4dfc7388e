using R1Grains.Compliance;

namespace R1Grains.LoadTests.Filter;

/// <summary>The list that comes with the host.</summary>
internal static class ShippedList
{
    public static List<LexiconEntry> Read()
    {
        var path = Path.Combine(AppContext.BaseDirectory, "deploy", "lexicon", "finance.txt");
        using var reader = new StreamReader(path);
        return [.. LexiconFile.Read(reader, path)];
    }
}
