using System.Globalization;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Retention;

/// <summary>
/// Does what was agreed to, one step after the other. Each step is written down before the next begins and may be done twice,
/// so whoever comes after a crash goes on where it stopped. One process at a time does it well; two do no harm.
/// </summary>
/// <param name="stop">Ends what runs in these conversations of the tenant, and lets go of what is held of them in memory.</param>
/// <param name="forget">Lets go of whatever else is held of the tenant's words.</param>
public sealed class ErasureWork(
    StoredRecord record,
    KeyRing keys,
    Erasures erasures,
    TimeProvider time,
    Func<string, IReadOnlyList<string>, CancellationToken, Task> stop,
    Func<string, CancellationToken, Task> forget)
{
    /// <summary>Until then every process knows that nothing more may be said.</summary>
    private static readonly TimeSpan Noticed = 2 * RegistryFeed.Interval + TimeSpan.FromSeconds(1);

    /// <summary>Whatever still runs after so long is dead, and ends with its key.</summary>
    private static readonly TimeSpan EndMax = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    /// <summary>The index has caught up with what was closed long before; an erasure that it keeps waiting goes on in the next round.</summary>
    private const int LooksMax = 50;

    /// <summary>In administrative records: the work itself, which nobody does by hand.</summary>
    private const string Actor = "erasure";

    /// <summary>Goes on with all of the tenant that are under way, each as far as it can, also when another fails.</summary>
    /// <returns>How many are done.</returns>
    /// <exception cref="RecordUnavailableException">To be called again.</exception>
    public async Task<int> AdvanceAsync(string tenant, CancellationToken cancellation = default)
    {
        var (done, failures) = (0, new List<Exception>());
        foreach (var erasure in await record.Registry.AllAsync(tenant, Erasure.Kind, Erasure.Decode, cancellation))
        {
            try
            {
                done += await AdvanceAsync(erasure, cancellation) ? 1 : 0;
            }
            catch (DocumentConflictException)
            {
                // Another process goes on with it, or a hold came between.
            }
            catch (Exception failure) when (failure is not (RecordUnavailableException or OperationCanceledException))
            {
                failures.Add(failure);
            }
        }
        return failures.Count == 0 ? done : throw new AggregateException(failures);
    }

    /// <summary>Writes down what is past its time, and nothing keeps, as an erasure that destroys it.</summary>
    internal Task<Erasure> BeginAsync(Erasure erasure, DocumentChange guard, CancellationToken cancellation) => KeepAsync(erasure, "retention.begin", [guard], cancellation);

    private async Task<bool> AdvanceAsync(Erasure erasure, CancellationToken cancellation)
    {
        if (erasure.State is ErasureState.Restricted)
        {
            if (await TryDecideAsync(erasure, cancellation) is not { } decided)
                return false;
            erasure = decided;
        }
        await keys.DestroyAsync(erasure.Tenant, erasure.Keys, cancellation);
        // Until then another process opens a conversation with the key that it has; it lets go of it with all others.
        await keys.NoticedAsync(cancellation);
        var conversations = erasure.Parts.Select(part => part.Conversation).Distinct().ToList();
        await stop(erasure.Tenant, conversations, cancellation);
        for (var looks = 1; !await record.Index.EraseAsync(erasure.Tenant, conversations, cancellation); looks++)
        {
            if (looks == LooksMax)
                throw new TimeoutException($"{erasure.Name}: its keys are destroyed, but the search index of {erasure.Tenant} is behind and may hold hashes of its words; it is certified when the index has caught up: if it does not, have it built anew (r1 tenants reindex)");
            await Task.Delay(Look, time, cancellation);
        }
        await forget(erasure.Tenant, cancellation);
        await CertifyAsync(erasure, cancellation);
        return true;
    }

    /// <summary>Past this there is no way back.</summary>
    /// <returns>Null where it has to wait.</returns>
    private async Task<Erasure?> TryDecideAsync(Erasure erasure, CancellationToken cancellation)
    {
        var (obstacle, conversations, guard) = await erasures.LookAsync(erasure.Tenant, erasure.Extent, cancellation);
        var age = time.GetUtcNow() - erasure.Approved;
        if (obstacle is null || age < EndMax)
            await stop(erasure.Tenant, [.. conversations.Where(conversation => !conversation.IsErased).Select(conversation => conversation.Key.Conversation)], cancellation);
        if (obstacle is not null)
            return null;
        // However old it is by the clock of who approved it.
        await Task.Delay(Noticed, time, cancellation);
        // What was said until then ended in the record: nothing can be closed without its key.
        (obstacle, conversations, guard) = await erasures.LookAsync(erasure.Tenant, erasure.Extent, cancellation);
        if (obstacle is not null || age < EndMax && conversations.Any(conversation => conversation.TurnIsOpen && !conversation.IsErased))
            return null;
        var subjects = conversations.Select(conversation => conversation.Subject);
        return await KeepAsync(
            erasure with
            {
                State = ErasureState.Destroying,
                Parts = [.. conversations.Select(conversation => new ErasedPart(conversation.Key.Conversation, conversation.DataKey))],
                Turns = conversations.Sum(conversation => (long)conversation.TurnCount),
                Exports = await ExportedCustomers.ListAsync(record.Registry, erasure.Tenant, subjects, cancellation),
            },
            "erasure.begin", [guard], cancellation);
    }

    private async Task CertifyAsync(Erasure erasure, CancellationToken cancellation)
    {
        var identity = record.Identity ?? throw new InvalidOperationException("Certificates are signed where conversations are written.");
        var done = erasure with { State = ErasureState.Erased, Erased = Microseconds.ToTime(Microseconds.Of(time.GetUtcNow())) };
        var certificate = new ErasureCertificate(identity.Origin(erasure.Tenant), done);
        done = done with { Certificate = identity.InForce.Note(certificate.Text, certificate.Origin).ToString() };
        await record.Registry.ChangeAsync(
            Record(done, ErasureCertificate.Action, [new("exports", string.Create(CultureInfo.InvariantCulture, $"{done.Exports.Count}")), new(ErasureCertificate.Detail, done.Certificate)]),
            [new(Erasure.Kind, erasure.Id, erasure.Version, null), new(Erasure.Done, erasure.Id, 0, done.Encode())], cancellation);
    }

    private async Task<Erasure> KeepAsync(Erasure erasure, string action, IReadOnlyList<DocumentChange> more, CancellationToken cancellation)
    {
        var entry = await record.Registry.ChangeAsync(
            Record(erasure, action, []), [new(Erasure.Kind, erasure.Id, erasure.Version, erasure.Encode()), .. more], cancellation);
        return erasure with { Version = entry.Record.Documents[0].Version };
    }

    private AdministrativeRecord Record(Erasure erasure, string action, IEnumerable<Label> details) => new()
    {
        Tenant = erasure.Tenant,
        Time = time.GetUtcNow(),
        Actor = Actor,
        Action = action,
        Resource = erasure.Extent.Resource(erasure.Tenant),
        Details =
        [
            new(ErasureCertificate.Erased, erasure.Name),
            new("requester", erasure.Requester),
            new("approver", erasure.Approver),
            new("keys", string.Create(CultureInfo.InvariantCulture, $"{erasure.Keys.Count}")),
            new("conversations", string.Create(CultureInfo.InvariantCulture, $"{erasure.Parts.Count}")),
            .. details,
        ],
    };
}
