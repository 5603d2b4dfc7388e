using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Tree;

/// <summary>In whose name, and with which key, the trees of a record are signed.</summary>
/// <param name="Name">The same for all processes that write the record, and for ever: it is the first part of every tree's origin.</param>
/// <param name="Signer">The first one: a later one of the key ring goes before it.</param>
public sealed record LogIdentity(string Name, NoteSigner Signer)
{
    /// <summary>The folder of a <see cref="Tree.Witness"/>, or a copy of it: a record that has not all that it cosigned is not opened. Null for none.</summary>
    public string? Witness { get; init; }

    /// <summary>Told once for each reason why a process that should lead cannot make the trees grow. What was committed stays where it is.</summary>
    public Action<Exception>? Failed { get; init; }

    /// <summary>Of the tenant's tree, without spaces and plus signs whatever the tenant is called.</summary>
    public string Origin(string tenant) => $"{Name}/{Uri.EscapeDataString(tenant)}";

    /// <summary>Of the keys that seal the record.</summary>
    internal KeyRing? Ring { get; init; }

    /// <summary>Who signs now.</summary>
    public NoteSigner InForce => Ring?.Signer ?? Signer;

    public SignedNote Sign(Checkpoint checkpoint) => InForce.Note(checkpoint.Text, checkpoint.Origin);

    public SignedNote Sign(Promise promise) => InForce.Note(promise.Text, promise.Origin);

    /// <summary>Returns when it is known who signs.</summary>
    /// <exception cref="RecordUnavailableException"/>
    internal ValueTask RequireFreshAsync() => Ring?.RequireFreshAsync() ?? ValueTask.CompletedTask;
}
