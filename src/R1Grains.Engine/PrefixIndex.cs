namespace R1Grains.Engine;

/// <summary>
/// Which slots begin with which ids: a radix tree per scope. A slot is found by the longest run of ids that it has in
/// common with a prompt, compared id by id.
/// </summary>
internal sealed class PrefixIndex
{
    private readonly Dictionary<string, Node> _roots = [];

    // Where each slot's ids end.
    private readonly Dictionary<int, Node> _ends = [];

    /// <summary>The slot that has most ids from the beginning in common with <paramref name="ids"/>; length 0 when none has any.</summary>
    public (int Slot, int Length) Find(string scope, ReadOnlySpan<int> ids)
    {
        if (!_roots.TryGetValue(scope, out var node)) return (-1, 0);
        var matched = 0;
        while (node.Children.TryGetValue(matched < ids.Length ? ids[matched] : -1, out var child))
        {
            var common = child.Edge.Span.CommonPrefixLength(ids[matched..]);
            (matched, node) = (matched + common, child);
            if (common < child.Edge.Length) break;
        }
        return matched == 0 ? (-1, 0) : (AnyBelow(node), matched);
    }

    /// <summary>The slots whose ids are all at the beginning of <paramref name="ids"/>.</summary>
    public List<int> FindContained(string scope, ReadOnlySpan<int> ids)
    {
        var found = new List<int>();
        var node = _roots.GetValueOrDefault(scope);
        while (node is not null)
        {
            found.AddRange(node.Slots);
            node = ids.Length > 0 && node.Children.TryGetValue(ids[0], out var child) && ids.StartsWith(child.Edge.Span) ? child : null;
            if (node is not null) ids = ids[node.Edge.Length..];
        }
        return found;
    }

    /// <summary>Says what a slot holds, in place of what was said before.</summary>
    /// <param name="ids">At least one; not changed afterwards.</param>
    public void Set(int slot, string scope, ReadOnlyMemory<int> ids)
    {
        Remove(slot);
        if (!_roots.TryGetValue(scope, out var node)) _roots[scope] = node = new Node(null, scope, default);
        while (ids.Length > 0)
        {
            if (!node.Children.TryGetValue(ids.Span[0], out var child))
                node.Children[ids.Span[0]] = child = new Node(node, scope, ids);
            var common = child.Edge.Span.CommonPrefixLength(ids.Span);
            node = common < child.Edge.Length ? Split(child, common) : child;
            ids = ids[common..];
        }
        node.Slots.Add(slot);
        _ends[slot] = node;
    }

    /// <summary>What the one slot held is in the other now.</summary>
    public void Move(int from, int to)
    {
        if (!_ends.Remove(from, out var node)) return;
        node.Slots.Remove(from);
        node.Slots.Add(to);
        _ends[to] = node;
    }

    public void Remove(int slot)
    {
        if (!_ends.Remove(slot, out var node)) return;
        node.Slots.Remove(slot);
        while (node.Slots.Count == 0 && node.Children.Count == 0)
        {
            if (node.Parent is null)
            {
                _roots.Remove(node.Scope);
                return;
            }
            node.Parent.Children.Remove(node.Edge.Span[0]);
            node = node.Parent;
        }
        if (node is { Parent: not null, Slots.Count: 0, Children.Count: 1 }) Join(node);
    }

    private static int AnyBelow(Node node)
    {
        while (node.Slots.Count == 0) node = node.Children.Values.First();
        return node.Slots[0];
    }

    /// <summary>Puts a node into the edge that leads to <paramref name="lower"/>.</summary>
    private static Node Split(Node lower, int length)
    {
        var upper = new Node(lower.Parent, lower.Scope, lower.Edge[..length]);
        lower.Parent!.Children[lower.Edge.Span[0]] = upper;
        (lower.Parent, lower.Edge) = (upper, lower.Edge[length..]);
        upper.Children[lower.Edge.Span[0]] = lower;
        return upper;
    }

    /// <summary>Takes a node out of its edge where nothing ends and nothing forks any more, so that a tree has fewer nodes than twice its slots.</summary>
    private static void Join(Node node)
    {
        var child = node.Children.Values.First();
        (child.Parent, child.Edge) = (node.Parent, (int[])[.. node.Edge.Span, .. child.Edge.Span]);
        node.Parent!.Children[child.Edge.Span[0]] = child;
    }

    /// <param name="edge">The ids that lead here from the parent; empty for a root only.</param>
    private sealed class Node(Node? parent, string scope, ReadOnlyMemory<int> edge)
    {
        public Node? Parent { get; set; } = parent;

        public string Scope => scope;

        public ReadOnlyMemory<int> Edge { get; set; } = edge;

        // By the first id of their edges.
        public Dictionary<int, Node> Children { get; } = [];

        public List<int> Slots { get; } = [];
    }
}
