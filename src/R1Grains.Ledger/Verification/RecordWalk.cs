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

    private long _bad;
    private BadRecord? _firstBad;

    public RecordWalk(IEvidence evidence, IReadOnlyList<NoteKey> keys, KeyRing? dataKeys)
    {
        _evidence = evidence;
        _conversation = new(evidence, keys, dataKeys, () => _retired);
        _administration = new(evidence, keys);
        _tree = new(evidence, keys, () => _retired);
    }

    public VerificationReport Run(IProgress<VerificationProgress>? progress, CancellationToken cancellation)
    {
        var (total, walked, more) = (0L, 0L, true);
        Judge(() => _retired = RetiredRows.Read(_evidence), _administration.Here);
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
        WalkAdministration(cancellation);
        WalkTrees(cancellation);
        return new VerificationReport(
            walked, _conversation.Turns, _conversation.OpenTurns, _conversation.Entries, _conversation.Pieces, _bad, _firstBad)
        {
            Erased = _conversation.Erased,
            AdministrativeRecords = _administration.Records,
            RetiredEntries = _conversation.Retired,
            Leaves = _tree.Leaves,
            Checkpoints = _tree.Checkpoints,
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

    /// <summary>Checks once more where a month was taken out while the record is read.</summary>
    private bool Check(Func<bool> next, Action back)
    {
        try
        {
            return next();
        }
        catch (InvalidDataException)
        {
            var now = RetiredRows.Read(_evidence);
            if (now.Count == _retired.Count)
                throw;
            _retired = now;
            back();
            return next();
        }
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
