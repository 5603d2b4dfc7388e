using System.Globalization;
using System.Runtime.CompilerServices;
using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Keys;

/// <summary>
/// Keys in a folder that processes of one or several machines may share: a file for each, made whole or not at all. A key
/// that was destroyed leaves its file, zeroed in its place, so that nobody takes it for one that was lost.
/// </summary>
public sealed class FolderKeyStore : IKeyStore
{
    private const UnixFileMode OwnersAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const string Announcements = "announcements";
    private const string LockName = "lock";

    private static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(20);

    private readonly string _folder;

    private FolderKeyStore(string folder) => _folder = folder;

    public string Place => $"the folder '{_folder}'";

    /// <summary>Creates the folder where missing.</summary>
    /// <exception cref="KeyStoreException">It cannot be made.</exception>
    public static FolderKeyStore Open(string folder)
    {
        var store = new FolderKeyStore(Path.GetFullPath(folder));
        try
        {
            store.Make(Path.Combine(store._folder, Announcements));
            return store;
        }
        catch (Exception unwritable) when (unwritable is IOException or UnauthorizedAccessException)
        {
            throw new KeyStoreException(store.Place, $"it cannot be made ({unwritable.Message.TrimEnd('.')}). Give the server write access there, or name another folder.", unwritable);
        }
    }

    /// <summary>To read alone, e.g. a copy.</summary>
    /// <exception cref="KeyStoreException">There is none.</exception>
    public static FolderKeyStore OpenToRead(string folder) => Directory.Exists(Path.Combine(folder, Announcements))
        ? new FolderKeyStore(Path.GetFullPath(folder))
        : throw new KeyStoreException($"the folder '{folder}'", "it is no key store. Name the folder that is.");

    public Task<StoredKey?> FindAsync(KeyName name, CancellationToken cancellation = default) => Try(() => Read(FileOf(name)));

    public Task<StoredKey> AddAsync(KeyName name, byte[] wrapped, CancellationToken cancellation = default) => Try(() =>
    {
        var file = FileOf(name);
        Make(Path.GetDirectoryName(file)!);
        return KeyFile.Write(file, wrapped, OwnersAlone) ? new StoredKey(wrapped) : Read(file)!;
    });

    public Task<int> ReplaceAsync(IReadOnlyList<KeyReplacement> replacements, CancellationToken cancellation = default) => Alone(() =>
    {
        var replaced = 0;
        foreach (var (name, before, wrapped) in replacements)
        {
            if (Read(FileOf(name)) is not { Wrapped: { } there } || !there.AsSpan().SequenceEqual(before))
                continue;
            KeyFile.Replace(FileOf(name), wrapped, OwnersAlone);
            replaced++;
        }
        return replaced;
    }, cancellation);

    public async Task DestroyAsync(IReadOnlyList<KeyName> names, CancellationToken cancellation = default)
    {
        await Alone(() =>
        {
            foreach (var name in names)
                Destroy(FileOf(name));
            return true;
        }, cancellation);
        await AnnounceAsync(names, cancellation);
    }

    public async Task AnnounceAsync(IReadOnlyList<KeyName> names, CancellationToken cancellation = default) => await Try(() =>
    {
        var content = new ByteWriter().List(names, (writer, name) => writer.String(name.Tenant).String(name.Name)).ToArray();
        var number = Last() + 1;
        while (!KeyFile.Write(AnnouncementOf(number), content, OwnersAlone))
            number++;
        return true;
    });

    public Task<IReadOnlyList<KeyAnnouncement>> ListAnnouncementsAsync(long after, CancellationToken cancellation = default) => Try<IReadOnlyList<KeyAnnouncement>>(() =>
    {
        // Who cannot look has seen nothing; an older copy in its place has forgotten what was destroyed.
        if (!Directory.Exists(Path.Combine(_folder, Announcements)))
            throw new DirectoryNotFoundException("the folder is not there");
        if (after > 0 && !File.Exists(AnnouncementOf(after)))
            throw new IOException($"announcement {after} was seen and is not there any more, so an older copy of the keys is");
        var announcements = new List<KeyAnnouncement>();
        for (var number = after + 1; File.Exists(AnnouncementOf(number)); number++)
        {
            var reader = new ByteReader(File.ReadAllBytes(AnnouncementOf(number)));
            announcements.Add(new(number, reader.List((ref ByteReader name) => new KeyName(name.String(), name.String()))));
        }
        return announcements;
    });

