using System.Runtime.CompilerServices;
using System.Text.Json;
using R1Grains.V1;

namespace R1Grains.Cli;

/// <summary>How far a turn has been shown here.</summary>
/// <param name="Turn">Its name; "" until it is accepted.</param>
/// <param name="Sequence">Of the last piece of text that was shown.</param>
internal sealed record SeenTurn(string RequestId, string Turn = "", long Sequence = 0);

/// <summary>
/// Remembers, over the end of this process, the one turn of a conversation whose end was not shown: a file each, gone
/// with the end of the turn.
/// </summary>
/// <param name="warn">Told, once, that nothing can be remembered; the conversation goes on.</param>
internal sealed class SeenTurns(string folder, Action<string> warn, TimeProvider time)
{
    /// <summary>No conversation lives longer without a turn.</summary>
    private static readonly TimeSpan Keep = TimeSpan.FromDays(30);

    private bool _warned;

    public static SeenTurns OfUser(Action<string> warn) => new(
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "r1grains", "seen"),
        warn,
        TimeProvider.System);

    /// <summary>Null where every turn was shown to its end.</summary>
    public SeenTurn? Find(string conversation)
    {
        try
        {
            return JsonSerializer.Deserialize<SeenTurn>(File.ReadAllBytes(PathOf(conversation)));
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }

    /// <summary>
    /// Hands the events on and notes each once the reader has come back for the next, which is when it was shown. After
    /// the end of the turn it need not come back.
    /// </summary>
    public async IAsyncEnumerable<TurnEvent> Track(
        string conversation, SeenTurn seen, IAsyncEnumerable<TurnEvent> events, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        Save(conversation, seen);
        await foreach (var turnEvent in events.WithCancellation(cancellation))
        {
            if (turnEvent.EventCase is TurnEvent.EventOneofCase.Completed or TurnEvent.EventOneofCase.Failed)
                Forget(conversation);
            yield return turnEvent;
            switch (turnEvent.EventCase)
            {
                case TurnEvent.EventOneofCase.Accepted:
                    Save(conversation, seen = seen with { Turn = turnEvent.Accepted.Turn });
                    break;
                case TurnEvent.EventOneofCase.TextDelta:
                    Save(conversation, seen = seen with { Sequence = turnEvent.Sequence });
                    break;
            }
        }
    }

    public void Forget(string conversation)
    {
        var file = PathOf(conversation);
        if (File.Exists(file))
            File.Delete(file);
    }

    private void Save(string conversation, SeenTurn seen)
    {
        try
        {
            var file = PathOf(conversation);
            if (!File.Exists(file))
                Sweep(Directory.CreateDirectory(folder));
            var draft = $"{file}.{Environment.ProcessId}";
            File.WriteAllBytes(draft, JsonSerializer.SerializeToUtf8Bytes(seen));
            File.Move(draft, file, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException && !_warned)
        {
            _warned = true;
            warn($"'{folder}' cannot keep what was shown, so a restarted chat shows an unfinished answer from its beginning: {exception.Message}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Said once.
        }
    }

    private void Sweep(DirectoryInfo all)
    {
        foreach (var old in all.EnumerateFiles().Where(file => time.GetUtcNow() - file.LastWriteTimeUtc > Keep))
            old.Delete();
    }

    /// <summary>The parts of a name are ids, of which any is a file name; dots keep two names apart, as ids have none.</summary>
    private string PathOf(string conversation) => Path.Combine(folder, $"{conversation.Replace('/', '.')}.json");
}
