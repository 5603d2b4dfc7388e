using System.Diagnostics;

namespace R1Grains.Operations;

/// <summary>Carries a span's context between silos, as W3C writes it.</summary>
[GenerateSerializer, Alias("r1.Trace")]
internal struct TraceSurrogate
{
    /// <summary>Null for no span.</summary>
    [Id(0)] public string? Parent;
    [Id(1)] public string? State;
}

[RegisterConverter]
internal sealed class TraceConverter : IConverter<ActivityContext, TraceSurrogate>
{
    public ActivityContext ConvertFromSurrogate(in TraceSurrogate surrogate) =>
        ActivityContext.TryParse(surrogate.Parent, surrogate.State, isRemote: true, out var context) ? context : default;

    public TraceSurrogate ConvertToSurrogate(in ActivityContext value) => value == default
        ? default
        : new() { Parent = $"00-{value.TraceId}-{value.SpanId}-{(int)value.TraceFlags:x2}", State = value.TraceState };
}
