using System.Collections.Frozen;
using R1Grains.Conversations;
using R1Grains.Engine;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Knowledge;

/// <param name="Hash">SHA-256 over the file that holds it.</param>
public sealed record Policy(string Version, Digest Hash, string Text)
{
    public const string FileName = "policy.md";
}

public sealed record Tenant(string Name, Policy Policy, FactSheet Facts);

/// <summary>The tenants served here: a folder each, with <c>policy.md</c>, <c>facts.md</c> and maybe <c>lexicon.txt</c>, read once at the start.</summary>
public sealed class Tenants
{
    /// <summary>A question in few words.</summary>
    private const int InputTokensMin = 64;

    private readonly string _folder;
    private readonly FrozenDictionary<string, Tenant> _tenants;

    /// <exception cref="StartFailure">The folder or one of its files cannot be used.</exception>
    public Tenants(string folder)
    {
        if (!Directory.Exists(folder))
            throw new StartFailure($"The tenants' folder {folder} does not exist: R1__Tenants must name a folder that has a folder per tenant.");
        _folder = folder;
        _tenants = Directory.GetDirectories(folder).Select(Read).ToFrozenDictionary(tenant => tenant.Name);
        if (_tenants.Count == 0)
            throw new StartFailure($"The tenants' folder {folder} has no folder in it: make one per tenant, with {Policy.FileName} and {FactSheet.FileName}.");
    }

    /// <exception cref="StartFailure">A policy leaves no room for the customer's words in the model's window.</exception>
    public void RequireRoom(Model model)
    {
        foreach (var tenant in _tenants.Values)
        {
            var window = new ContextWindow(model.Template, model.ContextLength, tenant.Policy.Text);
            var most = window.Size - window.Reserve - InputTokensMin;
            if (window.PolicyTokens > most)
                throw new StartFailure($"{Path.Combine(_folder, tenant.Name, Policy.FileName)} takes {window.PolicyTokens} tokens, and in the {window.Size} of {model.Name} at most {most} fit beside question and answer: shorten it, or serve a model with a longer context.");
        }
    }

    public Tenant? Find(string name) => _tenants.GetValueOrDefault(name);

    /// <summary>What customers and the model must not say; also of a tenant that is not served any more, whose open turns are brought to their end.</summary>
    public TenantLexicons Lexicons { get; } = new();

    private Tenant Read(string folder)
    {
        var (name, policy) = (Path.GetFileName(folder), TenantFile.Read(Path.Combine(folder, Policy.FileName)));
        Lexicons.Read(name, folder);
        return new(name, new(policy.Version, policy.Hash, policy.Body), new(TenantFile.Read(Path.Combine(folder, FactSheet.FileName))));
    }
}
