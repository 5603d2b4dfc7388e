using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Retention;

/// <summary>
/// What must not be erased, tenant by tenant. Placing a hold and beginning to destroy a key both raise the version of one
/// document, the guard: of the two that come at once one sees the other.
/// </summary>
public sealed class LegalHolds(IRegistry registry, TimeProvider time)
{
    private const string Guard = "legal-hold-guard";

    /// <summary>A record has a bound, and the hold's document, to which it commits, has all of them.</summary>
    private const int NamedMax = 100;

    /// <summary>What is being destroyed already cannot be kept any more, but everything else is, from now on.</summary>
    /// <param name="id">A name that nothing else was placed by. The same hold again is answered with the one that is there.</param>
    /// <exception cref="HoldRefusedException"/>
    /// <exception cref="RecordUnavailableException"/>
    public async Task<LegalHold> PlaceAsync(string tenant, string id, Extent extent, string by, string why, CancellationToken cancellation = default)
    {
        while (true)
        {
            if (await FindAsync(tenant, id, cancellation) is { } earlier)
                return (earlier.Extent, earlier.PlacedBy, earlier.Why) == (extent, by, why) ? earlier : throw new HoldRefusedException(HoldRefusal.Exists, $"hold '{id}' is another one already");
            var guard = await GuardAsync(tenant, cancellation);
            var late = await ListDestroyingAsync(tenant, extent, cancellation);
            // Of a single conversation nothing else is left; a customer and a tenant may say more.
            if (extent.Conversation is not null && late.Count > 0)
                throw new HoldRefusedException(HoldRefusal.TooLate, $"{late[0]} destroys its key already");
            var hold = new LegalHold(tenant, id, extent, why, by, Now) { TooLateFor = late };
            try
            {
                await registry.ChangeAsync(Record("legal-hold.place", hold, by, hold.PlacedAt, why), [new(LegalHold.Kind, id, 0, hold.Encode()), guard], cancellation);
                return hold;
            }
            catch (DocumentConflictException)
            {
                // Somebody else placed one, or began to erase, meanwhile.
            }
        }
    }

    /// <summary>The same release again is answered with the first.</summary>
    /// <exception cref="HoldRefusedException"/>
    /// <exception cref="RecordUnavailableException"/>
    public async Task<LegalHold> ReleaseAsync(string tenant, string id, string by, string why, CancellationToken cancellation = default)
    {
        while (true)
        {
            if (await registry.FindAsync(new(tenant, LegalHold.Kind, id), cancellation) is not { } document)
            {
                return await FindAsync(tenant, id, cancellation) is { Release: { } release } known && release.By == by
                    ? known
                    : throw new HoldRefusedException(HoldRefusal.NotFound, $"no hold '{id}' is in force");
            }
            var released = LegalHold.Decode(document) with { Release = new(by, Now, why) };
            try
            {
                await registry.ChangeAsync(
                    Record("legal-hold.release", released, by, released.Release.At, why),
                    [new(LegalHold.Kind, id, document.Version, null), new(LegalHold.Released, id, 0, released.Encode())], cancellation);
                return released;
            }
            catch (DocumentConflictException)
            {
                // Somebody else released it.
            }
        }
    }

    /// <summary>Also one that was released; null where there never was one.</summary>
    public async Task<LegalHold?> FindAsync(string tenant, string id, CancellationToken cancellation = default) =>
        (await registry.FindAsync(new(tenant, LegalHold.Kind, id), cancellation) ?? await registry.FindAsync(new(tenant, LegalHold.Released, id), cancellation)) is { } document
            ? LegalHold.Decode(document)
            : null;

    /// <summary>In the order of their ids.</summary>
    /// <param name="released">Instead of those in force.</param>
    /// <param name="after">Null for the first page, else the id of the last one of the page before.</param>
    public async Task<IReadOnlyList<LegalHold>> ListAsync(string tenant, bool released, int count, string? after = null, CancellationToken cancellation = default) =>
        [.. (await registry.ListAsync(tenant, released ? LegalHold.Released : LegalHold.Kind, count, after, cancellation)).Select(LegalHold.Decode)];

    /// <summary>All that are in force, and the change to be made together with whatever none of them must forbid.</summary>
    internal async Task<(IReadOnlyList<LegalHold> Holds, DocumentChange Guard)> InForceAsync(string tenant, CancellationToken cancellation)
    {
        // The guard first: a hold that is placed meanwhile is either seen or has raised it.
        var guard = await GuardAsync(tenant, cancellation);
        return (await registry.AllAsync(tenant, LegalHold.Kind, LegalHold.Decode, cancellation), guard);
    }

    /// <summary>As it is kept.</summary>
    private DateTimeOffset Now => Microseconds.ToTime(Microseconds.Of(time.GetUtcNow()));

    private async Task<DocumentChange> GuardAsync(string tenant, CancellationToken cancellation) =>
        new(Guard, Guard, (await registry.FindAsync(new(tenant, Guard, Guard), cancellation))?.Version ?? 0, [1]);

    /// <summary>Names of those that destroy keys of what the extent covers.</summary>
    private async Task<IReadOnlyList<string>> ListDestroyingAsync(string tenant, Extent extent, CancellationToken cancellation) =>
        [.. (await registry.AllAsync(tenant, Erasure.Kind, Erasure.Decode, cancellation))
            .Where(erasure => erasure.State is ErasureState.Destroying && erasure.Parts.Any(part => extent.Covers(part.Conversation, part.Key.Subject)))
            .Select(erasure => erasure.Name)];

    private static AdministrativeRecord Record(string action, LegalHold hold, string by, DateTimeOffset at, string why) => new()
    {
        Tenant = hold.Tenant,
        Time = at,
        Actor = by,
        Action = action,
        Resource = hold.Extent.Resource(hold.Tenant),
        Purpose = why,
        Details = [new("hold", hold.Name), .. hold.TooLateFor.Take(NamedMax).Select(erasure => new Label("too-late-for", erasure))],
    };
}

public enum HoldRefusal
{
    NotFound,

    /// <summary>Its id is another hold's.</summary>
    Exists,

    /// <summary>All that it would keep is being erased, and partly is.</summary>
    TooLate,
}

public sealed class HoldRefusedException(HoldRefusal refusal, string message) : Exception(message)
{
    public HoldRefusal Refusal { get; } = refusal;
}
