using System.Text;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Verification;

/// <summary>
/// Goes through all conversations in the order of their creation, then through the administrative chains and the trees: each
/// conversation, and each stretch of what is longer, as it is at a moment of its own, so that it holds up nobody.
/// </summary>
internal sealed class RecordWalk
{
    private const int ProgressStride = 64;

    /// <summary>Conversations of which one question asks what stands outside of the trees.</summary>
    private const int OutsideStride = 1_024;

    private readonly IEvidence _evidence;
    private readonly ConversationWalk _conversation;
    private readonly AdministrationWalk _administration;
    private readonly TreeWalk _tree;

    /// <summary>As it was when the walk began: what is taken out meanwhile is looked for once more.</summary>
    private RetiredRows _retired = new();

    private readonly IReadOnlyList<NoteKey> _given;

    /// <summary>As they were then, too.</summary>
    private SigningKeys _keys = SigningKeys.None;

    /// <summary>Rotations and ends of them.</summary>
    private int _rotations;

    private long _bad;
    private BadRecord? _firstBad;

    /// <summary>Leaves when the walk began.</summary>
    private long _total;
    private IProgress<VerificationProgress>? _progress;

    public RecordWalk(IEvidence evidence, IReadOnlyList<NoteKey> keys, KeyRing? dataKeys)
    {
        (_evidence, _given) = (evidence, keys);
        _conversation = new(evidence, () => _keys, dataKeys, () => _retired);
        _administration = new(evidence, () => _keys);
        _tree = new(evidence, () => _keys, () => _retired);
    }

    public VerificationReport Run(IProgress<VerificationProgress>? progress, CancellationToken cancellation)
    {
        var (numbers, walked, more, ofAll) = (0L, 0L, true, _evidence.Tenant is null);
        _progress = progress;
        JudgeAdministration(() => _retired = ReadRetired());
        JudgeAdministration(() => FollowKeys());
        JudgeTree(() => _total = _evidence.CountLeaves());
        // Conversations are numbered without gaps. One tenant's are not: of those the tree knows which there are.
        if (ofAll)
            Judge(() => numbers = _evidence.LastNumber());
        while (more)
        {
            cancellation.ThrowIfCancellationRequested();
            var previous = _conversation.Number;
            _evidence.Begin();
            Judge(() => more = Check(_conversation.CheckNext, _conversation.Back));
            _evidence.End();
            more &= _conversation.Number > previous;
            walked += more ? 1 : 0;
            if (walked % ProgressStride == 0)
                Report();
        }
        _conversation.Leave();
        if (ofAll)
        {
            Judge(() => RequireLast(numbers));
            foreach (var table in _evidence.TablesOfConversations)
                Judge(() => RequireNoStrays(table));
        }
        JudgeAdministration(() => FollowKeys());
        WalkAdministration(cancellation);
        WalkTrees(cancellation);
        var ids = _keys.Ids;
        _keys.Dispose();
        return new VerificationReport(
            walked, _conversation.Turns, _conversation.OpenTurns, _conversation.Entries, _conversation.Pieces, _bad, _firstBad)
        {
            Erased = _conversation.Erased,
            AdministrativeRecords = _administration.Records,
            RetiredEntries = _conversation.Retired,
            Leaves = _tree.Leaves,
            Checkpoints = _tree.Checkpoints,
            Tree = ofAll ? null : _tree.Last,
            Signers = ids,
        };
    }

    private void WalkAdministration(CancellationToken cancellation)
    {
        // What cannot be read cannot be passed over either.
        for (var more = true; more;)
        {
            cancellation.ThrowIfCancellationRequested();
            _evidence.Begin();
            if (!JudgeAdministration(() => more = Check(_administration.CheckNext)))
                more = _administration.Leave();
            _evidence.End();
            Report();
        }
        foreach (var table in (string[])["administrative_record", "document"])
        {
            JudgeAdministration(() =>
            {
                if (_evidence.FindStrayTenant(table) is { } stray)
                    throw new InvalidDataException($"table {table} has rows of tenant '{stray}', which has no chain");
            });
        }
    }

