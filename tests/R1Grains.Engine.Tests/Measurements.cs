using System.Diagnostics.Metrics;

namespace R1Grains.Engine.Tests;

/// <summary>Everything that one engine's meter measures from now on.</summary>
internal sealed class Measurements : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly List<(string Name, double Value, KeyValuePair<string, object?>[] Attributes)> _all = [];

    public Measurements(InferenceEngine engine)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Scope != engine) return;
            Instruments.Add(instrument);
            listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<int>((instrument, value, attributes, _) => Add(instrument, value, attributes));
        _listener.SetMeasurementEventCallback<long>((instrument, value, attributes, _) => Add(instrument, value, attributes));
        _listener.SetMeasurementEventCallback<double>((instrument, value, attributes, _) => Add(instrument, value, attributes));
        _listener.Start();
    }

    public List<Instrument> Instruments { get; } = [];

    public IEnumerable<double> Of(string name) => All.Where(m => m.Name == name).Select(m => m.Value);

    /// <summary>How the requests of a measurement ended: their error types, in order, null for those without.</summary>
    public IEnumerable<object?> Errors(string name) => All.Where(m => m.Name == name).Select(m => m.Attributes.SingleOrDefault(a => a.Key == "error.type").Value);

    public IEnumerable<KeyValuePair<string, object?>> Attributes => All.SelectMany(m => m.Attributes);

    /// <summary>What an observable instrument says now.</summary>
    public double Now(string name)
    {
        _listener.RecordObservableInstruments();
        return Of(name).Last();
    }

    public void Dispose() => _listener.Dispose();

    private List<(string Name, double Value, KeyValuePair<string, object?>[] Attributes)> All
    {
        get
        {
            lock (_all) return [.. _all];
        }
    }

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> attributes)
    {
        lock (_all) _all.Add((instrument.Name, value, attributes.ToArray()));
    }
}
