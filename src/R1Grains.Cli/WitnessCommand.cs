using System.CommandLine;
using R1Grains.Ledger;
using R1Grains.Ledger.Tree;

namespace R1Grains.Cli;

/// <summary><c>r1 audit witness</c></summary>
internal static class WitnessCommand
{
    private static readonly Argument<string> Place = new("record") { Description = "The record's file, or the folder that holds it, or the connection string of a PostgreSQL database." };

    private static readonly Option<string> Folder = new("--folder") { Description = "Where the witness keeps its key and what it cosigned: on a machine where the record's keepers have no access.", DefaultValueFactory = _ => "witness" };

    private static readonly Option<string> Name = new("--name") { Description = "What stands beneath the checkpoints that it cosigns.", DefaultValueFactory = _ => $"witness/{Environment.MachineName}" };

    private static readonly Option<string[]> Keys = new("--key") { Description = "File of a public key that signs the record (record.key.pub); may be given several times.", Required = true };

    private static readonly Option<int> Seconds = new("--every") { Description = "Seconds between two looks; 0 looks once.", DefaultValueFactory = _ => 1 };

    public static Command Create()
    {
        var witness = new ExampledCommand(
            "witness",
            "Follows the trees of a record and cosigns what goes on from what it saw before. Ends with exit code 1, and changes nothing, when a tree is shorter than it was, another one, gone, or not signed. A server that is given the folder (R1__Record__Witness) does not start with a record that has less.",
            """
            r1 audit witness "Host=db1;Database=r1grains;Username=witness;Passfile=/home/witness/.pgpass" --key record.key.pub --folder /srv/witness
            r1 audit witness ./data --key data/record.key.pub --folder ../witness --every 0
            """) { Place, Folder, Name, Keys, Seconds };
        witness.SetAction(Run);
        return witness;
    }

    private static async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        try
        {
            NoteKey[] keys = [.. parsed.GetRequiredValue(Keys).Select(file => NoteKey.FromPem(File.ReadAllText(file)))];
            using var witness = Witness.Open(parsed.GetRequiredValue(Folder), parsed.GetRequiredValue(Name));
            return await Follow(witness, parsed.GetRequiredValue(Place), keys, TimeSpan.FromSeconds(parsed.GetValue(Seconds)), cancellation);
        }
        catch (Exception exception) when (exception is RecordFolderException or RecordServerException or RecordUnavailableException or RecordKeyException or IOException or UnauthorizedAccessException or FormatException or ArgumentException)
        {
            Console.Error.WriteLine($"r1: {exception.Message}");
            return ExitCode.Usage;
        }
    }

    private static async Task<int> Follow(Witness witness, string place, NoteKey[] keys, TimeSpan pause, CancellationToken cancellation)
    {
        for (var first = true; ; first = false)
        {
            try
            {
                // Opened anew each time: a record that is put in the place of another is looked at, too.
                await using var trees = AuditCommand.IsConnection(place) ? await PublishedTrees.OpenPostgresAsync(place, cancellation) : PublishedTrees.OpenFile(place);
                var refused = await witness.LookAsync(trees, keys, cancellation);
                foreach (var tree in refused)
                    Console.Error.WriteLine($"REFUSED {tree.Origin}: {tree.Reason}");
                if (refused.Count > 0)
                    return ExitCode.Refused;
                if (first)
                    Console.WriteLine("all trees go on from what was cosigned");
            }
            catch (InvalidDataException unfollowed)
            {
                Console.Error.WriteLine($"REFUSED: {unfollowed.Message}");
                return ExitCode.Refused;
            }
            catch (FormatException unreadable)
            {
                Console.Error.WriteLine($"REFUSED: a checkpoint cannot be read: {unreadable.Message}");
                return ExitCode.Refused;
            }
            catch (RecordUnavailableException away) when (!first)
            {
                // A server that is away says nothing about the record.
                Console.Error.WriteLine($"r1: {away.Message}");
            }
            if (pause == TimeSpan.Zero)
                return ExitCode.Done;
            await Task.Delay(pause, TimeProvider.System, cancellation);
        }
    }
}
