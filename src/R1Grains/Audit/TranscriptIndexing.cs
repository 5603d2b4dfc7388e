using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Audit;

/// <summary>Keeps the search index where the record is. Of all processes that have it one works, and the others stand by.</summary>
internal sealed class TranscriptIndexing(TranscriptIndex index, SearchKeys keys, TimeProvider time, ILogger<TranscriptIndexing> log) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => index.FollowAsync(
        async tenant => (await keys.Of(tenant)).OfTurns,
        tenant => Log.OtherIndex(log, tenant),
        failure => Log.NotIndexed(log, Wordless.Of(failure)),
        time,
        stoppingToken);
}
