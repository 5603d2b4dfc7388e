using System.CommandLine;
using Grpc.Core;
using R1Grains.Ledger;
using R1Grains.Ledger.Tree;
using R1Grains.V1;

namespace R1Grains.Cli;

/// <summary><c>r1 audit verify --server</c>: the server looks at what a tenant has, and what it ends with is checked here.</summary>
internal static class ServerVerification
{
    private const string UnderWay = "VERIFICATION_UNDER_WAY";

    public static async Task<int> RunAsync(ParseResult parsed, string[] keyFiles, CancellationToken cancellation)
    {
        NoteKey[] keys = [];
        try
        {
            keys = [.. keyFiles.Select(file => NoteKey.FromPem(File.ReadAllText(file)))];
            using var connection = parsed.Connect();
            var request = new VerifyLedgerRequest { Parent = $"tenants/{parsed.TenantName()}", Purpose = parsed.GetRequiredValue(PurposeOption.OfServer) };
            var found = await AuditCommand.WithProgress(told => ReadAsync(connection, request, told, cancellation));
            return Tell(found, parsed.TenantName(), keys);
        }
        catch (Exception exception) when (exception is RefusedException or IOException or UnauthorizedAccessException or FormatException)
        {
            Console.Error.WriteLine($"r1: {exception.Message}");
            return ExitCode.Usage;
        }
        finally
        {
            Array.ForEach(keys, key => key.Dispose());
        }
    }

    private static int Tell(LedgerVerification found, string tenant, NoteKey[] keys)
    {
        var bad = found.FirstBad is { } first ? OneLine($"{first.Place}: {first.Reason}") : keys.Length == 0 ? null : Objection(found, tenant, keys);
        if (bad is null && keys.Length > 0 && found.Checkpoint.Length == 0)
            throw new FormatException("the server finds nothing wrong, and has no signed checkpoint yet that the key could be held against: ask again in a few seconds");
        var isValid = bad is null && found.Verdict is LedgerVerification.Types.Verdict.Valid;
        Console.WriteLine($"{(isValid ? "VALID" : "INVALID")}: tenants/{tenant}: {AuditCommand.Counts(ReportOf(found))}");
        if (found.TreeSize > 0)
            Console.WriteLine($"tree: {found.TreeSize} leaves with root hash {OneLine(found.RootHash)}, {found.Checkpoints} checkpoints, signed with {OneLine(string.Join(" or ", found.KeyIds))}{(keys.Length == 0 ? ", as the server says" : "")}");
        if (!isValid)
        {
            Console.WriteLine($"first of {Math.Max(1, found.Bad)}: {bad}");
            return ExitCode.Refused;
        }
        if (keys.Length == 0)
            Console.Error.WriteLine("r1: that is the server's word alone. Name the --key that was handed out, and the checkpoint that it ends with is checked here.");
        return ExitCode.Done;
    }

    /// <summary>What speaks against the checkpoint that the server ended with; null where nothing does.</summary>
    private static string? Objection(LedgerVerification found, string tenant, NoteKey[] keys)
    {
        if (found.Checkpoint.Length == 0)
            return null;
        try
        {
            var note = SignedNote.Parse(found.Checkpoint);
            var checkpoint = Checkpoint.Parse(note.Text);
            using var signers = SigningKeys.Follow(keys, [.. found.SigningRotations.Select(SigningRotation.OfNote)]);
            return !checkpoint.Origin.EndsWith($"/{Uri.EscapeDataString(tenant)}", StringComparison.Ordinal) ? $"the checkpoint is one of {OneLine(checkpoint.Origin)}"
                : checkpoint.Size > found.TreeSize || (checkpoint.Size == found.TreeSize && $"{checkpoint.Root}" != found.RootHash) ? $"the checkpoint for {checkpoint.Size} leaves with root {checkpoint.Root} is not one of the tree that the server tells"
                : signers.Objection(note, checkpoint.Origin) is { } objection ? $"the checkpoint for {checkpoint.Size} leaves {objection}"
                : null;
        }
        catch (Exception malformed) when (malformed is FormatException or InvalidDataException)
        {
            return $"the checkpoint that the server ends with cannot be checked: {OneLine(malformed.Message)}";
        }
    }

    /// <summary>Reads to the end. What breaks is asked for again, and begins anew.</summary>
    private static async Task<LedgerVerification> ReadAsync(Connection connection, VerifyLedgerRequest request, Action<VerificationProgress>? told, CancellationToken cancellation)
    {
        var (outage, furthest) = (new Outage(TimeProvider.System, TurnReader.Patience), 0L);
        for (var isFirst = true; ; isFirst = false)
        {
            Refusal broken;
            try
            {
                using var call = connection.Transcripts.VerifyLedger(request, cancellationToken: cancellation);
                await foreach (var happened in call.ResponseStream.ReadAllAsync(cancellation))
                {
                    if (happened.Verification is { } verification)
                        return verification;
                    if (happened.Progress is not { } at)
                        continue;
                    told?.Invoke(new(at.Records, at.Leaves, at.Total));
                    // A server that breaks at the same place each time is not asked for ever.
                    if (at.Records + at.Leaves <= furthest)
                        continue;
                    furthest = at.Records + at.Leaves;
                    outage.Ended();
                }
                broken = new(StatusCode.Unavailable, "CONNECTION_BROKEN", "the stream ended before the verification", null, null, IsServers: false);
            }
            catch (RpcException exception)
            {
                cancellation.ThrowIfCancellationRequested();
                broken = Refusal.Of(exception);
            }
            // The one that broke may not have ended yet.
            if (!broken.IsTransient && (isFirst || broken.Reason != UnderWay))
                throw new RefusedException(broken);
            connection.MoveOn();
            await outage.Break(broken, connection, cancellation);
        }
    }

    private static VerificationReport ReportOf(LedgerVerification found) =>
        new(found.Conversations, found.Turns, found.OpenTurns, found.Entries, found.Pieces, found.Bad, null) { AdministrativeRecords = found.AdministrativeRecords, RetiredEntries = found.RetiredEntries };

    /// <summary>What a record holds may come from whoever tampered with it: it does not drive a terminal.</summary>
    private static string OneLine(string text) => string.Concat(text.Select(letter => char.IsControl(letter) ? '?' : letter));
}
