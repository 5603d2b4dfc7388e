using System.Text;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Verification;

/// <summary>Goes through all conversations in the order of their creation, then through all trees, each as it is at one moment.</summary>
internal sealed class RecordWalk
{
    private const int ProgressStride = 64;

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

    public RecordWalk(IEvidence evidence, IReadOnlyList<NoteKey> keys, KeyRing? dataKeys)
    {
        (_evidence, _given) = (evidence, keys);
        _conversation = new(evidence, () => _keys, dataKeys, () => _retired);
        _administration = new(evidence, () => _keys);
        _tree = new(evidence, () => _keys, () => _retired);
    }

    public VerificationReport Run(IProgress<VerificationProgress>? progress, CancellationToken cancellation)
    {
        var (total, walked, more) = (0L, 0L, true);
        Judge(() => _retired = RetiredRows.Read(_evidence), _administration.Here);
        Judge(() => FollowKeys(), _administration.Here);
        // Conversations are numbered without gaps.
        Judge(() => total = _evidence.LastNumber());
        while (more)
        {
            cancellation.ThrowIfCancellationRequested();
            var previous = _conversation.Number;
            _evidence.Begin();
            Judge(() => more = Check(_conversation.CheckNext, _conversation.Back));
            _evidence.End();
            more &= _conversation.Number > previous;
            walked += more ? 1 : 0;
            if (walked % ProgressStride == 0 || !more)
                progress?.Report(new VerificationProgress(walked, Math.Max(total, walked)));
        }
        _conversation.Leave();
        Judge(() => RequireLast(total));
        foreach (var table in _evidence.TablesOfConversations)
            Judge(() => RequireNoStrays(table));
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
            Signers = ids,
        };
    }

    private void WalkAdministration(CancellationToken cancellation)
    {
        // What cannot be read cannot be passed over either.
        for (var more = true; more;)
        {
            cancellation.ThrowIfCancellationRequested();
            more = false;
            _evidence.Begin();
            JudgeAdministration(() => more = _administration.CheckNext());
            more |= _administration.Leave();
            _evidence.End();
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
            var previous = _tree.Number;
            _evidence.Begin();
            JudgeTree(() => more = Check(_tree.CheckNext, () => _tree.Back(previous)));
            _evidence.End();
            more &= _tree.Number > previous;
        }
        _tree.Leave();
        JudgeTree(RequireAllInTrees);
    }

    /// <summary>Checks once more where a month was taken out, or a key replaced, while the record is read.</summary>
    private bool Check(Func<bool> next, Action back)
    {
        try
        {
            return next();
        }
        catch (InvalidDataException)
        {
            var now = RetiredRows.Read(_evidence);
            if (now.Count == _retired.Count && !FollowKeys())
                throw;
            _retired = now;
            back();
            return next();
        }
    }

    /// <returns>Whether others sign than before.</returns>
    /// <exception cref="InvalidDataException">They cannot be followed.</exception>
    private bool FollowKeys()
    {
        if (_given.Count == 0)
            return false;
        var rotations = new List<SigningRotation>();
        using (var row = _evidence.SigningKeys())
        {
            while (row.Read())
                rotations.Add(SigningRotation.Of(row.GetString(0), row.GetFieldValue<byte[]>(1)));
        }
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

    private void RequireAllInTrees()
    {
        if (_evidence.FindOutsideTrees() is var (tenant, what))
            throw new InvalidDataException($"{what} of tenant '{tenant}' stands in no tree");
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

    private void JudgeAdministration(Action check) => Judge(check, _administration.Here);

    private void JudgeTree(Action check) => Judge(check, _tree.Here);

    private void Judge(Action check, Func<string, BadRecord> here)
    {
        try
        {
            check();
        }
        catch (Exception failure) when (Contradicts(failure))
        {
            _bad++;
            _firstBad ??= here(failure.Message);
        }
    }

    /// <summary>Whether the record is at fault: a check failed, or its bytes, its types or its pages are not what they must be.</summary>
    private bool Contradicts(Exception failure) => failure
        is InvalidDataException or InvalidCastException or InvalidOperationException or DecoderFallbackException || _evidence.IsDamage(failure);
}
