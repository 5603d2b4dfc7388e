using System.Diagnostics.CodeAnalysis;

namespace R1Grains.Ledger.Keys;

/// <summary>
/// What was used lately. It holds between <paramref name="size"/> and twice as many: those used since the last time it was
/// full, and those that were used before.
/// </summary>
internal sealed class BoundedMap<TKey, TValue>(int size) where TKey : notnull
{
    private readonly Lock _lock = new();
    private Dictionary<TKey, TValue> _young = [];
    private Dictionary<TKey, TValue> _old = [];

    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        lock (_lock)
        {
            if (_young.TryGetValue(key, out value))
                return true;
            if (!_old.Remove(key, out value))
                return false;
            Put(key, value);
            return true;
        }
    }

    public void Add(TKey key, TValue value)
    {
        lock (_lock)
        {
            _old.Remove(key);
            Put(key, value);
        }
    }

    public bool Remove(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        lock (_lock)
            return _young.Remove(key, out value) || _old.Remove(key, out value);
    }

    private void Put(TKey key, TValue value)
    {
        if (_young.Count >= size)
            (_old, _young) = (_young, []);
        _young[key] = value;
    }
}
