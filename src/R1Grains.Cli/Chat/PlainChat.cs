using R1Grains.V1;

namespace R1Grains.Cli;

/// <summary>A chat between pipes: a turn for each message of the input; answers, and nothing else, to the output.</summary>
internal sealed class PlainChat(Chat chat, TextReader input, TextWriter output, TextWriter error, bool verbose)
{
    public async Task<int> Run(CancellationToken cancellation)
    {
        if (verbose)
            error.WriteLine($"r1: {chat.Name}");
        var lost = false;
        chat.Broken = refusal =>
        {
            if (!lost)
                error.WriteLine($"r1: the connection is lost, looking for the server: {refusal.Detail}");
            lost = true;
        };

        if (await chat.FindUnfinished(cancellation) is var (seen, _))
            await Write(chat.Resume(seen, cancellation));
        while (await Message.Read(async _ => await input.ReadLineAsync(cancellation)) is { } message)
            if (!string.IsNullOrWhiteSpace(message))
                await Write(chat.Ask(message, cancellation));
        return ExitCode.Done;

        async Task Write(IAsyncEnumerable<TurnEvent> events)
        {
            await foreach (var turnEvent in events)
            {
                lost = false;
                switch (turnEvent.EventCase)
                {
                    case TurnEvent.EventOneofCase.Accepted when verbose && turnEvent.Accepted.Notice.Length > 0:
                        error.WriteLine($"r1: {turnEvent.Accepted.Notice}");
                        break;
                    case TurnEvent.EventOneofCase.TextDelta:
                        await output.WriteAsync(turnEvent.TextDelta);
                        await output.FlushAsync(cancellation);
                        break;
                    case TurnEvent.EventOneofCase.Completed:
                        await output.WriteLineAsync();
                        await output.FlushAsync(cancellation);
                        if (Ending.Note(turnEvent.Completed.FinishReason) is { } note)
                            error.WriteLine($"r1: {note}");
                        if (verbose)
                            error.WriteLine($"r1: {Ending.Usage(turnEvent.Completed)}");
                        break;
                    case TurnEvent.EventOneofCase.Failed:
                        await output.WriteLineAsync();
                        throw new RefusedException(Refusal.Of(turnEvent.Failed));
                }
            }
        }
    }
}
