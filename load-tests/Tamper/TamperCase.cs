namespace R1Grains.LoadTests.Tamper;

/// <summary>Something that is done to a record behind its back.</summary>
/// <param name="Mechanism">Of what kind it is.</param>
/// <param name="What">To what it is done.</param>
/// <param name="Named">Stands in what is found, so that it says where.</param>
/// <param name="Act">Does it. What it gives back was found by whoever was offered it; null for nothing.</param>
internal sealed record TamperCase(string Mechanism, string What, string Named, Func<TamperedRecord, Task<string?>> Act)
{
    /// <summary>Only where it can be done; null for everywhere.</summary>
    public string? Store { get; init; }

    public static TamperCase Sql(string mechanism, string what, string named, Func<TamperedStore, string> sql) => new(mechanism, what, named, async record =>
    {
        await record.Store.ExecuteAsync(sql(record.Store));
        return null;
    });

    public static TamperCase Sql(string mechanism, string what, string named, string sql) => Sql(mechanism, what, named, _ => sql);
}
