using System.Collections.Concurrent;
using R1Grains.LoadTests.Clients;

namespace R1Grains.LoadTests.Checks;

/// <summary>After a run: tries whether conversations still take turns, reads what was recorded, and has it compared.</summary>
internal static class Inspection
{
    private const int AtOnce = 8;
    private const int DefectsTold = 20;

    /// <returns>Those that take no further turn.</returns>
    public static async Task<IReadOnlyList<string>> Unable(Crowd crowd, IEnumerable<string> conversations, CancellationToken cancellation)
    {
        var unable = new ConcurrentQueue<string>();
        await Parallel.ForEachAsync(conversations, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation }, async (conversation, stop) =>
        {
            if (!await crowd.TakesAnotherTurn(conversation, stop)) unable.Enqueue(conversation);
        });
        return [.. unable];
    }

    public static async Task<IReadOnlyList<RecordedTurn>> Read(IRecordedTurns record, IReadOnlyCollection<SeenTurn> seen, CancellationToken cancellation)
    {
        var conversations = seen.Select(turn => turn.Question.Conversation).Distinct().ToList();
        var turns = new IReadOnlyList<RecordedTurn>[conversations.Count];
        await Parallel.ForAsync(0, turns.Length, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation }, async (i, stop) => turns[i] = await record.Of(conversations[i], stop));
        return [.. turns.SelectMany(ofOne => ofOne)];
    }

    public static void Add(Account account, Figures figures)
    {
        foreach (var kind in DefectKind.All) figures.Add(kind, account.Count(kind));
        figures.Add("turns_compared", account.TurnsSeen);
        figures.Add("pieces_compared", account.PiecesCompared);
    }

    public static void Tell(Account account)
    {
        Progress.Say($"compared {account.TurnsSeen} turns, {account.PiecesCompared:n0} pieces and {account.CharactersCompared:n0} characters that clients saw with {account.TurnsRecorded} turns of the record");
        foreach (var defect in account.Defects.Take(DefectsTold)) Progress.Say($"{defect.Kind}: {defect.Where}: {defect.What}");
        if (account.Defects.Count > DefectsTold) Progress.Say($"… and {account.Defects.Count - DefectsTold} more");
    }
}
