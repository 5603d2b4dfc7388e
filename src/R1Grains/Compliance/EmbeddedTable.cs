namespace R1Grains.Compliance;

internal static class EmbeddedTable
{
    public static IEnumerable<string> Lines(string name)
    {
        using var reader = new StreamReader(typeof(EmbeddedTable).Assembly.GetManifestResourceStream($"R1Grains.Compliance.Tables.{name}")!);
        while (reader.ReadLine() is { } line) yield return line;
    }
}
