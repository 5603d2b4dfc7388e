using System.Globalization;
using R1Grains.Access;
using R1Grains.Ledger;

namespace R1Grains.Audit;

/// <summary>Records who reads what others said, and why, before they see it: what cannot be recorded is not shown.</summary>
internal sealed class Readings(IRegistry registry, TimeProvider time)
{
    /// <param name="action">Dotted words, e.g. <c>transcript.read</c>.</param>
    /// <param name="details">Nothing that tells who a customer is, or what was said: they stay for ever.</param>
    /// <exception cref="RecordUnavailableException"/>
    public Task Keep(Caller caller, string action, ResourceName resource, string purpose, params IEnumerable<Label> details) => registry.AppendAsync(new()
    {
        Tenant = resource.Tenant,
        Time = time.GetUtcNow(),
        Actor = caller.Subject,
        Action = action,
        Resource = resource.ToString(),
        Purpose = purpose,
        Details = [.. details],
    });

    /// <param name="turns">Where several of the conversation were read.</param>
    /// <exception cref="RecordUnavailableException"/>
    public Task Lifted(Caller caller, ResourceName resource, string purpose, params IEnumerable<int> turns) =>
        Keep(caller, "masks.lift", resource, purpose, Turns(turns));

    /// <summary>Of one conversation, in their order.</summary>
    public static IEnumerable<Label> Turns(IEnumerable<int> turns) => turns.ToArray() is [var first, .. ] and [.., var last]
        ? [new("turns", string.Create(CultureInfo.InvariantCulture, $"{first}-{last}"))]
        : [];
}
