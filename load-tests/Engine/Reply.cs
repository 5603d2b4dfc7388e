using System.Diagnostics;
using R1Grains.Engine;

namespace R1Grains.LoadTests.Engine;

/// <summary>What a reader saw of one reply, and when.</summary>
internal sealed class Reply(long submitted)
{
    private readonly List<int> _ids = [];
    private readonly List<long> _times = [];

    public IReadOnlyList<int> Ids => _ids;

    /// <summary>When each id came.</summary>
    public IReadOnlyList<long> Times => _times;

    public long Ended { get; private set; }

    public double FirstMs => Stopwatch.GetElapsedTime(submitted, _times[0]).TotalMilliseconds;

    public IEnumerable<double> GapsMs => _times.Zip(_times.Skip(1), (one, next) => Stopwatch.GetElapsedTime(one, next).TotalMilliseconds);

    public void Take(Emission emission)
    {
        if (emission.Completion is { } completion)
        {
            if (completion.Reason is not (FinishReason.Length or FinishReason.Cancelled)) throw new InvalidOperationException($"A reply ended with {completion.Reason}: {completion.Error}");
            Ended = Stopwatch.GetTimestamp();
        }
        if (emission.Kind != EmissionKind.Token) return;
        _ids.Add(emission.TokenId);
        _times.Add(Stopwatch.GetTimestamp());
    }
}
