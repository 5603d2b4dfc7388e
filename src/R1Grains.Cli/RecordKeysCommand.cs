using System.CommandLine;
using R1Grains.V1;
using Spectre.Console;

namespace R1Grains.Cli;

/// <summary><c>r1 keys show</c> and <c>r1 keys rotate</c>: keys of the record, which are nobody's to have.</summary>
internal static class RecordKeysCommand
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);

    private static readonly Option<bool> Cluster = new("--cluster") { Description = "The keys of the cluster itself, instead of a tenant's." };

    private static readonly Option<bool> NoWait = new("--no-wait") { Description = "Return at once; it goes on all the same." };

    public static Command Show()
    {
        var show = new ExampledCommand("show", "Shows which keys of the record a tenant has, since when, and what they protect. No key is shown.", """
            r1 keys show --tenant demo
            r1 keys show --cluster
            """) { Cluster, Listing.Json };
        show.SetAction(async (parsed, cancellation) =>
        {
            using var connection = parsed.Connect();
            var keys = await connection.Call(c => c.Keys.GetRecordKeysAsync(new() { Parent = Parent(parsed) }, cancellationToken: cancellation), cancellation);
            var listing = new Listing(parsed.GetValue(Listing.Json));
            if (parsed.GetValue(Listing.Json))
            {
                listing.Write(keys);
                return ExitCode.Done;
            }
            await listing.Write(
                keys.Keys.ToAsyncEnumerable(),
                ["Key", "Version", "State", "Since", "Asked by", "Protects"],
                key => [Name(key.Kind), Listing.Text(key.Version), State(key.State), Listing.Text(key.CreateTime), key.RequestedBy, Protects(key)]);
            listing.Write(
                keys,
                ("data keys", $"{keys.DataKeys} of customers and months, {keys.DestroyedDataKeys} destroyed"),
                ("root key", keys.RootKey));
            return ExitCode.Done;
        });
        return show;
    }

    public static Command Rotate()
    {
        var rotate = new ExampledCommand("rotate", "Puts another key of the record in force, while everything goes on. What was begun goes on also without this command, and after a crash of the server.", """
            r1 keys rotate tenant --purpose "yearly"
            r1 keys rotate signing
            r1 keys rotate index
            r1 keys rotate search
            """)
        {
            Of(RecordKey.Types.Kind.Tenant, "All keys of the tenant are wrapped by another tenant key, and the one before is destroyed: copies of what it wrapped open no more."),
            Of(RecordKey.Types.Kind.Signing, "Trees, receipts and certificates are signed with another key. Who holds the first public key follows the record from it to the newest; what the one before signed counts for ever, and from then on it signs nothing more."),
            Of(RecordKey.Types.Kind.Root, "All tenants' keys are wrapped by the root key that the servers are given first (R1__Record__RootKey), so that the one before can be destroyed. Every server must have been given both by then."),
            Of(RecordKey.Types.Kind.Index, "Customers who begin a conversation from then on are told apart by another key. The one before still finds, holds and erases what it made."),
            Of(RecordKey.Types.Kind.Search, "The search index is built anew with another key. Until then 'r1 audit search' finds what has been seen so far."),
        };
        return rotate;
    }

    private static ExampledCommand Of(RecordKey.Types.Kind kind, string description)
    {
        var name = Name(kind);
        var command = new ExampledCommand(name, description, $"r1 keys rotate {name}{(kind is RecordKey.Types.Kind.Signing or RecordKey.Types.Kind.Root ? "" : " --tenant demo")} --purpose \"yearly\"") { PurposeOption.Purpose, NoWait };
        if (kind is RecordKey.Types.Kind.Tenant)
            command.Options.Add(Cluster);
        command.SetAction((parsed, cancellation) => Run(parsed, kind, cancellation));
        return command;
    }

    private static async Task<int> Run(ParseResult parsed, RecordKey.Types.Kind kind, CancellationToken cancellation)
    {
        using var connection = parsed.Connect();
        var request = new RotateRecordKeyRequest { Parent = kind is RecordKey.Types.Kind.Signing or RecordKey.Types.Kind.Root ? "cluster" : Parent(parsed), RequestId = Guid.NewGuid().ToString(), Kind = kind, Purpose = parsed.GetValue(PurposeOption.Purpose) ?? "" };
        var rotation = await connection.Call(c => c.Keys.RotateRecordKeyAsync(request, cancellationToken: cancellation), cancellation);
        if (parsed.GetValue(NoWait))
        {
            Console.WriteLine(rotation.Name);
            return ExitCode.Done;
        }
        await WithProgress(async told =>
        {
            while (rotation.DoneTime is null)
            {
                told(rotation);
                await Task.Delay(Look, TimeProvider.System, cancellation);
                rotation = await connection.Call(c => c.Keys.GetKeyRotationAsync(new() { Name = rotation.Name }, cancellationToken: cancellation), cancellation);
            }
        });
        if (kind is RecordKey.Types.Kind.Root)
            Console.WriteLine($"the root key that is given first wraps all tenants' keys, {rotation.WrappedKeys} anew");
        else
            Console.WriteLine($"{Name(kind)} key {rotation.Version} is in force{(kind is RecordKey.Types.Kind.Tenant ? $", {rotation.WrappedKeys} keys are wrapped by it and the one before is destroyed" : "")}");
        return ExitCode.Done;
    }

    private static Task WithProgress(Func<Action<KeyRotation>, Task> run) => Console.IsErrorRedirected || Console.IsOutputRedirected
        ? run(_ => { })
        : AnsiConsole.Progress().AutoClear(true).StartAsync(context =>
        {
            var task = context.AddTask("keys");
            return run(rotation => (task.MaxValue, task.Value) = (Math.Max(1, rotation.TotalKeys), rotation.WrappedKeys));
        });

    private static string Parent(ParseResult parsed) => parsed.GetValue(Cluster) ? "cluster" : $"tenants/{parsed.TenantName()}";

#pragma warning disable CA1308 // Not to compare, but as people write it.
    private static string Name(RecordKey.Types.Kind kind) => kind.ToString().ToLowerInvariant();
#pragma warning restore CA1308

    private static string State(RecordKey.Types.State state) => state switch
    {
        RecordKey.Types.State.InForce => "in force",
        RecordKey.Types.State.Earlier => "earlier",
        RecordKey.Types.State.Destroyed => "destroyed",
        _ => "",
    };

    private static string Protects(RecordKey key) => key.Kind switch
    {
        RecordKey.Types.Kind.Tenant => $"{key.WrappedKeys} keys that it wraps",
        RecordKey.Types.Kind.Index => "who the customers are",
        RecordKey.Types.Kind.Signing => $"trees, receipts, certificates (signs as {key.KeyId})",
        RecordKey.Types.Kind.Search => "words in the search index",
        _ => "",
    };
}
