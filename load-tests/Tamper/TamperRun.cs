using R1Grains.Ledger;
using R1Grains.LoadTests.Ledger;

namespace R1Grains.LoadTests.Tamper;

/// <summary>Does to a record what somebody might do who has access to it, one thing at a time, and looks whether it is found.</summary>
internal static class TamperRun
{
    /// <summary>Lawful things that are done to one record before the next one is begun.</summary>
    private const int CleanAtOnce = 20;

    /// <param name="cases">Those of other stores are left out.</param>
    /// <param name="done">Called after each.</param>
    public static async Task<IReadOnlyList<TamperOutcome>> TamperAsync(TamperedStore store, IEnumerable<TamperCase> cases, Action done, CancellationToken cancellation)
    {
        var record = new TamperedRecord(store);
        await record.WriteAsync();
        var witnessed = Directory.EnumerateFiles(store.WitnessFolder).ToDictionary(file => file, File.ReadAllBytes);
        var outcomes = new List<TamperOutcome>();
        foreach (var each in cases.Where(each => each.Store is null || each.Store == store.Name))
        {
            cancellation.ThrowIfCancellationRequested();
            await store.ResetAsync(TamperedRecord.Sound);
            ResetWitness();
            outcomes.Add(new(store.Name, each, await LookAsync(each)));
            done();
        }
        return outcomes;

        async Task<IReadOnlyList<string>> LookAsync(TamperCase each)
        {
            try
            {
                var offered = await each.Act(record);
                var found = await record.LookAsync();
                return offered is null ? found : [offered, .. found];
            }
            catch (Exception failure) when (failure is System.Data.Common.DbException or InvalidOperationException)
            {
                return [$"it could not be done: {failure.Message}"];
            }
        }

        // What the cases before it have told the witness, or done to it, is forgotten.
        void ResetWitness()
        {
            foreach (var (file, content) in witnessed)
                File.WriteAllBytes(file, content);
        }
    }

    /// <summary>Lawful things, one after the other, each followed by a look.</summary>
    /// <returns>What was found, though nothing was there.</returns>
    public static async Task<IReadOnlyList<string>> StayCleanAsync(TamperedStore store, int runs, Action done, CancellationToken cancellation)
    {
        var alarms = new List<string>();
        for (var left = runs; left > 0; left -= CleanAtOnce)
        {
            var record = new TamperedRecord(store);
            await store.BeginAsync();
            using (var signer = store.ReadSigner())
            await using (var keys = await store.OpenKeysAsync())
            await using (var stored = await store.OpenAsync(signer, keys, witnessed: true))
            {
                for (var run = 0; run < Math.Min(left, CleanAtOnce); run++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    var (act, key) = (run % 5, new ConversationKey(run % 3 == 0 ? "north" : "demo", $"c{run % 4}"));
                    var writing = act switch
                    {
                        0 or 1 => record.TurnsAsync(stored, key, NextTurn(key)),
                        2 => TamperedRecord.AdministerAsync(stored, 1),
                        3 => OpenOneAsync(stored, $"open{run}"),
                        _ => CompleteOneAsync(record, stored, $"done{run}"),
                    };
                    // Every other time while it is being written.
                    if (run % 2 == 0) await writing;
                    alarms.AddRange(await record.LookAsync(starts: false));
                    await writing;
                    done();
                }
            }
            // A restart is lawful, too.
            alarms.AddRange(await record.LookAsync(starts: false));

            int NextTurn(ConversationKey key) => record.Receipts.Count(receipt => receipt.Key == key) + 1;
        }
        return alarms;
    }

    private static async Task OpenOneAsync(IRecord record, string name)
    {
        var opened = LedgerTurn.Conversation(name);
        await record.CreateConversationAsync(opened);
        var epoch = (await record.TakeOverAsync(opened.Key))!.Epoch;
        await record.AppendAsync(LedgerTurn.Opened(opened.Key, 1, epoch, "turn-1"), LedgerTurn.TokenIds);
        await record.AppendAsync(TamperedRecord.PieceOf(opened.Key, 1, 1, epoch));
        // Asked again, as after an answer that was lost; and taken over by another process.
        await record.AppendAsync(TamperedRecord.PieceOf(opened.Key, 1, 1, epoch));
        await record.TakeOverAsync(opened.Key);
    }

    private static async Task CompleteOneAsync(TamperedRecord tampered, StoredRecord record, string name)
    {
        var key = new ConversationKey("demo", name);
        await tampered.TurnsAsync(record, key, 1);
        await record.AppendAsync(new ConversationCompleted { Key = key, Epoch = 1, Time = LedgerTurn.Time, Caller = "dev", RequestId = "complete", Reason = "caller" });
    }
}

/// <param name="Findings">Of all who looked.</param>
internal sealed record TamperOutcome(string Store, TamperCase Case, IReadOnlyList<string> Findings)
{
    public bool IsFound => Findings.Count > 0;

    /// <summary>Whether it is said where.</summary>
    public bool IsNamed => Findings.Any(finding => finding.Contains(Case.Named, StringComparison.Ordinal));

    public override string ToString() =>
        $"{Store}, {Case.Mechanism}, {Case.What}: {(IsFound ? $"'{Case.Named}' is not named in: {string.Join(" | ", Findings)}" : "not found")}";
}
