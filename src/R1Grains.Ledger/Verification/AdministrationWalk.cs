using R1Grains.Ledger.Format;
using R1Grains.Ledger.Retention;
using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Verification;

/// <summary>
/// Recomputes the administrative chain of one tenant after another, a stretch of it as it is at one moment, and compares the
/// tenant's documents with what the chain says of them last. The first contradiction throws
/// <see cref="InvalidDataException"/>; <see cref="Here"/> then tells where it stands, and what was passed before stays passed.
/// </summary>
/// <param name="keys">That sign certificates.</param>
internal sealed class AdministrationWalk(IEvidence evidence, Func<SigningKeys> keys)
{
    /// <summary>Of the tenant, as its chain tells them.</summary>
    private readonly Dictionary<(string Kind, string Id), DocumentMark> _marks = [];

    /// <summary>Records that are read at one moment, at most: a long chain keeps the store from nothing.</summary>
    private const int Stride = 4_096;

    private string _last = "";

    /// <summary>In whose chain it stands; null between two.</summary>
    private string? _tenant;
    private long? _index;
    private AdministrationHead _chain = null!;

    public long Records { get; private set; }

    public BadRecord Here(string reason) => new(_tenant, null, _index, null, null, reason);

    /// <summary>Goes on after the tenant at which it stands. False when it stands at none.</summary>
    public bool Leave()
    {
        var stood = _tenant is not null;
        (_tenant, _index) = (null, null);
        return stood;
    }

    /// <summary>Checks what comes next: of the same tenant, else of the one that follows by name. False when there is none.</summary>
    public bool CheckNext()
    {
        AdministrationHead stored;
        using (var head = _tenant is { } same ? evidence.AdministrationOf(same) : evidence.Administration(_last))
        {
            if (!head.Read())
                return _tenant is null ? false : throw new InvalidDataException("the chain's end is gone");
            if (_tenant is null)
            {
                (_tenant, _chain) = (_last = head.GetString(0), new(0, default));
                _marks.Clear();
            }
            stored = new(head.GetInt64(1), head.Digest(2));
        }
        if (CheckRecords() == Stride)
            return true;
        if (stored.NextIndex > _chain.NextIndex)
            throw new InvalidDataException($"the record is missing; the head counts {stored.NextIndex}");
        _index = null;
        if (stored != _chain)
            throw new InvalidDataException($"the head ends with record {stored.NextIndex - 1} and hash {stored.LastHash}, the chain with record {_chain.NextIndex - 1} and hash {_chain.LastHash}");
        CheckDocuments();
        Leave();
        return true;
    }

    /// <returns>How many were read.</returns>
    private int CheckRecords()
    {
        var read = 0;
        using var row = evidence.AdministrativeRecords(_tenant!, _chain.NextIndex == 0 ? long.MinValue : _chain.NextIndex, Stride);
        for (_index = _chain.NextIndex; row.Read(); _index++)
        {
            var head = _chain;
            if (row.GetInt64(0) is var index && index != head.NextIndex)
                throw new InvalidDataException($"the record is missing; record {index} comes in its place");
            if (row.GetInt64(1) is var format and not AdministrativePayload.Format)
                throw new InvalidDataException($"its format is {format}, this program knows {AdministrativePayload.Format}");
            var entry = AdministrativePayload.Entry(head.NextIndex, row.GetInt64(2), row.Bytes(4));
            var (hash, leaf) = (row.Digest(3), entry.Leaf(AdministrativePayload.Chain(_tenant!), head.LastHash));
            if (hash != leaf)
                throw new InvalidDataException($"its hash is {hash}; its content, its place and the record before it give {leaf}");
            var record = AdministrativePayload.Decode(entry.Payload.Skeleton, _tenant!, entry.Time);
            CheckCertificate(record);
            foreach (var mark in record.Documents)
            {
                var before = _marks.GetValueOrDefault((mark.Kind, mark.Id));
                if (mark.Version != (before?.Version ?? 0) + 1)
                    throw new InvalidDataException($"it makes version {mark.Version} of {mark.Kind} '{mark.Id}' after version {before?.Version ?? 0}");
                _marks[(mark.Kind, mark.Id)] = mark;
            }
            _chain = new(head.NextIndex + 1, leaf);
            Records++;
            read++;
        }
        return read;
    }

    private void CheckCertificate(AdministrativeRecord record)
    {
        if (record.Action != ErasureCertificate.Action || keys().IsEmpty)
            return;
        try
        {
            var (note, erasure) = (Detail(ErasureCertificate.Detail), Detail(ErasureCertificate.Erased));
            if (!erasure.StartsWith($"tenants/{_tenant}/", StringComparison.Ordinal))
                throw new InvalidDataException($"its certificate is one of {erasure}");
            if (ErasureCertificate.Objection(note, erasure, record.Time, keys()) is { } objection)
                throw new InvalidDataException($"its certificate of {erasure} {objection}");
        }
        catch (FormatException malformed)
        {
            throw new InvalidDataException($"its certificate of an erasure: {malformed.Message}", malformed);
        }

        string Detail(string name) => record.Details.FirstOrDefault(detail => detail.Name == name)?.Value
            ?? throw new InvalidDataException($"it certifies an erasure, but has no {name}");
    }

    private void CheckDocuments()
    {
        using var row = evidence.Documents(_tenant!);
        while (row.Read())
        {
            var (kind, id) = (row.GetString(0), row.GetString(1));
            var found = new DocumentMark(kind, id, row.GetInt64(2), row.IsDBNull(3) ? null : Digest.Of(row.Bytes(3)));
            if (!_marks.Remove((kind, id), out var mark))
                throw new InvalidDataException($"no record made the {kind} '{id}'");
            if (found != mark)
                throw new InvalidDataException($"the {kind} '{id}' is {Told(found)}, the records made it {Told(mark)}");
            if (kind == Erasure.Done && found.Hash is not null && Misfit(id, found.Version, row.Bytes(3)) is { } misfit)
                throw new InvalidDataException($"the {kind} '{id}': {misfit}");
        }
        if (_marks.Values.FirstOrDefault() is { } lost)
            throw new InvalidDataException($"the {lost.Kind} '{lost.Id}' is missing, which the records made {Told(lost)}");
    }

    /// <summary>Keys, conversations and exports are listed there; what is signed commits to them.</summary>
    private string? Misfit(string id, long version, byte[] content)
    {
        try
        {
            return ErasureCertificate.Misfit(new(new(_tenant!, Erasure.Done, id), version, 0, content));
        }
        catch (FormatException malformed)
        {
            return malformed.Message;
        }
    }

    private static string Told(DocumentMark mark) => $"version {mark.Version} {(mark.Hash is { } hash ? $"with hash {hash}" : "and removed")}";
}
