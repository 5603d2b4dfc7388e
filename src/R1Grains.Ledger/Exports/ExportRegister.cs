using System.Globalization;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Retention;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Exports;

/// <summary>
/// The exports of all tenants. What is asked for is written down first, then page by page what is found, each with who is
/// concerned by it, so that whoever comes after a crash goes on where it stopped, and no byte leaves before that is recorded.
/// </summary>
public sealed class ExportRegister(StoredRecord record, LegalHolds holds, TimeProvider time)
{
    /// <summary>Of one export; more are narrowed down.</summary>
    public const long TurnsMax = 200_000;

    /// <summary>That one page of the selection names.</summary>
    public const int TurnsAtOnce = 200;

    private const string SelectionKind = "export-selection";
    private const string Prefix = "export-";

    /// <summary>Of one page: with the export, the page and the guard, as many documents as one record changes.</summary>
    private const int CustomersAtOnce = IRegistry.ChangesMax - 3;

    /// <summary>Of the request's caller and id.</summary>
    public static string IdOf(string caller, string requestId) => Prefix + Digest.Of(ByteWriter.StrictUtf8.GetBytes($"{caller}\n{requestId}")).ToString()[..20];

    /// <param name="details">Of what is asked for, as it may be read for ever.</param>
    /// <returns>The same request again finds what it asked for; null where its id stands for another one.</returns>
    /// <exception cref="RecordUnavailableException"/>
    public async Task<Export?> RequestAsync(string tenant, string id, ExportAsked asked, bool withRestricted, IEnumerable<Label> details, CancellationToken cancellation = default)
    {
        if (await FindAsync(tenant, id, cancellation) is { } known)
            return Same(known.Asked, asked) ? known : null;
        var export = new Export
        {
            Tenant = tenant,
            Id = id,
            State = ExportState.Selecting,
            Asked = asked with { At = Now },
            WithRestricted = withRestricted,
            Leaves = (await record.Index.ReadStateAsync(tenant, cancellation)).TreeLeaves,
        };
        try
        {
            return await KeepAsync(export, "transcript.export", [new("view", asked.View), .. details], [], cancellation);
        }
        catch (DocumentConflictException)
        {
            return await FindAsync(tenant, id, cancellation) is { } other && Same(other.Asked, asked) ? other : null;
        }
    }

    public async Task<Export?> FindAsync(string tenant, string id, CancellationToken cancellation = default) =>
        await record.Registry.FindAsync(new(tenant, Export.Kind, id), cancellation) is { } document && Export.Decode(document) is var export && export.Expires > time.GetUtcNow() ? export : null;

    /// <summary>In the order of their ids.</summary>
    /// <param name="after">Null for the first page, else the id of the last one of the page before.</param>
    public async Task<IReadOnlyList<Export>> ListAsync(string tenant, int count, string? after = null, CancellationToken cancellation = default) =>
        [.. (await record.Registry.ListAsync(tenant, Export.Kind, count, after, cancellation)).Select(Export.Decode)];

    /// <summary>Ends it, or does away with one that is ready. One that has ended stays as it is.</summary>
    /// <returns>Null where there is none.</returns>
    public async Task<Export?> CancelAsync(string tenant, string id, string by, string why, CancellationToken cancellation = default)
    {
        while (true)
        {
            if (await FindAsync(tenant, id, cancellation) is not { } export || export.State is ExportState.Cancelled or ExportState.Failed)
                return await FindAsync(tenant, id, cancellation);
            try
            {
                return await KeepAsync(export with { State = ExportState.Cancelled }, "transcript.export.cancel", [], [], cancellation, by, why);
            }
            catch (DocumentConflictException)
            {
                // It went on meanwhile.
            }
        }
    }

