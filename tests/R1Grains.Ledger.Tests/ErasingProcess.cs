using System.Diagnostics;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Retention;

namespace R1Grains.Ledger.Tests;

/// <summary>Between which of its steps an erasure can be killed, in their order.</summary>
public enum ErasureStep
{
    EndsTurns,
    DestroysKeys,
    HasDestroyedKeys,
    ForgetsConversations,
    ForgetsPrefixes,
    HasCertified,
}

/// <summary>A record with what erases, which tells before each step that it has come to it.</summary>
internal sealed class ErasingProcess : IAsyncDisposable
{
    private readonly Func<ErasureStep, Task> _at;
    private bool _isDestroying;

    private ErasingProcess(StoredRecord record, Func<ErasureStep, Task> at) => (Record, _at) = (record, at);

    public StoredRecord Record { get; }

    public KeyRing Keys { get; private init; } = null!;

    public Erasures Erasures { get; private init; } = null!;

    public ErasureWork Work { get; private set; } = null!;

    /// <summary>Another process that erases what the tenant demo has agreed to, says that it has come to the step, and waits there to be killed.</summary>
    public static Process Start(ErasureStep step, string[] store)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["exec", typeof(ErasingProcess).Assembly.Location, "erase", $"{step}", .. store])
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    public static async Task<int> Run(string step, string[] store)
    {
        await using var erasing = await OpenAsync(store, async come =>
        {
            if ($"{come}" != step)
                return;
            Console.Out.WriteLine(step);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System);
        });
        await erasing.Work.AdvanceAsync("demo");
        await erasing._at(ErasureStep.HasCertified);
        return 1;
    }

    public static async Task<ErasingProcess> OpenAsync(string[] store, Func<ErasureStep, Task>? at = null)
    {
        at ??= _ => Task.CompletedTask;
        var folder = store[^1];
        ErasingProcess? opened = null;
        var keys = await KeyRing.OpenAsync(
            new WatchedKeyStore(FolderKeyStore.Open(Path.Combine(folder, KeyRing.FolderName)), async step =>
            {
                opened!._isDestroying = true;
                await at(step);
            }),
            RootKey.ReadOrMake(Path.Combine(folder, KeyRing.RootKeyFileName)));
        StoredRecord record = store is ["postgres", var connection, var marks]
            ? await PostgresRecord.OpenAsync(connection, new FileRecordMarks(marks), Postgres.PostgresStore.Identity(marks), keys)
            : await SqliteRecord.OpenAsync(folder, keys: keys);
        var rules = new RetentionRules { Minimum = Term.None };
        var time = new HurriedTime();
        opened = new(record, at) { Keys = keys, Erasures = new(record, rules, new(record.Registry, time), time) };
        opened.Work = new(
            record, keys, opened.Erasures, time,
            (_, _, _) => at(opened._isDestroying ? ErasureStep.ForgetsConversations : ErasureStep.EndsTurns), (_, _) => at(ErasureStep.ForgetsPrefixes));
        return opened;
    }

    public async ValueTask DisposeAsync()
    {
        await Record.DisposeAsync();
        await Keys.DisposeAsync();
    }

    /// <summary>No wait is longer than a moment.</summary>
    private sealed class HurriedTime : TimeProvider
    {
        private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(5);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            System.CreateTimer(callback, state, dueTime > Moment ? Moment : dueTime, period);
    }

    private sealed class WatchedKeyStore(IKeyStore store, Func<ErasureStep, Task> at) : IKeyStore
    {
        public string Place => store.Place;

        public async Task DestroyAsync(IReadOnlyList<KeyName> names, CancellationToken cancellation = default)
        {
            await at(ErasureStep.DestroysKeys);
            await store.DestroyAsync(names, cancellation);
            await at(ErasureStep.HasDestroyedKeys);
        }

        public Task<StoredKey?> FindAsync(KeyName name, CancellationToken cancellation = default) => store.FindAsync(name, cancellation);

        public Task<StoredKey> AddAsync(KeyName name, byte[] wrapped, CancellationToken cancellation = default) => store.AddAsync(name, wrapped, cancellation);

        public Task<int> ReplaceAsync(IReadOnlyList<KeyReplacement> replacements, CancellationToken cancellation = default) => store.ReplaceAsync(replacements, cancellation);

        public Task AnnounceAsync(IReadOnlyList<KeyName> names, CancellationToken cancellation = default) => store.AnnounceAsync(names, cancellation);

        public Task<IReadOnlyList<KeyAnnouncement>> ListAnnouncementsAsync(long after, CancellationToken cancellation = default) => store.ListAnnouncementsAsync(after, cancellation);

        public Task<long> LastAnnouncementAsync(CancellationToken cancellation = default) => store.LastAnnouncementAsync(cancellation);

        public IAsyncEnumerable<(KeyName Name, StoredKey Key)> ListAsync(string tenant, CancellationToken cancellation = default) => store.ListAsync(tenant, cancellation);

        public Task<IReadOnlyList<string>> ListTenantsAsync(CancellationToken cancellation = default) => store.ListTenantsAsync(cancellation);

        public ValueTask DisposeAsync() => store.DisposeAsync();
    }
}
