using System.Runtime.CompilerServices;
using R1Grains.Inference;

namespace R1Grains.Conversations;

/// <summary>
/// Events in order, for any number of readers, each at its own pace: a slow one reads on from the log and delays
/// nobody. Used from one scheduler only.
/// </summary>
/// <param name="capacity">When there are more, the older half is forgotten, and readers that are not through it are refused.</param>
internal sealed class EventLog<T>(TimeProvider time, int capacity = int.MaxValue)
    where T : class
{
    /// <summary>After so long without an event a reader is told of the silence.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(1);

    private readonly List<T> _events = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Position of _events[0].
    private int _first;
    private Refusal? _failure;

    /// <summary>Position of the next event.</summary>
    public int Next => _first + _events.Count;

    public T? Last => _events.LastOrDefault();

    public bool IsEnded => _ended.Task.IsCompleted;

    /// <summary>Completes with the log, however it ends.</summary>
    public Task Ended => _ended.Task;

    public void Append(T what)
    {
        if (_events.Count == capacity)
        {
            _events.RemoveRange(0, capacity / 2);
            _first += capacity / 2;
        }
        _events.Add(what);
        Wake();
    }

    /// <summary>Lets go of what has been appended. Only while nobody reads.</summary>
    public void Forget()
    {
        _first = Next;
        _events.Clear();
        _events.TrimExcess();
    }

    /// <param name="failure">What readers are refused with once they have read everything; null for a proper end.</param>
    public void End(Refusal? failure = null)
    {
        if (!_ended.TrySetResult()) return;
        _failure = failure;
        Wake();
    }

    /// <summary>Null stands for <see cref="Silence"/>.</summary>
    /// <exception cref="RefusedException">The log ended with a failure, or the reader has fallen behind.</exception>
    public async IAsyncEnumerable<T?> Read(int from, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var position = from;
        while (true)
        {
            if (position < _first) throw new RefusedException(new(Reason.NodeUnavailable, $"this reader has fallen more than {capacity / 2} events behind: begin again"));
            if (position < Next)
            {
                yield return _events[position++ - _first];
                continue;
            }
            if (IsEnded)
            {
                if (_failure is { } failure) throw new RefusedException(failure);
                yield break;
            }
            var changed = _changed.Task;
            var woken = await changed.Within(Silence, time, cancellation);
            cancellation.ThrowIfCancellationRequested();
            if (!woken) yield return null;
        }
    }

    private void Wake()
    {
        var changed = _changed;
        _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        changed.SetResult();
    }
}
