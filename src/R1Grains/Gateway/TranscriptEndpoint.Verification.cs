using Grpc.Core;
using R1Grains.Access;
using R1Grains.Ledger;
using R1Grains.Ledger.Tree;
using R1Grains.Operations;

namespace R1Grains.Gateway;

/// <content>Whether the record is what it was.</content>
internal sealed partial class TranscriptEndpoint
{
    [Asks<TenantName>(Permission.VerifyLedger, "parent", IsStanding = true)]
    public override async Task VerifyLedger(V1.VerifyLedgerRequest request, IServerStreamWriter<V1.VerifyLedgerEvent> responseStream, ServerCallContext context)
    {
        var (parent, caller, purpose) = (context.Resource<TenantName>(), context.Caller(), Purpose.Require(request.Purpose));
        // It can be asked for again: a stopping node ends it instead of waiting for it.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, drain.Begun);
        try
        {
            var report = await verifications.Run(
                caller, parent, purpose,
                at => responseStream.WriteAsync(new() { Progress = new() { Records = at.Records, Leaves = at.Leaves, Total = at.Total } }, ending.Token),
                ending.Token);
            var rotations = await ((StoredRecord)record).Registry.ListAsync(IRegistry.Cluster, SigningRotation.Kind, IRecord.PageSizeMax, cancellation: ending.Token);
            await responseStream.WriteAsync(new() { Verification = ToWire(report, rotations) }, ending.Token);
        }
        catch (OperationCanceledException) when (drain.Begun.IsCancellationRequested)
        {
            throw Drain.Refused();
        }
    }

    private static V1.LedgerVerification ToWire(VerificationReport report, IReadOnlyList<Document> rotations) => new()
    {
        Verdict = report.Valid ? V1.LedgerVerification.Types.Verdict.Valid : V1.LedgerVerification.Types.Verdict.Invalid,
        FirstBad = report.FirstBad is { } bad ? new() { Place = bad.Place, Reason = bad.Reason } : null,
        Bad = report.Bad,
        Conversations = report.Conversations,
        Turns = report.Turns,
        OpenTurns = report.OpenTurns,
        Entries = report.Entries,
        Pieces = report.Pieces,
        AdministrativeRecords = report.AdministrativeRecords,
        RetiredEntries = report.RetiredEntries,
        Checkpoints = report.Checkpoints,
        TreeSize = report.Tree?.Size ?? 0,
        RootHash = report.Tree is { } tree ? $"{tree.Root}" : "",
        Checkpoint = report.Tree?.Checkpoint?.ToString() ?? "",
        KeyIds = { report.Signers.Select(id => $"{id:x8}") },
        // Without their ends, which name the trees of all tenants.
        SigningRotations = { rotations.Select(document => SigningRotation.Of(document.Key.Id, document.Content!)).OrderBy(rotation => rotation.Version).Select(rotation => rotation.Note) },
    };
}
