using R1Grains.Ledger;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Tree;
using R1Grains.LoadTests.Ledger;

namespace R1Grains.LoadTests.Tamper;

/// <summary>
/// A record of two tenants, who has its public keys, a witness elsewhere, and the receipts that were given out. In <c>demo</c>
/// are the conversations c1 to c3 with the numbers 1 to 3, each with two closed turns of four pieces; c1 is completed, c2 has a
/// third turn open with two pieces; and a chain of four administrative records. In <c>north</c> is one conversation, number 4.
/// </summary>
internal sealed class TamperedRecord(TamperedStore store)
{
    public const string Sound = "sound", Older = "older";

    private const string WitnessName = "witness.example";
    private const int Pieces = 4;

    // Of the tree of demo.
    private const long OlderLeaves = 3 * 3 + 2, Leaves = OlderLeaves + 3 * 2 + 2 + 2;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public TamperedStore Store => store;

    /// <summary>Of the turns that were ended.</summary>
    public List<Receipt> Receipts { get; } = [];

    /// <summary>Writes it, and keeps it as it was before its last turns and as it is then.</summary>
    public async Task WriteAsync()
    {
        await store.BeginAsync();
        using (var signer = store.ReadSigner())
        await using (var keys = await store.OpenKeysAsync())
        {
            await using (var record = await store.OpenAsync(signer, keys, witnessed: false))
            {
                foreach (var name in (string[])["c1", "c2", "c3"])
                    await TurnsAsync(record, new("demo", name), 1);
                await TurnsAsync(record, new("north", "c1"), 1);
                await AdministerAsync(record, 1);
                await SettledAsync(record, OlderLeaves);
            }
            await WitnessAsync();
            await store.KeepAsync(Older);
            await using (var record = await store.OpenAsync(signer, keys, witnessed: false))
            {
                foreach (var key in (ConversationKey[])[new("demo", "c1"), new("demo", "c2"), new("demo", "c3"), new("north", "c1")])
                    await TurnsAsync(record, key, 2);
                await record.AppendAsync(new ConversationCompleted { Key = new("demo", "c1"), Epoch = 2, Time = LedgerTurn.Time, Caller = "dev", RequestId = "complete", Reason = "caller" });
                await record.AppendAsync(LedgerTurn.Opened(new("demo", "c2"), 3, 2, "turn-3"), LedgerTurn.TokenIds);
                for (var piece = 1; piece <= 2; piece++)
                    await record.AppendAsync(PieceOf(new("demo", "c2"), 3, piece, 2));
                await AdministerAsync(record, 1);
                await SettledAsync(record, Leaves);
            }
        }
        await WitnessAsync();
        await store.KeepAsync(Sound);
    }

    /// <summary>Everything that is found by whoever looks: the verifier, the witness, who holds receipts, and a server that starts.</summary>
    /// <param name="starts">Whether a server is started as well.</param>
    public async Task<IReadOnlyList<string>> LookAsync(bool starts = true)
    {
        var findings = new List<string>();
        using var key = store.ReadKey();
        await TryAsync(async () =>
        {
            await using var keys = await store.OpenKeysAsync();
            return (await store.VerifyAsync([key], keys)).FirstBad?.ToString();
        });
        await TryAsync(async () => string.Join("; ", (await WitnessAsync()).Select(refused => $"the witness refuses {refused.Origin}: {refused.Reason}")) is { Length: > 0 } refusals ? refusals : null);
        if (starts)
        {
            await TryAsync(async () =>
            {
                using var signer = store.ReadSigner();
                await using var keys = await store.OpenKeysAsync();
                await using var record = await store.OpenAsync(signer, keys, witnessed: true);
                return await ProveAsync(record, key);
            });
        }
        return findings;

        async Task TryAsync(Func<Task<string?>> look)
        {
            try
            {
                if (await look() is { } finding)
                    findings.Add(finding);
            }
            catch (Exception refused) when (refused is not OperationCanceledException)
            {
                findings.Add(refused.Message);
            }
        }
    }