    /// <summary>Takes the next step.</summary>
    /// <param name="find">Turns from the export's cursor on.</param>
    /// <returns>As it is after it; the same one where it has to wait.</returns>
    /// <exception cref="DocumentConflictException">Somebody else took it, or an erasure came between: look again.</exception>
    public async Task<Export> AdvanceAsync(Export export, Func<Export, CancellationToken, Task<FoundTurns?>> find, CancellationToken cancellation = default)
    {
        if (export.State is not ExportState.Selecting)
            return export;
        // The guard first: an erasure that begins meanwhile is either seen or raises it.
        var (_, guard) = await holds.InForceAsync(export.Tenant, cancellation);
        if (await find(export, cancellation) is not { } found)
            return export;
        if (await IsWaitingAsync(export.Tenant, found, cancellation))
            return export;
        var (turns, customers) = await TakeAsync(export, found, cancellation);
        var isLast = turns.Count == found.Turns.Count && found.Next is null;
        var next = export with
        {
            Cursor = turns.Count == found.Turns.Count ? found.Next ?? export.Cursor : turns[^1].After,
            Turns = export.Turns + turns.Count,
            Pages = export.Pages + (turns.Count > 0 ? 1 : 0),
        };
        if (next.Turns > TurnsMax)
            return await FailAsync(export with { Turns = TurnsMax }, $"more than {TurnsMax} turns are meant: ask for less, e.g. for a shorter time", cancellation);
        List<DocumentChange> changes = [.. customers];
        if (customers.Count > 0)
            changes.Add(guard);
        if (turns.Count > 0)
            changes.Add(new(SelectionKind, PageId(export.Id, export.Pages), 0, EncodePage(turns)));
        if (!isLast)
            return await KeepAsync(next, "transcript.export.select", Details(turns), changes, cancellation);
        // What is found ended before it was asked for.
        if (await record.FindCheckpointAsync(export.Tenant, cancellation) is not { } checkpoint || Checkpoint.Parse(checkpoint.Text).Size < export.Leaves)
            return export;
        var identity = Identity;
        return await KeepAsync(next with { State = ExportState.Ready, Checkpoint = checkpoint.ToString(), Key = identity.InForce.PublicPem }, "transcript.export.ready", Details(turns), changes, cancellation);
    }

    /// <summary>Ends one that cannot go on by itself.</summary>
    /// <param name="why">For who asked: what is the matter, and who has to do what.</param>
    /// <exception cref="DocumentConflictException">It went on, or was ended, meanwhile.</exception>
    public Task<Export> FailAsync(Export export, string why, CancellationToken cancellation = default) =>
        KeepAsync(export with { State = ExportState.Failed, Failure = why }, "transcript.export.fail", [], [], cancellation);

    /// <summary>What a ready one holds: conversation by conversation, each in the place where the first of its turns was found.</summary>
    public async Task<IReadOnlyList<SelectedConversation>> SelectionAsync(Export export, CancellationToken cancellation = default)
    {
        var turns = new Dictionary<string, SortedSet<int>>(StringComparer.Ordinal);
        for (var page = 0; page < export.Pages; page++)
        {
            var document = await record.Registry.FindAsync(new(export.Tenant, SelectionKind, PageId(export.Id, page)), cancellation) ?? throw new RecordDamagedException($"page {page} of {export.Name} is missing");
            foreach (var (conversation, turn) in DecodePage(document.Content!))
            {
                if (!turns.TryGetValue(conversation, out var known))
                    turns[conversation] = known = [];
                known.Add(turn);
            }
        }
        return [.. turns.Select(conversation => new SelectedConversation(conversation.Key, [.. conversation.Value]))];
    }

    /// <summary>
    /// The manifest of one that is ready, and the note beneath it. Its checkpoint is signed anew: the key may have been
    /// replaced since, and whoever verifies it needs one key and not two.
    /// </summary>
    /// <exception cref="InvalidOperationException">This process signs nothing, or it is not ready.</exception>
    public async Task<SignedManifest> SignAsync(ExportManifest manifest, CancellationToken cancellation = default)
    {
        var id = manifest.Export[(manifest.Export.LastIndexOf('/') + 1)..];
        if (await FindAsync(manifest.Tenant, id, cancellation) is not { State: ExportState.Ready, Checkpoint: { } checkpoint } export)
            throw new InvalidOperationException($"{manifest.Export} is not ready.");
        await Identity.RequireFreshAsync();
        var (signer, origin) = (Identity.InForce, Identity.Origin(manifest.Tenant));
        var rotations = SigningRotation.Of(await record.Registry.ListAsync(IRegistry.Cluster, SigningRotation.Kind, IRecord.PageSizeMax, cancellation: cancellation)).ToList();
        // One that was written down and is not in force yet leads further.
        var followed = rotations.Take(1 + rotations.FindIndex(rotation => signer.PublicKey.AsSpan().SequenceEqual(rotation.After))).Select(rotation => (rotation with { End = null }).Encode()).ToList();
        var bytes = (manifest with { Checkpoint = signer.Note(SignedNote.Parse(checkpoint).Text, origin).ToString(), Key = signer.PublicPem, Rotations = followed.Count > 0 ? followed : null }).ToBytes();
        return new(bytes, signer.Note(ExportManifest.NoteText(origin, export.Name, Digest.Of(bytes)), origin).ToString());
    }

