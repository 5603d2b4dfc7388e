using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Tests;

/// <summary>Where one test keeps its record, removed after it.</summary>
public interface IRecordStore : IAsyncDisposable
{
    Task<IRecord> OpenAsync();

    /// <summary>As a server that knows of a witness.</summary>
    Task<IRecord> OpenWitnessedAsync(string witness);

    Task<PublishedTrees> OpenTreesAsync();

    /// <summary>With which its checkpoints can be checked, once it has been opened.</summary>
    NoteKey Key { get; }

    Task<VerificationReport> VerifyAsync(IReadOnlyList<NoteKey>? keys = null, IProgress<VerificationProgress>? progress = null, CancellationToken cancellation = default);

    /// <summary>Of what is sealed, the digests alone.</summary>
    Task<VerificationReport> VerifyWithoutKeysAsync();

    /// <summary>As another process of the cluster; returns when every process has noticed.</summary>
    Task DestroyKeysAsync(string tenant, string customer);

    /// <summary>As a disk would.</summary>
    Task LoseKeysAsync();

    /// <summary>Changes rows behind the record's back, as somebody with access to the disk would.</summary>
    Task ExecuteAsync(string sql);

    /// <summary>What a process of the tests needs to open the record.</summary>
    string[] Arguments { get; }
}

/// <summary>The same tests run over each form of the record.</summary>
public abstract class StoreTests(IRecordStore store) : IAsyncLifetime
{
    protected IRecordStore Store => store;

    public virtual Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await store.DisposeAsync();
}
