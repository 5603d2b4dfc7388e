namespace R1Grains.Cli;

/// <summary>Full resource names from what people type.</summary>
internal static class Names
{
    /// <param name="typed">An id or a full name.</param>
    public static string Conversation(string tenant, string typed) =>
        typed.StartsWith("tenants/", StringComparison.Ordinal) ? typed : $"tenants/{tenant}/conversations/{typed}";

    /// <param name="typed">conversation/turns/number, or a full name.</param>
    public static string Turn(string tenant, string typed) => Conversation(tenant, typed);

    /// <summary>What stands after the last slash: the id, or a turn's number.</summary>
    public static string Id(string name) => name[(name.LastIndexOf('/') + 1)..];
}