    /// <summary>What the first receipt whose promise was not kept lacks; null where all were.</summary>
    public async Task<string?> ProveAsync(IRecord record, NoteKey key)
    {
        foreach (var receipt in Receipts)
        {
            var what = $"the receipt of {receipt.Key} entry {receipt.Index}";
            if (await record.ProveInclusionAsync(receipt.Key, receipt.Index) is not { } proof)
                return $"{what}: no tree has it";
            if (Objection(receipt, proof, key) is { } objection)
                return $"{what}: {objection}";
        }
        return null;
    }

    /// <summary>Why a proof does not hold; null where it does.</summary>
    public static string? Objection(Receipt receipt, InclusionProof proof, NoteKey key)
    {
        var checkpoint = Checkpoint.Parse(proof.Checkpoint.Text);
        return !key.Signed(proof.Checkpoint, checkpoint.Origin) ? "the checkpoint is not signed with the key given"
            : !TreeProof.Includes(checkpoint.Root, checkpoint.Size, proof.Leaf, receipt.LeafHash, proof.Hashes) ? "the proof does not lead to the checkpoint"
            : null;
    }

    public async Task<IReadOnlyList<RefusedTree>> WitnessAsync()
    {
        using var key = store.ReadKey();
        using var witness = Witness.Open(store.WitnessFolder, WitnessName);
        await using var trees = await store.OpenTreesAsync();
        return await witness.LookAsync(trees, [key]);
    }

    /// <summary>Takes the conversation over, makes it where it is not there, and writes a turn.</summary>
    public async Task TurnsAsync(IRecord record, ConversationKey key, int turn)
    {
        await record.CreateConversationAsync(LedgerTurn.Conversation(key.Conversation) with { Key = key, Customer = $"customers/{key.Conversation}" });
        var epoch = (await record.TakeOverAsync(key))!.Epoch;
        await record.AppendAsync(LedgerTurn.Opened(key, turn, epoch, $"turn-{turn}"), LedgerTurn.TokenIds);
        for (var piece = 1; piece <= Pieces; piece++)
            await record.AppendAsync(PieceOf(key, turn, piece, epoch));
        Receipts.Add(await record.AppendAsync(LedgerTurn.Closed(key, turn, epoch, Pieces, string.Concat(Enumerable.Range(1, Pieces).Select(piece => Text(key, turn, piece))))));
    }

    public static async Task AdministerAsync(StoredRecord record, int times)
    {
        for (var time = 0; time < times; time++)
        {
            await record.Registry.AppendAsync(Administrative("transcript.read"));
            await record.Registry.ChangeAsync(Administrative("lexicon.publish"), [new("lexicon", Guid.NewGuid().ToString("n"), 0, [1, 2, 3])]);
        }
    }

    /// <summary>Returns when all that was written stands in signed trees.</summary>
    /// <param name="leaves">Of the tree of demo.</param>
    private async Task SettledAsync(IRecord record, long leaves)
    {
        using var patience = new CancellationTokenSource(Patience);
        foreach (var receipt in Receipts)
        {
            while (await record.ProveInclusionAsync(receipt.Key, receipt.Index, patience.Token) is null)
                await Task.Delay(Pause, TimeProvider.System, patience.Token);
        }
        while (Checkpoint.Parse((await record.FindCheckpointAsync("demo", patience.Token))!.Text).Size < leaves)
            await Task.Delay(Pause, TimeProvider.System, patience.Token);
    }

    public static Piece PieceOf(ConversationKey key, int turn, int piece, long epoch) => new()
    {
        Key = key,
        Turn = turn,
        Number = piece,
        Epoch = epoch,
        Time = LedgerTurn.Time,
        TokenIds = LedgerTurn.TokenIds,
        Text = Text(key, turn, piece),
    };

    private static string Text(ConversationKey key, int turn, int piece) => $"{key.Conversation} 第{turn}轮第{piece}段，";

    private static AdministrativeRecord Administrative(string action) => new()
    {
        Tenant = "demo",
        Time = LedgerTurn.Time,
        Actor = "anna",
        Action = action,
        Resource = "tenants/demo/conversations/c1",
        Purpose = "复核",
    };
}
