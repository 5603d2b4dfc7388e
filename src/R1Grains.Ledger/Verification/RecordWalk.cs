using System.Text;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Verification;

/// <summary>Goes through all conversations in the order of their creation, then through all trees, each as it is at one moment.</summary>
internal sealed class RecordWalk(IEvidence evidence, IReadOnlyList<NoteKey> keys, KeyRing? dataKeys)
{
    private const int ProgressStride = 64;

    private readonly ConversationWalk _conversation = new(evidence, keys, dataKeys);
    private readonly AdministrationWalk _administration = new(evidence);
    private readonly TreeWalk _tree = new(evidence, keys);

    private long _bad;
    private BadRecord? _firstBad;

    public VerificationReport Run(IProgress<VerificationProgress>? progress, CancellationToken cancellation)
    {
        var (total, walked, more) = (0L, 0L, true);
        // Conversations are numbered without gaps.
        Judge(() => total = evidence.LastNumber());
        while (more)
        {
            cancellation.ThrowIfCancellationRequested();
            var previous = _conversation.Number;
            evidence.Begin();
            Judge(() => more = _conversation.CheckNext());
            evidence.End();
            more &= _conversation.Number > previous;
            walked += more ? 1 : 0;
            if (walked % ProgressStride == 0 || !more)
                progress?.Report(new VerificationProgress(walked, Math.Max(total, walked)));
        }
        _conversation.Leave();
        Judge(() => RequireLast(total));
        Judge(() => RequireNoStrays("entry"));
        Judge(() => RequireNoStrays("piece"));
        WalkAdministration(cancellation);
        WalkTrees(cancellation);
        return new VerificationReport(
            walked, _conversation.Turns, _conversation.OpenTurns, _conversation.Entries, _conversation.Pieces, _bad, _firstBad)
        {
            Erased = _conversation.Erased,
            AdministrativeRecords = _administration.Records,
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
            evidence.Begin();
            JudgeAdministration(() => more = _administration.CheckNext());
            more |= _administration.Leave();
            evidence.End();
        }
        foreach (var table in (string[])["administrative_record", "document"])
        {
            JudgeAdministration(() =>
            {
                if (evidence.FindStrayTenant(table) is { } stray)
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
            evidence.Begin();
            JudgeTree(() => more = _tree.CheckNext());
            evidence.End();
            more &= _tree.Number > previous;
        }
        _tree.Leave();
        JudgeTree(RequireAllInTrees);
    }

    private void RequireAllInTrees()
    {
        if (evidence.FindOutsideTrees() is var (tenant, what))
            throw new InvalidDataException($"{what} of tenant '{tenant}' stands in no tree");
    }

    private void RequireLast(long number)
    {
        if (_conversation.Number < number)
            throw new InvalidDataException($"conversation number {number} is missing; the last one is number {_conversation.Number}");
    }

    private void RequireNoStrays(string table)
    {
        if (evidence.FindStray(table) is { } stray)
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
        is InvalidDataException or InvalidCastException or InvalidOperationException or DecoderFallbackException || evidence.IsDamage(failure);
}