    /// <summary>Whatever a leaf stands for has been checked by now: only whether it is there, and as what.</summary>
    private void WalkTrees(CancellationToken cancellation)
    {
        for (var more = true; more;)
        {
            cancellation.ThrowIfCancellationRequested();
            _evidence.Begin();
            if (!JudgeTree(() => more = Check(_tree.CheckNext)))
                more = _tree.Leave();
            _evidence.End();
            Report();
        }
        JudgeTree(() => RequireAllInTrees(cancellation));
    }

    private void Report()
    {
        var records = _conversation.Entries + _conversation.Retired + _administration.Records;
        _progress?.Report(new VerificationProgress(records, _tree.Leaves, Math.Max(_total, Math.Max(records, _tree.Leaves))));
    }

    /// <summary>
    /// Checks again as often as a month was taken out, or a key replaced, while the record is read: at another moment, for
    /// what took it out may have come between what says so and the rows.
    /// </summary>
    private bool Check(Func<bool> next, Action? back = null)
    {
        while (true)
        {
            try
            {
                return next();
            }
            catch (InvalidDataException)
            {
                _evidence.End();
                _evidence.Begin();
                var retired = ReadRetired();
                var isOther = retired.Count != _retired.Count;
                _retired = retired;
                if (!FollowKeys() && !isOther)
                    throw;
                back?.Invoke();
            }
        }
    }

    private RetiredRows ReadRetired() => _evidence.OfCluster(() => RetiredRows.Read(_evidence));

    /// <returns>Whether others sign than before.</returns>
    /// <exception cref="InvalidDataException">They cannot be followed.</exception>
    private bool FollowKeys()
    {
        if (_given.Count == 0)
            return false;
        var rotations = _evidence.OfCluster(ReadRotations);
        var count = rotations.Count + rotations.Count(rotation => rotation.End is not null);
        if (!_keys.IsEmpty && count == _rotations)
            return false;
        _rotations = count;
        // Who was handed out still counts where the rest cannot be followed.
        var before = _keys;
        _keys = SigningKeys.Follow(_given, []);
        _keys = SigningKeys.Follow(_given, [.. rotations.OrderBy(rotation => rotation.Version)]);
        before.Dispose();
        return true;
    }

    private List<SigningRotation> ReadRotations()
    {
        var rotations = new List<SigningRotation>();
        using var row = _evidence.SigningKeys();
        while (row.Read())
            rotations.Add(SigningRotation.Of(row.GetString(0), row.GetFieldValue<byte[]>(1)));
        return rotations;
    }

    private void RequireAllInTrees(CancellationToken cancellation)
    {
        for (var number = 0L; number < _conversation.Number; number += OutsideStride)
        {
            cancellation.ThrowIfCancellationRequested();
            Require(_evidence.FindEntryOutsideTrees(number, number + OutsideStride));
        }
        Require(_evidence.FindRecordOutsideTrees());

        static void Require((string Tenant, string What)? outside)
        {
            if (outside is var (tenant, what))
                throw new InvalidDataException($"{what} of tenant '{tenant}' stands in no tree");
        }
    }

    private void RequireLast(long number)
    {
        if (_conversation.Number < number)
            throw new InvalidDataException($"conversation number {number} is missing; the last one is number {_conversation.Number}");
    }

    private void RequireNoStrays(string table)
    {
        if (_evidence.FindStray(table) is { } stray)
            throw new InvalidDataException($"table {table} has rows of conversation number {stray}, which does not exist");
    }

    private void Judge(Action check) => Judge(check, _conversation.Here);

    private bool JudgeAdministration(Action check) => Judge(check, _administration.Here);

    private bool JudgeTree(Action check) => Judge(check, _tree.Here);

    /// <returns>Whether it holds.</returns>
    private bool Judge(Action check, Func<string, BadRecord> here)
    {
        try
        {
            check();
            return true;
        }
        catch (Exception failure) when (Contradicts(failure))
        {
            _bad++;
            _firstBad ??= here(failure.Message);
            return false;
        }
    }

    /// <summary>Whether the record is at fault: a check failed, or its bytes, its types or its pages are not what they must be.</summary>
    private bool Contradicts(Exception failure) => failure
        is InvalidDataException or InvalidCastException or InvalidOperationException or DecoderFallbackException || _evidence.IsDamage(failure);
}
