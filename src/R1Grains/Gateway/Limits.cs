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
public sealed class Limits(LimitSettings settings, TimeProvider time) : IDisposable
{
    private readonly PartitionedRateLimiter<string> _callerRate = Rate(settings.CallerRate);
    private readonly PartitionedRateLimiter<string> _tenantRate = Rate(settings.TenantRate);
    private readonly PartitionedRateLimiter<string> _callerCalls = Calls(settings.CallerCalls);
    private readonly PartitionedRateLimiter<string> _tenantCalls = Calls(settings.TenantCalls);

    // What each tenant has left, which may be less than nothing, and when that was; guards itself.
    private readonly Dictionary<string, (double Left, long At)> _tenantTokens = [];

    /// <summary>Before it is looked at what the caller may do: also who is denied everything comes only so often.</summary>
    /// <exception cref="RefusedException">With the limit's name, its value and when to come again.</exception>
    public void RequireRate(Caller caller)
    {
        Take(_callerRate, Name(caller), Reason.RateExceeded, "caller", settings.CallerRate, "calls a second").Dispose();
        Take(_tenantRate, caller.Tenant, Reason.RateExceeded, "tenant", settings.TenantRate, "calls a second").Dispose();
    }

    /// <returns>Held for as long as the call runs.</returns>
    /// <exception cref="RefusedException">With the limit's name, its value and when to come again.</exception>
    public IDisposable Enter(Caller caller)
    {
        var call = Take(_callerCalls, Name(caller), Reason.CallsExceeded, "caller", settings.CallerCalls, "calls at the same time");
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

    /// <summary>Tokens of the caller's tenant that are left now; below zero what is owed.</summary>
    internal double Left(Caller caller) => Left(caller.Tenant);

    public bool CountsTokens => settings.TenantTokens > 0;

    /// <summary>Before a turn. What it takes is known when it has ended, so those which run may take more than is left: that is owed, and waited for.</summary>
    /// <exception cref="RefusedException">Nothing is left.</exception>
    public void RequireTokens(Caller caller)
    {
        if (settings.TenantTokens == 0 || Left(caller.Tenant) is var left && left > 0) return;
        var wait = TimeSpan.FromMinutes((1 - left) / settings.TenantTokens);
        throw Refused(Reason.TokensExceeded, "tenant", settings.TenantTokens, "tokens a minute", wait);
    }

    public void Spend(Caller caller, int tokens)
    {
        if (settings.TenantTokens == 0) return;
        lock (_tenantTokens) _tenantTokens[caller.Tenant] = (Left(caller.Tenant) - tokens, time.GetTimestamp());
    }

    public void Dispose()
    {
        foreach (var limiter in new[] { _callerRate, _tenantRate, _callerCalls, _tenantCalls }) limiter.Dispose();
    }

    private static RateLimitLease Take(PartitionedRateLimiter<string> limiter, string whose, Reason reason, string scope, int limit, string what)
    {
        var lease = limiter.AttemptAcquire(whose);
        if (lease.IsAcquired) return lease;
        var refused = Refused(reason, scope, limit, what, lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : null);
        lease.Dispose();
        throw refused;
    }

    private static RefusedException Refused(Reason reason, string scope, int limit, string what, TimeSpan? wait) =>
        new(new Refusal(reason, $"the {scope} has its {limit} {what} of this gateway: wait, or let an operator raise the limit", RetryAfter: wait)
            .With("scope", scope)
            .With("limit", limit.ToString(CultureInfo.InvariantCulture)));

    private static string Name(Caller caller) => $"{caller.Tenant}/{caller.Subject}";

    private double Left(string tenant)
    {
        lock (_tenantTokens)
            return _tenantTokens.TryGetValue(tenant, out var tokens)
                ? Math.Min(settings.TenantTokens, tokens.Left + time.GetElapsedTime(tokens.At).TotalMinutes * settings.TenantTokens)
                : settings.TenantTokens;
    }

    private static PartitionedRateLimiter<string> Rate(int perSecond) => PartitionedRateLimiter.Create<string, string>(whose => perSecond == 0
        ? RateLimitPartition.GetNoLimiter("")
        : RateLimitPartition.GetTokenBucketLimiter(whose, _ => new()
        {
            TokenLimit = 2 * perSecond,
            TokensPerPeriod = perSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            QueueLimit = 0,
        }));

    private static PartitionedRateLimiter<string> Calls(int atOnce) => PartitionedRateLimiter.Create<string, string>(whose => atOnce == 0
        ? RateLimitPartition.GetNoLimiter("")
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
