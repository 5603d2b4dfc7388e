namespace R1Grains.Engine;

/// <summary>Which slots are taken and how many positions are promised. Lowest slots go first, so a batch stays dense.</summary>
internal sealed class KvSlots(int rows, int capacity)
{
    // Positions reserved per slot; 0 for a free slot.
    private readonly int[] _reserved = new int[rows];

    /// <summary>Sum of all reservations; never above <see cref="Capacity"/>.</summary>
    public int Reserved { get; private set; }

    public int Capacity => capacity;

    public bool TryTake(int positions, out int slot)
    {
        slot = Array.IndexOf(_reserved, 0);
        if (slot < 0 || Reserved + positions > capacity) return false;
        _reserved[slot] = positions;
        Reserved += positions;
        return true;
    }

    public void Free(int slot)
    {
        Reserved -= _reserved[slot];
        _reserved[slot] = 0;
    }
}
