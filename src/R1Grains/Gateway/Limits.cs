using System.Globalization;
using System.Threading.RateLimiting;
using R1Grains.Access;
using R1Grains.Conversations;

namespace R1Grains.Gateway;

/// <summary>What one gateway process takes; 0 is no limit.</summary>
/// <param name="CallerRate">Calls a second of one caller; twice as many at once.</param>
/// <param name="CallerCalls">Calls of one caller that run, streams among them.</param>
/// <param name="TenantTokens">A minute, of prompts and replies.</param>
public sealed record LimitSettings(int CallerRate = 2_000, int TenantRate = 4_000, int CallerCalls = 5_000, int TenantCalls = 10_000, int TenantTokens = 0);

/// <summary>
/// Keeps callers and tenants from taking more of this process than is theirs. Each process counts by itself: a count that all
/// share would be asked for before each call, and what it protects is a process.
/// </summary>
public sealed class Limits(LimitSettings settings) : IDisposable
{
    private const int SecondsPerMinute = 60;

    private readonly PartitionedRateLimiter<string> _callerRate = Rate(settings.CallerRate);
    private readonly PartitionedRateLimiter<string> _tenantRate = Rate(settings.TenantRate);
    private readonly PartitionedRateLimiter<string> _callerCalls = Calls(settings.CallerCalls);
    private readonly PartitionedRateLimiter<string> _tenantCalls = Calls(settings.TenantCalls);
    private readonly PartitionedRateLimiter<string> _tenantTokens = Bucket(settings.TenantTokens, settings.TenantTokens / SecondsPerMinute);

    /// <returns>Held for as long as the call runs.</returns>
    /// <exception cref="RefusedException">With the limit's name, its value and when to come again.</exception>
    public IDisposable Enter(Caller caller)
    {
        var name = $"{caller.Tenant}/{caller.Subject}";
        Take(_callerRate, name, Reason.RateExceeded, "caller", settings.CallerRate, "calls a second").Dispose();
        Take(_tenantRate, caller.Tenant, Reason.RateExceeded, "tenant", settings.TenantRate, "calls a second").Dispose();
        var call = Take(_callerCalls, name, Reason.CallsExceeded, "caller", settings.CallerCalls, "calls at the same time");
        try
        {
            return new Entered(call, Take(_tenantCalls, caller.Tenant, Reason.CallsExceeded, "tenant", settings.TenantCalls, "calls at the same time"));
        }
        catch
        {
            call.Dispose();
            throw;
        }
    }

    /// <summary>Before a turn. What it takes is known when it has ended, so that those which run may take more than is left.</summary>
    /// <exception cref="RefusedException">Nothing is left.</exception>
    public void RequireTokens(Caller caller) =>
        Take(_tenantTokens, caller.Tenant, Reason.TokensExceeded, "tenant", settings.TenantTokens, "tokens a minute", count: 0).Dispose();

    public void Spend(Caller caller, int tokens)
    {
        if (settings.TenantTokens == 0 || _tenantTokens.GetStatistics(caller.Tenant) is not { } left) return;
        _tenantTokens.AttemptAcquire(caller.Tenant, (int)Math.Min(tokens, left.CurrentAvailablePermits)).Dispose();
    }

    public void Dispose()
    {
        foreach (var limiter in new[] { _callerRate, _tenantRate, _callerCalls, _tenantCalls, _tenantTokens }) limiter.Dispose();
    }

    private static RateLimitLease Take(PartitionedRateLimiter<string> limiter, string whose, Reason reason, string scope, int limit, string what, int count = 1)
    {
        var lease = limiter.AttemptAcquire(whose, count);
        if (lease.IsAcquired) return lease;
        var refusal = new Refusal(reason, $"the {scope} has its {limit} {what} of this gateway: wait, or let an operator raise the limit", RetryAfter: lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : null);
        lease.Dispose();
        throw new RefusedException(refusal.With("scope", scope).With("limit", limit.ToString(CultureInfo.InvariantCulture)));
    }

    private static PartitionedRateLimiter<string> Rate(int perSecond) => Bucket(2 * perSecond, perSecond);

    private static PartitionedRateLimiter<string> Bucket(int size, int perSecond) => PartitionedRateLimiter.Create<string, string>(whose => size == 0
        ? RateLimitPartition.GetNoLimiter(whose)
        : RateLimitPartition.GetTokenBucketLimiter(whose, _ => new()
        {
            TokenLimit = size,
            TokensPerPeriod = Math.Max(1, perSecond),
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            QueueLimit = 0,
        }));

    private static PartitionedRateLimiter<string> Calls(int atOnce) => PartitionedRateLimiter.Create<string, string>(whose => atOnce == 0
        ? RateLimitPartition.GetNoLimiter(whose)
        : RateLimitPartition.GetConcurrencyLimiter(whose, _ => new() { PermitLimit = atOnce, QueueLimit = 0 }));

    private sealed class Entered(IDisposable first, IDisposable second) : IDisposable
    {
        public void Dispose()
        {
            first.Dispose();
            second.Dispose();
        }
    }
}
