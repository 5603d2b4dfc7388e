using R1Grains.Conversations;
using R1Grains.Ledger;

namespace R1Grains.Compliance;

/// <summary>The turns that wait for a person, tenant by tenant. That one waits, and what is decided, stands in the tenant's administrative record.</summary>
public sealed class HeldTurns(IRegistry registry)
{
    /// <summary>In administrative records: the guardrail itself.</summary>
    private const string Actor = "guardrail";

    /// <summary>Documents of a page.</summary>
    private const int UntoldMax = 1_000;

    /// <summary>Again changes nothing.</summary>
    /// <exception cref="RecordUnavailableException"/>
    internal async Task Hold(TurnOpened opened, HitPlace place, IReadOnlyList<LexiconHit> hits, DateTimeOffset now)
    {
        if (await Read(opened.Key, opened.Turn) is not null) return;
        IReadOnlyList<string> categories = [.. hits.Where(hit => hit.Place == place && hit.Action is HitAction.Review).Select(hit => hit.Category).Distinct().Order(StringComparer.Ordinal)];
        var held = new HeldTurn(opened.Key, opened.Turn, place, categories, now);
        try
        {
            await registry.ChangeAsync(Record("turn.hold", held, Actor, now, ""), [new(HeldTurn.Waiting, held.Id, 0, held.Write())]);
        }
        catch (DocumentConflictException)
        {
            // An earlier activation of the conversation was faster.
        }
    }

    /// <summary>In the order of their names.</summary>
    /// <param name="decided">Instead of those that wait.</param>
    /// <param name="after">Null for the first page, else what came with the page before.</param>
    public async Task<(IReadOnlyList<HeldTurn> Turns, string? Next)> List(string tenant, bool decided, int count, string? after)
    {
        var page = await registry.ListAsync(tenant, decided ? HeldTurn.Decided : HeldTurn.Waiting, count, after);
        return ([.. page.Select(HeldTurn.Of)], page.Count == count ? page[^1].Key.Id : null);
    }

    /// <summary>Whether any turn of the conversation waits, or was decided and its customer does not know yet.</summary>
    /// <exception cref="RecordUnavailableException"/>
    public async Task<bool> Waits(ConversationKey key) => await HasAny(HeldTurn.Waiting, key) || await HasAny(HeldTurn.Untold, key);

    /// <summary>What was decided in any tenant and not told yet, in the order of the decisions.</summary>
    /// <param name="after">0 at first, else what came with the page before.</param>
    /// <returns>The decisions, and after what there may be more; null after the last page.</returns>
    /// <exception cref="RecordUnavailableException"/>
    public async Task<(IReadOnlyList<HeldTurn> Turns, long? Next)> ListUntold(long after)
    {
        var page = await registry.ListChangedAsync([HeldTurn.Untold], after, UntoldMax);
        return ([.. page.Where(document => document.Content is not null).Select(HeldTurn.Of)], page.Count == 0 ? null : page[^1].Change);
    }

    /// <summary>The conversation has a turn that tells the decision, or can have none any more. Again changes nothing.</summary>
    /// <exception cref="RecordUnavailableException"/>
    public async Task Told(HeldTurn decided, DateTimeOffset now)
    {
        if (await registry.FindAsync(new(decided.Key.Tenant, HeldTurn.Untold, decided.Id)) is not { } untold) return;
        try
        {
            await registry.ChangeAsync(Record("turn.tell", decided, Actor, now, ""), [new(HeldTurn.Untold, decided.Id, untold.Version, null)]);
        }
        catch (DocumentConflictException)
        {
            // Two have told it, and both the same.
        }
    }

    /// <exception cref="RefusedException"/>
    public async Task<HeldTurn> Find(ConversationKey key, int turn) => (await Read(key, turn))?.Held ?? throw Refuse.NotHeld(key, turn);

    /// <summary>The first decision is the decision; the same one again changes nothing.</summary>
    /// <exception cref="RefusedException"/>
    public async Task<HeldTurn> Decide(ConversationKey key, Review review, string subject, string purpose, DateTimeOffset now)
    {
        while (true)
        {
            if (await Read(key, review.Turn) is not var (held, version)) throw Refuse.NotHeld(key, review.Turn);
            if (held.Decision is { } decision)
                // Whoever asks for the same again brings it to the customer, where nobody has yet.
                return decision.Review == review
                    ? held
                    : throw new RefusedException(new(Reason.HeldTurnDecided, $"{held.Name} was {(decision.Review.Releases ? "released" : "discarded")} by {Refuse.Quote(decision.Decider)}"));
            held = held with { Decision = new(review, subject, now, purpose) };
            try
            {
                await registry.ChangeAsync(
                    Record(review.Releases ? "turn.release" : "turn.discard", held, subject, now, purpose),
                    [new(HeldTurn.Waiting, held.Id, version, null), new(HeldTurn.Decided, held.Id, 0, held.Write()), new(HeldTurn.Untold, held.Id, 0, held.Write())]);
                return held;
            }
            catch (DocumentConflictException)
            {
                // Somebody else was faster.
            }
        }
    }

    private async Task<bool> HasAny(string kind, ConversationKey key) =>
        await registry.ListAsync(key.Tenant, kind, 1, $"{key.Conversation}/") is [var next] && next.Key.Id.StartsWith($"{key.Conversation}/", StringComparison.Ordinal);

    private async Task<(HeldTurn Held, long Version)?> Read(ConversationKey key, int turn)
    {
        var id = HeldTurn.IdOf(key.Conversation, turn);
        var document = await registry.FindAsync(new(key.Tenant, HeldTurn.Waiting, id)) ?? await registry.FindAsync(new(key.Tenant, HeldTurn.Decided, id));
        return document is null ? null : (HeldTurn.Of(document), document.Version);
    }

    private static AdministrativeRecord Record(string action, HeldTurn held, string actor, DateTimeOffset now, string purpose) => new()
    {
        Tenant = held.Key.Tenant,
        Time = now,
        Actor = actor,
        Action = action,
        Resource = held.Name,
        Purpose = purpose,
        Details = [new("place", $"{held.Place}"), new("categories", string.Join(' ', held.Categories))],
    };
}
