namespace R1Grains.Ledger.Tree;

/// <summary>In whose name, and with which key, the trees of a record are signed.</summary>
/// <param name="Name">The same for all processes that write the record, and for ever: it is the first part of every tree's origin.</param>
public sealed record LogIdentity(string Name, NoteSigner Signer)
{
    /// <summary>The folder of a <see cref="Tree.Witness"/>, or a copy of it: a record that has not all that it cosigned is not opened. Null for none.</summary>
    public string? Witness { get; init; }

    /// <summary>Told once for each reason why a process that should lead cannot make the trees grow. What was committed stays where it is.</summary>
    public Action<Exception>? Failed { get; init; }

    /// <summary>Of the tenant's tree, without spaces and plus signs whatever the tenant is called.</summary>
    public string Origin(string tenant) => $"{Name}/{Uri.EscapeDataString(tenant)}";

    public SignedNote Sign(Checkpoint checkpoint) => Signer.Note(checkpoint.Text, checkpoint.Origin);

    public SignedNote Sign(Promise promise) => Signer.Note(promise.Text, promise.Origin);
}
