using System.Globalization;
using R1Grains.V1;
using Spectre.Console;

namespace R1Grains.Cli;

/// <summary>A chat on a terminal.</summary>
internal sealed class TerminalChat(Chat chat, IAnsiConsole console, Keyboard keyboard, Interrupts interrupts, bool verbose)
{
    private const string Commands = """
          /cancel   stops the answer (as does Ctrl-C; twice leaves)
          /context  what the model sees of this conversation
          /new      begins another conversation
          /exit     leaves (as does Ctrl-D); the conversation stays open
        A message of several lines: end a line with \ or put the lines between two lines of triple quotes.
        """;

    /// <summary>The line of waiting, while it is on the screen.</summary>
    private StatusContext? _waiting;

    /// <summary>A break has been shown and nothing has come since.</summary>
    private bool _lost;

    public async Task<int> Run(CancellationToken cancellation)
    {
        chat.Broken = ShowBreak;
        Note($"{chat.Name} at {chat.Addresses}. /help tells the commands.");
        try
        {
            if ((await chat.FindUnfinished(cancellation) ?? await chat.FindOpen(cancellation)) is var (seen, turn))
                await Asked(() => ShowUnfinished(seen, turn, cancellation));
            while (await Obey(await Message.Read(continued => keyboard.ReadLine(continued ? "  … " : "you › ", cancellation)), cancellation))
            {
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or UnreachableException)
        {
            console.WriteLine();
            Note($"An answer goes on without you: r1 chat --conversation {Names.Id(chat.Name)} shows the rest.");
            throw;
        }
        Note($"Go on with: r1 chat --conversation {Names.Id(chat.Name)}");
        return ExitCode.Done;
    }

    /// <returns>False at the end of the chat.</returns>
    private async Task<bool> Obey(string? message, CancellationToken cancellation)
    {
        switch (message?.Trim())
        {
            case null or "/exit" or "/quit":
                return false;
            case "":
                break;
            case "/help":
                Note(Commands);
                break;
            case "/cancel":
                Note("Nothing is being answered.");
                break;
            case "/new":
                await Asked(async () =>
                {
                    await chat.Open(null, cancellation);
                    Note(chat.Name);
                });
                break;
            case "/context":
                await Asked(async () => Show(await chat.ContextWindow(cancellation)));
                break;
            case ['/', .. var word] when word.All(char.IsAsciiLetter):
                Note($"There is no /{word}; /help tells the commands.");
                break;
            default:
                await Asked(() => Show(chat.Ask(message, cancellation), 0, "", cancellation));
                break;
        }
        return true;
    }

    /// <summary>A refusal ends what was asked for, and the chat goes on.</summary>
    private async Task Asked(Func<Task> asked)
    {
        try
        {
            await asked();
        }
        catch (RefusedException refused)
        {
            console.MarkupLineInterpolated($"[red]{refused.Message}[/]");
            if (refused.Refusal.Reason == "CONVERSATION_COMPLETED")
                Note("/new begins another.");
        }
    }

    private Task ShowUnfinished(SeenTurn seen, Turn turn, CancellationToken cancellation)
    {
        console.MarkupLineInterpolated($"[bold green]you › [/]{Printable(turn.Input.Text)}");
        // What was shown is shown once more, but for itself, so that the rest can be read.
        return Show(chat.Resume(seen with { Sequence = 0 }, cancellation), seen.Sequence, turn.Name, cancellation);
    }

    /// <param name="old">The last piece that was shown before.</param>
    /// <param name="name">Of the turn; "" until it is accepted.</param>
    private async Task Show(IAsyncEnumerable<TurnEvent> turn, long old, string name, CancellationToken cancellation)
    {
        var cancel = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task? cancelling = null;
        using var taken = interrupts.Take(() => cancel.TrySetResult());
        keyboard.Taking = line => line.Trim() == "/cancel" && (cancel.TrySetResult() || true);
        try
        {
            await using var events = turn.GetAsyncEnumerator(cancellation);
            var some = await console.Status().Spinner(Spinner.Known.Dots).SpinnerStyle(Style.Parse("grey")).StartAsync("[grey]sending[/]", async status =>
            {
                _waiting = status;
                while (await Next(events))
                {
                    if (events.Current is { EventCase: TurnEvent.EventOneofCase.Accepted, Accepted.Notice: { Length: > 0 } notice })
                        Note(Printable(notice));
                    if (events.Current.EventCase is TurnEvent.EventOneofCase.TextDelta or TurnEvent.EventOneofCase.Completed or TurnEvent.EventOneofCase.Failed)
                        return true;
                    else if (Waiting(events.Current) is { } what)
                        status.Status = $"[grey]{what}[/]";
                }
                return false;
            });
            _waiting = null;
            if (some && events.Current.EventCase is TurnEvent.EventOneofCase.TextDelta)
                console.Markup("[bold blue]r1 › [/]");
            for (; some; some = await Next(events))
                Show(events.Current, old);
        }
        finally
        {
            _waiting = null;
            keyboard.Taking = null;
        }
        if (cancelling is not null)
            await cancelling;

        // Cancels as soon as somebody asked for it and the turn has a name.
        async Task<bool> Next(IAsyncEnumerator<TurnEvent> events)
        {
            var next = events.MoveNextAsync().AsTask();
            if (cancelling is null && name is not "" && await Task.WhenAny(next, cancel.Task) != next)
                cancelling = chat.Cancel(name, cancellation);
            if (!await next)
                return false;
            _lost = false;
            if (events.Current.EventCase is TurnEvent.EventOneofCase.Accepted)
                name = events.Current.Accepted.Turn;
            return true;
        }
    }

    private void Show(TurnEvent turnEvent, long old)
    {
        switch (turnEvent.EventCase)
        {
            case TurnEvent.EventOneofCase.TextDelta:
                var text = Printable(turnEvent.TextDelta);
                Console.Write(turnEvent.Sequence <= old ? $"\e[90m{text}\e[0m" : text);
                break;
            case TurnEvent.EventOneofCase.Completed:
                console.WriteLine();
                if (Ending.Note(turnEvent.Completed.FinishReason) is { } note)
                    Note(note);
                if (verbose)
                    Note(Ending.Usage(turnEvent.Completed));
                break;
            case TurnEvent.EventOneofCase.Failed:
                console.WriteLine();
                throw new RefusedException(Refusal.Of(turnEvent.Failed));
        }
    }

    private static string? Waiting(TurnEvent turnEvent) => turnEvent.EventCase switch
    {
        TurnEvent.EventOneofCase.Accepted => "accepted",
        TurnEvent.EventOneofCase.QueuePosition when turnEvent.QueuePosition.Position == 0 => "next in the queue",
        TurnEvent.EventOneofCase.QueuePosition => $"{turnEvent.QueuePosition.Position} ahead in the queue",
        TurnEvent.EventOneofCase.ReasoningProgress => $"thinking, {turnEvent.ReasoningProgress.Tokens} tokens",
        _ => null,
    };

    private void ShowBreak(Refusal refusal)
    {
        if (_waiting is not null)
            _waiting.Status = "[yellow]connection lost, looking for the server[/]";
        else if (!_lost)
            console.MarkupInterpolated($"\n[yellow]— connection lost, looking for the server; the answer goes on from here —[/]\n");
        _lost = true;
    }

    private void Show(ContextWindow window)
    {
        var report = window.Report;
        var free = report.WindowTokens - report.ReservedTokens - report.PolicyTokens - report.HistoryTokens - report.PassagesTokens - report.InputTokens;
        console.Write(new BreakdownChart { Width = Math.Min(72, console.Profile.Width), Compact = true, Culture = CultureInfo.InvariantCulture }
            .AddItem("policy", report.PolicyTokens, Color.Blue)
            .AddItem("history", report.HistoryTokens, Color.Green)
            .AddItem("passages", report.PassagesTokens, Color.Yellow)
            .AddItem("input", report.InputTokens, Color.Purple)
            .AddItem("kept for the answer", report.ReservedTokens, Color.Grey)
            .AddItem("free", Math.Max(0, free), Color.Grey23));
        Note($"{report.WindowTokens} tokens; {report.TurnsKept} turns kept, {report.TurnsDropped} dropped");
    }

    private void Note(string text) => console.MarkupLineInterpolated($"[grey]{text}[/]");

    /// <summary>Text without what a terminal would take for a command.</summary>
    private static string Printable(string text) =>
        string.Concat(text.Select(c => char.IsControl(c) && c is not ('\n' or '\t') ? '\uFFFD' : c));
}
