using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Text;
using R1Grains.Compliance;
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

public sealed record Tenant(string Name, Policy Policy, FactSheet Facts, Disclosure Disclosure)
{
    /// <summary>The policy as the model gets it, with its canary.</summary>
    public string Prompt { get; } = Canary.Of(Name, Policy.Hash).Mark(Policy.Text);
}

/// <summary>
/// The tenants served here: a folder each, with <c>policy.md</c>, <c>facts.md</c> and maybe <c>lexicon.txt</c> and
/// <c>tenant.json</c>, read once at the start, and those that operators set meanwhile, which go before a folder of the same name.
/// </summary>
public sealed class Tenants
{
    /// <summary>A question in few words.</summary>
    private const int InputTokensMin = 64;

    private readonly string _folder;
    private readonly FrozenDictionary<string, Tenant> _tenants;
    private readonly ConcurrentDictionary<string, Tenant> _set = [];

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
            RequireRoom(tenant, Path.Combine(_folder, tenant.Name, Policy.FileName), model);
    }

    public Tenant? Find(string name) => _set.GetValueOrDefault(name) ?? _tenants.GetValueOrDefault(name);

    /// <summary>From now on, in conversations that begin to be held.</summary>
    /// <param name="words">What it adds to the list that ships, in the place of what its folder adds.</param>
    /// <exception cref="LexiconException">Together with its edition they do not fit into one: everything stays as it was.</exception>
    internal void Serve(Tenant tenant, IReadOnlyList<LexiconEntry> words)
    {
        Lexicons.Set(tenant.Name, words);
        _set[tenant.Name] = tenant;
    }

    public void Forget(string name)
    {
        if (_set.TryRemove(name, out _)) Lexicons.Unset(name);
    }

    /// <exception cref="StartFailure">Something of it cannot be read, or the policy leaves no room.</exception>
    internal static (Tenant Tenant, IReadOnlyList<LexiconEntry> Words) Read(string name, TenantDefinition definition, Model model)
    {
        var policy = TenantFile.Parse("the policy", Encoding.UTF8.GetBytes(definition.Policy));
        var tenant = new Tenant(
            name,
            new(policy.Version, policy.Hash, policy.Body),
            new(TenantFile.Parse("the facts", Encoding.UTF8.GetBytes(definition.Facts))),
            definition.Disclosure.Checked("ai_disclosure"));
        RequireRoom(tenant, "the policy", model);
        return (tenant, TenantLexicons.Parse(name, definition.Lexicon, "the lexicon"));
    }

    private static void RequireRoom(Tenant tenant, string place, Model model)
    {
        var window = new ContextWindow(model.Template, model.ContextLength, tenant.Prompt);
        var most = window.Size - window.Reserve - InputTokensMin;
        if (window.PolicyTokens > most)
            throw new StartFailure($"{place} takes {window.PolicyTokens} tokens, and in the {window.Size} of {model.Name} at most {most} fit beside question and answer: shorten it, or serve a model with a longer context.");
    }

    /// <summary>What customers and the model must not say; also of a tenant that is not served any more, whose open turns are brought to their end.</summary>
    public TenantLexicons Lexicons { get; } = new();

    private Tenant Read(string folder)
    {
        var (name, policy) = (Path.GetFileName(folder), TenantFile.Read(Path.Combine(folder, Policy.FileName)));
        Lexicons.Read(name, folder);
        return new(name, new(policy.Version, policy.Hash, policy.Body), new(TenantFile.Read(Path.Combine(folder, FactSheet.FileName))), TenantSettings.Read(folder));
    }
}
