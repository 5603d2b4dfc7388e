namespace R1Grains.LoadTests.Turns;

/// <param name="Token">A bearer token; null where the server takes its own machine's word.</param>
internal sealed record Tenant(string Name, string? Token)
{
    /// <summary>From NAME or NAME=TOKEN.</summary>
    public static Tenant Parse(string text) => text.Split('=', 2) is [var name, var token] ? new(name, token) : new(text, null);
}
