using System.Security.Cryptography;
using System.Text;
using R1Grains.Conversations;
using R1Grains.Engine;
using R1Grains.Knowledge;
using R1Grains.Ledger;
using R1Grains.Tests.Scripted;

namespace R1Grains.Tests.Conversations;

/// <summary>Writes a turn into the record as an activation would have that died in the middle of it.</summary>
internal sealed class OpenTurn(IRecord record, Model model, TimeProvider time)
{
    public ConversationKey Key { get; init; } = new("demo", "c");

    public string? ModelHash { get; init; }

    public string? Template { get; init; }

    public Digest? Numerics { get; init; }

    /// <summary>In the input.</summary>
    public IReadOnlyList<LexiconHit> Hits { get; init; } = [];

    public TimeSpan Left { get; init; } = ScriptedSilo.TurnTimeout;

    /// <param name="pieces">Ids and released text of each.</param>
    public async Task<(Transcript, TurnOpened, int[] Prompt)> Write(string input, params (int[] Ids, string Text)[] pieces)
    {
        var now = time.GetUtcNow();
        await record.CreateConversationAsync(new()
        {
            Key = Key,
            RequestId = $"create-{Key.Conversation}",
            PayloadHash = default,
            Time = now,
            Caller = "anna",
            Channel = "",
            Customer = "",
            Agent = "",
            LanguageCode = "en",
            Labels = [],
            IdleTimeout = TimeSpan.FromMinutes(30),
        });
        var taken = (await record.TakeOverAsync(Key))!;
        var window = new ContextWindow(model.Template, model.ContextLength, "");
        var fitted = window.Fit([], [], input);
        var opened = new TurnOpened
        {
            Key = Key,
            Turn = 1,
            Epoch = taken.Epoch,
            RequestId = "r1",
            PayloadHash = new(SHA256.HashData(Encoding.UTF8.GetBytes(input))),
            Time = now,
            Deadline = now + Left,
            Caller = "anna",
            Input = input,
            LanguageCode = "en",
            Passages = [],
            Release = new(model.Name, Digest.Parse(ModelHash ?? model.Hash), Template ?? model.Template.Name, "3", default),
            Sampling = Sampling.For(model, window, Key, 1, "r1"),
            Context = fitted.Report,
            Numerics = Numerics,
            Hits = Hits,
        };
        await record.AppendAsync(opened, fitted.Prompt);
        foreach (var (piece, i) in pieces.Select((piece, i) => (piece, i)))
            await record.AppendAsync(new Piece { Key = Key, Turn = 1, Number = i + 1, Epoch = taken.Epoch, Time = now, TokenIds = piece.Ids, Text = piece.Text });
        var transcript = new Transcript(taken, new Tenant("demo", new("3", default, ""), null!, Disclosure.House), window);
        transcript.Opened(opened);
        return (transcript, opened, fitted.Prompt);
    }
}
