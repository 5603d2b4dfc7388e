namespace R1Grains.Ledger.Tree;

/// <summary>That a leaf stands in a tenant's tree.</summary>
/// <param name="Leaf">Its number, from 0.</param>
/// <param name="Hashes">From the bottom to the top.</param>
/// <param name="Checkpoint">Names size and root of the tree.</param>
public sealed record InclusionProof(long Leaf, IReadOnlyList<Digest> Hashes, SignedNote Checkpoint);

/// <summary>That a tenant's tree begins with an earlier one.</summary>
/// <param name="Hashes">As RFC 6962 orders them.</param>
/// <param name="Checkpoint">Names size and root of the later tree.</param>
public sealed record ConsistencyProof(IReadOnlyList<Digest> Hashes, SignedNote Checkpoint);
