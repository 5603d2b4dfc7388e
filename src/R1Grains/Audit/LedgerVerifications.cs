using System.Globalization;
using R1Grains.Access;
using R1Grains.Cluster;
using R1Grains.Conversations;
using R1Grains.Ledger;
using R1Grains.Ledger.Tree;

namespace R1Grains.Audit;

/// <summary>Has what a tenant recorded recomputed, for whoever asks: recorded before it begins, and what came of it before it is told.</summary>
internal sealed class LedgerVerifications(IRecord record, Readings readings, IGrainFactory grains, Nodes nodes, TimeProvider time, ILogger<LedgerVerifications> log) : IDisposable
{
    public const string Action = "ledger.verify";

    public const string EndAction = "ledger.verify.end";

    /// <summary>In one process: each takes a thread and two connections for as long as it lasts. Further ones are refused.</summary>
    private const int AtOnceMax = 2;

    private static readonly TimeSpan ProgressEvery = TimeSpan.FromSeconds(1);

    /// <summary>A tree is a second behind, and a tenant's first one begins with who asks.</summary>
    private static readonly TimeSpan FirstCheckpoint = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _places = new(AtOnceMax);

    /// <param name="told">How far it is, every second.</param>
    /// <exception cref="RefusedException"><see cref="Reason.VerificationUnderWay"/></exception>
    /// <exception cref="RecordUnavailableException"/>
    public async Task<VerificationReport> Run(Caller caller, TenantName tenant, string purpose, Func<VerificationProgress, Task> told, CancellationToken stop)
    {
        if (!await _places.WaitAsync(TimeSpan.Zero, stop))
            throw new RefusedException(new(Reason.VerificationUnderWay, $"{AtOnceMax} ledgers are being verified here already: ask another server, or again when one of them is done", RetryAfter: Retry));
        try
        {
            using var verification = await ((StoredRecord)record).TakeVerificationAsync(tenant.Tenant, stop)
                ?? throw new RefusedException(new(Reason.VerificationUnderWay, $"the ledger of {tenant} is being verified already: wait until that is done, and ask again", RetryAfter: Retry));
            var keys = await Keys();
            try
            {
                // Without any, signatures would not be looked at.
                if (keys.Length == 0)
                    throw new RefusedException(new(Reason.NodeUnavailable, "no silo that signs the record is there: ask again", RetryAfter: Retry));
                await readings.Keep(caller, Action, tenant, purpose);
                return await RunRecorded(verification, keys, caller, tenant, purpose, told, stop);
            }
            finally
            {
                Array.ForEach(keys, key => key.Dispose());
            }
        }
        finally
        {
            _places.Release();
        }
    }

    public void Dispose() => _places.Dispose();

    /// <summary>What comes of it is in the record before it is told; also that nothing did.</summary>
    private async Task<VerificationReport> RunRecorded(
        TenantVerification verification, NoteKey[] keys, Caller caller, TenantName tenant, string purpose, Func<VerificationProgress, Task> told, CancellationToken stop)
    {
        try
        {
            for (var began = time.GetTimestamp(); time.GetElapsedTime(began) < FirstCheckpoint && await record.FindCheckpointAsync(tenant.Tenant, stop) is null;)
                await Task.Delay(Look, time, stop);
            var report = await Run(verification, keys, told, stop);
            if (report.FirstBad is { } bad)
                Log.LedgerInvalid(log, tenant.Tenant, bad.Place);
            await readings.Keep(caller, EndAction, tenant, purpose, Outcome(report));
            return report;
        }
        catch
        {
            await KeepBroken(caller, tenant, purpose);
            throw;
        }
    }

    /// <summary>Where silos have keys of their own, and not one for all, each of them signs. One that does not answer is not left out: what it signed would be called forged.</summary>
    private async Task<NoteKey[]> Keys()
    {
        var told = await Task.WhenAll(nodes.Active.Where(node => node.Roles.HasFlag(Roles.Conversation)).Select(node => grains.GetGrain<ISigningGrain>($"{node.Name}/").PublicKeys()));
        return [.. told.SelectMany(keys => keys).DistinctBy(Convert.ToHexString).Select(key => NoteKey.FromPublicKey(key))];
    }

    private async Task<VerificationReport> Run(TenantVerification verification, NoteKey[] keys, Func<VerificationProgress, Task> told, CancellationToken stop)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var latest = new Latest();
        var walk = verification.RunAsync(keys, latest, ending.Token);
        try
        {
            while (await Task.WhenAny(walk, Task.Delay(ProgressEvery, time, stop)) != walk)
            {
                stop.ThrowIfCancellationRequested();
                await told(latest.Progress);
            }
            return await walk;
        }
        finally
        {
            // Nothing goes on reading for nobody.
            await ending.CancelAsync();
            await ((Task)walk).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
    }

    /// <remarks>Where that cannot be written either, the beginning stands alone, which tells as much.</remarks>
    private async Task KeepBroken(Caller caller, TenantName tenant, string purpose)
    {
        try
        {
            await readings.Keep(caller, EndAction, tenant, purpose, new Label("verdict", "BROKEN_OFF"));
        }
        catch (RecordUnavailableException)
        {
        }
    }

    private static IEnumerable<Label> Outcome(VerificationReport report)
    {
        yield return new("verdict", report.Valid ? "VALID" : "INVALID");
        yield return new("records", Text(report.Entries + report.RetiredEntries + report.AdministrativeRecords));
        if (report.Tree is { } tree)
        {
            yield return new("leaves", Text(tree.Size));
            yield return new("root", $"{tree.Root}");
        }
        if (report.FirstBad is { } bad)
        {
            yield return new("place", bad.Place);
            yield return new("reason", bad.Reason);
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private sealed class Latest : IProgress<VerificationProgress>
    {
        private volatile VerificationProgress _progress = new(0, 0, 0);

        public VerificationProgress Progress => _progress;

        public void Report(VerificationProgress value) => _progress = value;
    }
}
