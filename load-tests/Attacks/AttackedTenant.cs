namespace R1Grains.LoadTests.Attacks;

/// <summary>The shipped tenant, into whose fact sheet attackers have written.</summary>
internal static class AttackedTenant
{
    public const string Name = "demo";

    /// <returns>The folder of tenants.</returns>
    public static string Write(string folder, IEnumerable<Attack> attacks)
    {
        var tenants = Path.Combine(folder, "tenants");
        var tenant = Directory.CreateDirectory(Path.Combine(tenants, Name)).FullName;
        foreach (var file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "deploy", "tenants", Name)))
            File.Copy(file, Path.Combine(tenant, Path.GetFileName(file)));
        File.AppendAllLines(Path.Combine(tenant, "facts.md"), attacks.Where(attack => attack.Passage is not null).Select(attack => $"\n## {attack.Product}\n{attack.Passage}"));
        return tenants;
    }
}