    /// <summary>Forgets those that are past their time, and the selections of those that ended otherwise.</summary>
    public async Task SweepAsync(string tenant, CancellationToken cancellation = default)
    {
        foreach (var export in await record.Registry.AllAsync(tenant, Export.Kind, Export.Decode, cancellation))
        {
            if (export.Expires > time.GetUtcNow())
                continue;
            for (var page = 0; page < export.Pages; page++)
            {
                if (await record.Registry.FindAsync(new(tenant, SelectionKind, PageId(export.Id, page)), cancellation) is { } document)
                    await record.Registry.ChangeAsync(Record(export, "transcript.export.forget", [], export.Asked.By, ""), [new(SelectionKind, document.Key.Id, document.Version, null)], cancellation);
            }
            await record.Registry.ChangeAsync(Record(export, "transcript.export.forget", [], export.Asked.By, ""), [new(Export.Kind, export.Id, export.Version, null)], cancellation);
        }
    }

    /// <summary>As it is kept.</summary>
    private DateTimeOffset Now => Microseconds.ToTime(Microseconds.Of(time.GetUtcNow()));

    private LogIdentity Identity => record.Identity ?? throw new InvalidOperationException("Exports are signed where conversations are written.");

    /// <summary>Whether keys of what was found are being destroyed: a moment later its words are gone, and it can be told so.</summary>
    private async Task<bool> IsWaitingAsync(string tenant, FoundTurns found, CancellationToken cancellation)
    {
        var parts = (await record.Registry.AllAsync(tenant, Erasure.Kind, Erasure.Decode, cancellation)).Where(erasure => erasure.State is ErasureState.Destroying).SelectMany(erasure => erasure.Parts).Select(part => part.Conversation).ToHashSet(StringComparer.Ordinal);
        return parts.Count > 0 && found.Turns.Any(one => !one.Turn.IsErased && parts.Contains(one.Turn.Opened.Key.Conversation));
    }

    /// <summary>As many turns as one record can name the customers of, and the documents about those that are new.</summary>
    private async Task<(IReadOnlyList<(ClosedTurn Turn, string After)> Turns, IReadOnlyList<DocumentChange> Customers)> TakeAsync(Export export, FoundTurns found, CancellationToken cancellation)
    {
        var (known, customers) = (new HashSet<Digest>(), new List<DocumentChange>());
        for (var taken = 0; taken < found.Turns.Count; taken++)
        {
            var turn = found.Turns[taken].Turn;
            if (turn.IsErased || !known.Add(turn.Subject))
                continue;
            var id = ExportedCustomers.IdOf(turn.Subject, export.Id);
            if (await record.Registry.FindAsync(new(export.Tenant, ExportedCustomers.Kind, id), cancellation) is not null)
                continue;
            if (customers.Count == CustomersAtOnce)
                return ([.. found.Turns.Take(taken)], customers);
            customers.Add(new(ExportedCustomers.Kind, id, 0, [1]));
        }
        return (found.Turns, customers);
    }

    private async Task<Export> KeepAsync(Export export, string action, IEnumerable<Label> details, IReadOnlyList<DocumentChange> more, CancellationToken cancellation, string? by = null, string? why = null)
    {
        var entry = await record.Registry.ChangeAsync(
            Record(export, action, details, by ?? export.Asked.By, why ?? export.Asked.Purpose), [new(Export.Kind, export.Id, export.Version, export.Encode()), .. more], cancellation);
        return export with { Version = entry.Record.Documents[0].Version };
    }

    private AdministrativeRecord Record(Export export, string action, IEnumerable<Label> details, string by, string why) => new()
    {
        Tenant = export.Tenant,
        Time = time.GetUtcNow(),
        Actor = by,
        Action = action,
        Resource = export.Name,
        Purpose = why,
        Details = [.. details],
    };

    private static IEnumerable<Label> Details(IEnumerable<(ClosedTurn Turn, string After)> turns) =>
        turns.Select(one => new Label("turn", string.Create(CultureInfo.InvariantCulture, $"{one.Turn.Opened.Key}/turns/{one.Turn.Opened.Turn}")));

    private static bool Same(ExportAsked one, ExportAsked other) =>
        (one.By, one.Purpose, one.View) == (other.By, other.Purpose, other.View) && one.Filter.SequenceEqual(other.Filter);

    private static string PageId(string id, int page) => string.Create(CultureInfo.InvariantCulture, $"{id}/{page:d6}");

    private static byte[] EncodePage(IReadOnlyList<(ClosedTurn Turn, string After)> turns) =>
        new ByteWriter().List(turns, (writer, one) => writer.String(one.Turn.Opened.Key.Conversation).Int32(one.Turn.Opened.Turn)).ToArray();

    private static (string Conversation, int Turn)[] DecodePage(byte[] content)
    {
        var reader = new ByteReader(content);
        var turns = reader.List((ref ByteReader turn) => (turn.String(), turn.Int32()));
        reader.End();
        return turns;
    }
}
