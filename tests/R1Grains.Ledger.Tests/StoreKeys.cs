using Microsoft.Extensions.Time.Testing;
using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Tests;

/// <summary>The keys of a test's record, as this process holds them: time stands still for them but where a test lets it pass.</summary>
internal sealed class StoreKeys(string folder) : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly Lock _opening = new();
    private Task<KeyRing>? _ring;

    public Task<KeyRing> Ring
    {
        get
        {
            lock (_opening)
                return _ring ??= OpenAsync();
        }
    }

    /// <summary>As another process would; returns when this one must have noticed.</summary>
    public async Task DestroyAsync(string tenant, string customer)
    {
        await using var other = await OpenAsync();
        var subject = (await other.SubjectsAsync(tenant, customer)).Single().Hash;
        await other.DestroyAsync(tenant, [new DataKeyId(subject, DataKeyId.PeriodOf(Samples.Start), 1)]);
        _time.Advance(KeyRing.NoticedWithin + TimeSpan.FromTicks(1));
    }

    /// <summary>Puts another index key in force, as another process would; returns when this one must have noticed.</summary>
    public async Task RotateIndexAsync(string tenant, int version)
    {
        await using var other = await OpenAsync();
        var rotating = other.RotateAsync(tenant, KeyKind.Index, version);
        while (!rotating.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        await rotating;
    }

    /// <summary>As a disk would, and a process that starts then.</summary>
    public async Task LoseAsync()
    {
        await DisposeAsync();
        _ring = null;
        Directory.Delete(Path.Combine(folder, KeyRing.FolderName), recursive: true);
    }

    public async ValueTask DisposeAsync()
    {
        if (_ring is not null)
            await (await _ring).DisposeAsync();
    }

    private Task<KeyRing> OpenAsync() => KeyRing.OpenAsync(
        FolderKeyStore.Open(Path.Combine(folder, KeyRing.FolderName)), RootKey.ReadOrMake(Path.Combine(folder, KeyRing.RootKeyFileName)), _time);
}
