using System.Diagnostics;
using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Tests;

/// <summary>A process that goes on with what is under way of a tenant's rotations, and takes each step only when it is told to.</summary>
internal static class RotatingProcess
{
    public static Process Start(string tenant, params string[] store)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in (string[])["exec", typeof(RotatingProcess).Assembly.Location, "rotate", tenant, .. store])
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    public static async Task<int> Run(string tenant, string[] store)
    {
        var (record, ring) = await OpenAsync(store);
        await new KeyRotations(record, ring, TimeProvider.System).AdvanceAsync(tenant, new Steps());
        await record.DisposeAsync();
        await ring.DisposeAsync();
        return 0;
    }

    /// <summary>The record and its keys as a process of their cluster has them.</summary>
    public static async Task<(StoredRecord Record, KeyRing Ring)> OpenAsync(string[] store)
    {
        if (store is ["sqlite", var folder])
        {
            var beside = await KeyRing.OpenBesideAsync(folder);
            return (await SqliteRecord.OpenAsync(folder, keys: beside), beside);
        }
        if (store is not ["postgres", var connection, var marks, var keys])
            throw new ArgumentException("unknown store");
        var ring = await KeyRing.OpenAsync(await PostgresKeyStore.OpenAsync(keys), RootKey.ReadOrMake(Path.Combine(marks, KeyRing.RootKeyFileName)));
        return (await PostgresRecord.OpenAsync(connection, new FileRecordMarks(marks), Postgres.PostgresStore.Identity(marks), ring), ring);
    }

    private sealed class Steps : IProgress<(KeyRotation Rotation, KeyProgress Progress)>
    {
        public void Report((KeyRotation Rotation, KeyProgress Progress) value)
        {
            Console.Out.WriteLine($"{value.Progress.Done} of {value.Progress.Total}");
            Console.In.ReadLine();
        }
    }
}
