using System.Diagnostics.Metrics;
using R1Grains.Ledger;

namespace R1Grains.Compliance;

/// <summary>What the guardrail has kept back, as an instrument of the meter <c>R1Grains.Guardrail</c>. Attributes tell the reason and what became of it, never whose turn it was.</summary>
public sealed class GuardrailMeter : IDisposable
{
    public const string Name = "R1Grains.Guardrail";

    private readonly Meter _meter;
    private readonly Counter<long> _kept;

    public GuardrailMeter()
    {
        // The scope tells several of them in one process apart.
        _meter = new(new MeterOptions(Name) { Version = typeof(GuardrailMeter).Assembly.GetName().Version?.ToString(3), Scope = this });
        _kept = _meter.CreateCounter<long>("r1grains.guardrail.turns", "{turn}", "Turns that ended with fixed words in the place of an answer, or of its rest.");
    }

    /// <summary>A turn was closed.</summary>
    internal void Count(TurnOpened opened, TurnClosed closed)
    {
        if (closed.Outcome is not Outcome.Blocked) return;
        var reason = Guardrail.Blocks(opened.Hits) ? "question" : closed.Hits.Any(hit => hit.Category == Canary.Category && hit.Place is HitPlace.Answer) ? Canary.Category : "answer";
        _kept.Add(1, new("reason", reason), new("outcome", Conversations.Views.IsHeld(closed) ? "held" : "replaced"));
    }

    public void Dispose() => _meter.Dispose();
}
