using System.Collections.Concurrent;
using R1Grains.Access;
using R1Grains.Conversations;
using R1Grains.Knowledge;
using R1Grains.Ledger;
using R1Grains.Ledger.Retention;

namespace R1Grains.Audit;

/// <summary>Whose words are about to be erased, as this process knows it: nothing more is said of them, and few may read.</summary>
public sealed class Restrictions
{
    private readonly ConcurrentDictionary<(string Tenant, string Id), IReadOnlyList<string>> _known = [];

    /// <summary>What is restricted, by which erasures.</summary>
    private readonly ConcurrentDictionary<string, int> _restricted = [];

    /// <summary>Of which tenants any erasure is under way.</summary>
    public IReadOnlyCollection<string> Tenants => [.. _known.Keys.Select(known => known.Tenant).Distinct()];

    /// <summary>Of what is erased nothing is left to withhold, also while this process has not heard that the erasure is over.</summary>
    public bool Covers(Conversation conversation) =>
        !conversation.IsErased && (Covers(conversation.Key, conversation.Subject) || Covers(conversation.Key.Tenant, conversation.Subjects));

    /// <inheritdoc cref="Covers(Conversation)"/>
    public bool Covers(ClosedTurn turn) => !turn.IsErased && (Covers(turn.Opened.Key, turn.Subject) || Covers(turn.Opened.Key.Tenant, turn.Subjects));

    /// <param name="subject">Of the conversation's key.</param>
    private bool Covers(ConversationKey key, Digest subject) =>
        !_restricted.IsEmpty && (_restricted.ContainsKey($"{key.Tenant}/{subject}") || _restricted.ContainsKey(Named(key.Tenant, key.Conversation)));

    /// <summary>Of somebody who begins a conversation.</summary>
    public bool Covers(string tenant, IEnumerable<Digest> subjects) => !_restricted.IsEmpty && subjects.Any(subject => _restricted.ContainsKey($"{tenant}/{subject}"));

    /// <summary>Passes who may read what is restricted, and everybody where nothing is.</summary>
    /// <exception cref="RefusedException"/>
    public void Require(Caller caller, Conversation conversation)
    {
        if (Covers(conversation) && !caller.May(Permission.ReadRestricted))
            throw Refuse.Restricted(conversation.Key);
    }

    internal void Take(string tenant, string id, Erasure? erasure)
    {
        IReadOnlyList<string> parts = erasure is not { Origin: ErasureOrigin.Request } ? []
            : erasure.Extent.Conversation is { } name ? [Named(tenant, name)]
            : [.. erasure.Extent.Subjects.Select(subject => $"{tenant}/{subject}")];
        // Before what it restricted until now is let go: nobody passes between.
        foreach (var part in parts)
            _restricted.AddOrUpdate(part, 1, (_, count) => count + 1);
        if (_known.TryRemove((tenant, id), out var before))
        {
            foreach (var part in before)
                if (_restricted.AddOrUpdate(part, 0, (_, count) => count - 1) <= 0)
                    _restricted.TryRemove(new(part, 0));
        }
        if (erasure is not null)
            _known[(tenant, id)] = parts;
    }

    private static string Named(string tenant, string conversation) => $"{tenant}/conversations/{conversation}";
}

/// <summary>The process serves nobody before it knows who is restricted.</summary>
internal sealed class RestrictionFeed(IRegistry registry, Restrictions restrictions) : RegistryFollower(registry, Erasure.Kind)
{
    protected override Task Take(Document document)
    {
        restrictions.Take(document.Key.Tenant, document.Key.Id, Erasure.Of(document));
        return Task.CompletedTask;
    }
}
