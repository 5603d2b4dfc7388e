using CsCheck;

namespace R1Grains.Engine.Tests;

public sealed class PrefixIndexTests
{
    [Fact]
    public void The_longest_common_beginning_is_found_id_by_id()
    {
        var index = new PrefixIndex();
        index.Set(0, "a", (int[])[1, 2, 3, 4]);
        index.Set(1, "a", (int[])[1, 2, 9]);
        Assert.Equal((0, 3), index.Find("a", [1, 2, 3, 7]));
        Assert.Equal((1, 3), index.Find("a", [1, 2, 9, 9]));
        Assert.Equal(2, index.Find("a", [1, 2]).Length);
        Assert.Equal((-1, 0), index.Find("a", [2, 1]));
    }

    [Fact]
    public void Scopes_never_meet()
    {
        var index = new PrefixIndex();
        index.Set(0, "tenant-1", (int[])[1, 2, 3]);
        Assert.Equal((-1, 0), index.Find("tenant-2", [1, 2, 3]));
        index.Set(1, "tenant-2", (int[])[1, 2]);
        Assert.Equal((1, 2), index.Find("tenant-2", [1, 2, 3]));
        Assert.Equal([1], index.FindContained("tenant-2", [1, 2, 3]));
    }

    [Fact]
    public void It_finds_what_a_comparison_with_every_slot_finds_whatever_came_and_went()
    {
        // Few ids and short texts, so that they fork, contain and repeat each other.
        Gen.Select(Gen.Int[0, 7], Gen.Int[0, 1], Gen.Int[0, 2].Array[1, 8], Gen.Int[0, 9]).Array[1, 60].Sample(steps =>
        {
            var index = new PrefixIndex();
            var slots = new Dictionary<int, (string Scope, int[] Ids)>();
            foreach (var (slot, scope, ids, kind) in steps)
            {
                if (kind == 0)
                {
                    index.Remove(slot);
                    slots.Remove(slot);
                }
                else if (kind == 1 && slots.Remove(slot, out var moved) && !slots.ContainsKey(slot + 10))
                {
                    index.Move(slot, slot + 10);
                    slots[slot + 10] = moved;
                }
                else if (kind > 1)
                {
                    index.Set(slot, $"{scope}", ids);
                    slots[slot] = ($"{scope}", ids);
                }
                else
                {
                    index.Remove(slot);
                }
                foreach (var (_, _, sought, _) in steps.Take(10))
                {
                    var longest = slots.Values.Where(s => s.Scope == $"{scope}").Select(s => s.Ids.AsSpan().CommonPrefixLength(sought)).DefaultIfEmpty().Max();
                    var found = index.Find($"{scope}", sought);
                    Assert.Equal(longest, found.Length);
                    if (longest > 0) Assert.Equal(longest, slots[found.Slot].Ids.AsSpan().CommonPrefixLength(sought));
                    var contained = slots.Where(s => s.Value.Scope == $"{scope}" && sought.AsSpan().StartsWith(s.Value.Ids)).Select(s => s.Key).Order();
                    Assert.Equal(contained, index.FindContained($"{scope}", sought).Order());
                }
            }
        }, iter: 2_000);
    }
}