    public Task<long> LastAnnouncementAsync(CancellationToken cancellation = default) => Try(Last);

    public async IAsyncEnumerable<(KeyName Name, StoredKey Key)> ListAsync(string tenant, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var files = await Try(() => Directory.Exists(FolderOf(tenant)) ? Directory.EnumerateFiles(FolderOf(tenant), "*", SearchOption.AllDirectories) : []);
        foreach (var file in files.Where(file => !KeyFile.IsUnfinished(file)))
        {
            cancellation.ThrowIfCancellationRequested();
            if (await Try(() => Read(file)) is { } key)
                yield return (new KeyName(tenant, Path.GetFileName(file)), key);
        }
    }

    public Task<IReadOnlyList<string>> ListTenantsAsync(CancellationToken cancellation = default) => Try<IReadOnlyList<string>>(() =>
        [.. Directory.EnumerateDirectories(_folder, TenantPrefix + "*").Select(folder => Uri.UnescapeDataString(Path.GetFileName(folder)[TenantPrefix.Length..])).Order(StringComparer.Ordinal)]);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private const string TenantPrefix = "tenant=";

    private static StoredKey? Read(string file)
    {
        try
        {
            return File.ReadAllBytes(file) is [not 0, ..] wrapped ? new StoredKey(wrapped) : new StoredKey(Wrapped: null);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>In its place, so that the bytes that were there are there no more, as far as a file system lets one say so.</summary>
    private void Destroy(string file)
    {
        if (!File.Exists(file))
        {
            Make(Path.GetDirectoryName(file)!);
            if (KeyFile.Write(file, [0], OwnersAlone))
                return;
        }
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        stream.Write(new byte[stream.Length]);
        stream.Flush(flushToDisk: true);
    }

    private string FolderOf(string tenant) => Path.Combine(_folder, TenantPrefix + Uri.EscapeDataString(tenant));

    /// <summary>Data keys are many, and lie in folders by their first digits.</summary>
    private string FileOf(KeyName name) => name.IsOfTenant
        ? Path.Combine(FolderOf(name.Tenant), name.Name)
        : Path.Combine(FolderOf(name.Tenant), name.Name.Substring(KeyName.DataPrefix.Length, 2), name.Name);

    private string AnnouncementOf(long number) => Path.Combine(_folder, Announcements, number.ToString(CultureInfo.InvariantCulture));

    private long Last() => Directory.EnumerateFiles(Path.Combine(_folder, Announcements))
        .Max(file => long.TryParse(Path.GetFileName(file), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0L as long?) ?? 0;

    private void Make(string folder)
    {
        if (Directory.Exists(folder))
            return;
        if (Path.GetDirectoryName(folder) is { } above)
            Make(above);
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(folder);
        else
            Directory.CreateDirectory(folder, OwnersAlone | UnixFileMode.UserExecute);
        KeyFile.Flush(Path.GetDirectoryName(folder)!);
    }

    /// <summary>While no other process of the folder is in here, so that what is destroyed is not put back.</summary>
    private async Task<T> Alone<T>(Func<T> act, CancellationToken cancellation)
    {
        for (var started = TimeProvider.System.GetTimestamp(); ; await Task.Delay(LockPause, TimeProvider.System, cancellation))
        {
            FileStream held;
            try
            {
                held = new FileStream(Path.Combine(_folder, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (TimeProvider.System.GetElapsedTime(started) < LockPatience)
            {
                continue;
            }
            catch (Exception unwritable) when (unwritable is IOException or UnauthorizedAccessException)
            {
                throw Unavailable(unwritable);
            }
            await using (held)
                return await Try(act);
        }
    }

    /// <summary>Calls of a file system block: keys are few and small.</summary>
    private Task<T> Try<T>(Func<T> act)
    {
        try
        {
            return Task.FromResult(act());
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return Task.FromException<T>(Unavailable(failure));
        }
    }

    private RecordUnavailableException Unavailable(Exception cause) =>
        new($"The keys of the record in {Place} cannot be used: {cause.Message.TrimEnd('.')}. Give the server access and free space there, then retry.", cause);
}
