using System.Text;
using Microsoft.Data.Sqlite;
using R1Grains.Audit;
using R1Grains.Conversations;
using R1Grains.Engine;
using R1Grains.Engine.Tests.Scripted;
using R1Grains.Ledger;
using R1Grains.Tests.Conversations;
using R1Grains.Tests.Scripted;
using static R1Grains.Tests.Scripted.ScriptedSilo;

namespace R1Grains.Tests.Audit;

public sealed class TurnReplayTests : IDisposable
{
    private const string Hello = "say:Hello world. Good bye.";
    private const string Reply = "hm\n*\n\nHello world. Good bye.$";

    private static readonly ConversationKey Key = new("demo", "c");
    private static readonly string OtherNumerics = new('6', 64);

    private readonly TemporaryFolder _folder = new();
    private readonly List<(int Compared, int Recorded)> _progress = [];

    private string Data => Path.Combine(_folder.Path, "data");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_turn_is_identical_where_nothing_has_changed_and_its_replay_leaves_no_trace()
    {
        await using var silo = await Answered();
        var before = await Trace(silo);
        var verdict = await Replay(silo);

        Assert.Equal((null, null, Reply.Length, Reply.Length), (verdict.Difference, verdict.Obstacle, verdict.Compared, verdict.Recorded));
        Assert.Equal([new Segment(0, Reply.Length, silo.Numerics)], verdict.Segments);
        Assert.Equal((0, Reply.Length), _progress[0]);
        Assert.Equal(before, await Trace(silo));
    }

    [Fact]
    public async Task A_turn_that_went_on_after_a_restart_is_run_again_segment_by_segment()
    {
        await Cut();
        await using var silo = await Start(_folder.Path);
        var record = await Closed(silo);
        int prompt = (await silo.Record.ReadPromptAsync(Key, 1))!.Length, first = record.Closed!.ResumePoints.Single().Tokens, all = record.TokenIds.Count();
        silo.Runner.Log.Clear();
        var verdict = await Replay(silo);

        Assert.Equal((null, null, all), (verdict.Difference, verdict.Obstacle, verdict.Compared));
        Assert.Equal([new(0, first, silo.Numerics), new Segment(first, all, silo.Numerics)], verdict.Segments);
        // The second run was given the prompt and exactly the tokens that the restarted answer was given, whatever of it was still computed.
        var ends = silo.Runner.Log.Where(line => line.StartsWith("prefill", StringComparison.Ordinal)).Select(line => line.Split(' ')[2].Split('+')).Select(chunk => int.Parse(chunk[0], null) + int.Parse(chunk[1], null)).ToList();
        Assert.Contains(prompt, ends);
        Assert.Equal(prompt + first, ends[^1]);
    }

    [Fact]
    public async Task Each_continuation_records_the_arithmetic_it_went_on_with_and_so_does_the_one_after_it()
    {
        await Cut();
        await Cut(OtherNumerics);
        await using var silo = await Start(_folder.Path);
        var record = await Closed(silo);

        Assert.Equal(silo.Numerics, record.Opened.Numerics);
        Assert.Equal([OtherNumerics, $"{silo.Numerics}"], record.Closed!.ResumePoints.Select(point => $"{point.Numerics}"));
        Assert.Equal(record.Closed.ResumePoints, record.Pieces.SelectMany(piece => piece.ResumePoints));
        Assert.Equal(Incomparability.OtherNumerics, (await Replay(silo)).Obstacle?.Reason);
        Assert.True((await RecordVerifier.VerifyAsync(Data)).Valid);
    }

    [Fact]
    public async Task A_model_that_says_something_else_differs_at_its_first_other_token()
    {
        await (await Answered()).DisposeAsync();
        await using var silo = await Start(_folder.Path, scripted: model => new ScriptedRunner(model, Says("hm\n*\n\nHello moon. Good bye.$")));
        var (verdict, at) = (await Replay(silo), Reply.IndexOf("world", StringComparison.Ordinal));

        Assert.Equal(new Difference(at, 'w', 'm'), verdict.Difference);
        Assert.Equal(at, verdict.Compared);
    }

    [Fact]
    public async Task A_token_that_was_altered_in_the_record_differs()
    {
        await using var silo = await Answered();
        await Forgery.ReplacePiece(Data, Key, turn: 1, number: 1, piece => piece with { TokenIds = [0x21, .. piece.TokenIds.Skip(1)] });

        Assert.Equal(new Difference(0, 0x21, 'h'), (await Replay(silo)).Difference);
    }

    [Theory]
    [InlineData("hm\n*\n\nHello world. Good bye.", null, (int)ScriptedModel.End)]
    [InlineData("hm\n*\n\nHello world. Good bye.$x", (int)'x', null)]
    public async Task A_completed_reply_has_to_end_where_its_record_ends(string recorded, int? expected, int? replayed)
    {
        await using var silo = await Start(_folder.Path);
        await Write(silo, recorded, Outcome.Completed);

        Assert.Equal(new Difference(Math.Min(recorded.Length, Reply.Length), expected, replayed), (await Replay(silo)).Difference);
    }

    [Theory]
    [InlineData(Outcome.Cancelled)]
    [InlineData(Outcome.Interrupted)]
    public async Task Of_a_turn_that_was_cut_off_the_beginning_is_compared(Outcome outcome)
    {
        await using var silo = await Start(_folder.Path);
        await Write(silo, "hm\n*\n\nHel", outcome);
        var verdict = await Replay(silo);

        Assert.Equal((null, null, 9), (verdict.Difference, verdict.Obstacle, verdict.Compared));
    }

    [Fact]
    public async Task A_resume_point_after_which_nothing_was_sampled_is_no_segment()
    {
        await using var silo = await Start(_folder.Path);
        await Write(silo, Reply, Outcome.Completed, [new(0, silo.Numerics), new(3, Digest.Parse(OtherNumerics)), new(3, silo.Numerics), new(Reply.Length, Digest.Parse(OtherNumerics))]);
        var verdict = await Replay(silo);

        Assert.Equal((null, null, Reply.Length), (verdict.Difference, verdict.Obstacle, verdict.Compared));
        Assert.Equal([new(0, 3, silo.Numerics), new Segment(3, Reply.Length, silo.Numerics)], verdict.Segments);
    }

    [Theory]
    [InlineData(Incomparability.NothingSampled)]
    [InlineData(Incomparability.OtherModel)]
    [InlineData(Incomparability.OtherTemplate)]
    [InlineData(Incomparability.PromptMissing)]
    [InlineData(Incomparability.PromptAltered)]
    [InlineData(Incomparability.OtherNumerics)]
    public async Task What_would_prove_nothing_is_not_run(Incomparability reason)
    {
        await using var silo = await Start(_folder.Path);
        await Write(
            silo,
            reason is Incomparability.NothingSampled ? "" : Reply,
            Outcome.Cancelled,
            modelHash: reason is Incomparability.OtherModel ? new string('a', 64) : null,
            template: reason is Incomparability.OtherTemplate ? "another" : null);
        if (reason is Incomparability.PromptMissing) Execute("UPDATE entry SET prompt = NULL WHERE kind = 2");
        if (reason is Incomparability.PromptAltered) Execute("UPDATE entry SET prompt = CAST(x'00000021' || substr(prompt, 5) AS BLOB) WHERE kind = 2");
        if (reason is Incomparability.OtherNumerics) silo.Runner.Numerics = OtherNumerics;
        var verdict = await Replay(silo);

        Assert.Equal((reason, null, 0), (verdict.Obstacle?.Reason, verdict.Difference, verdict.Compared));
        Assert.Empty(silo.Runner.Log);
    }

    [Fact]
    public async Task An_open_turn_and_a_missing_one_are_refused_by_name()
    {
        await using var silo = await Start(_folder.Path);
        Assert.Equal(Reason.ConversationNotFound, (await Refused(silo)).Reason);
        await Write(silo, "", outcome: null);
        Assert.Equal(Reason.TurnInProgress, (await Refused(silo)).Reason);
        Assert.Equal(Reason.TurnNotFound, (await Refused(silo, turn: 2)).Reason);
    }

    [Fact]
    public async Task A_caller_who_leaves_ends_the_run_and_the_next_replay_gets_its_place()
    {
        await using var silo = await Answered();
        silo.Runner.Gate = new(3);
        using var leaving = new CancellationTokenSource();
        var left = Replay(silo, leaving.Token);
        var waiting = Replay(silo);
        while (_progress.Count == 0) await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        Assert.Equal(1, silo.Service<InferenceEngine>().Status.Running + silo.Service<InferenceEngine>().Status.Waiting);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        silo.Runner.Gate.Release(1_000);

        Assert.Equal(Reply.Length, (await waiting.WaitAsync(Patience)).Compared);
    }

    [Fact]
    public async Task A_device_that_fails_is_no_verdict()
    {
        await using var silo = await Answered();
        silo.Runner.NextFault = new InvalidOperationException("device on fire");
        var refusal = await Refused(silo);
        Assert.Equal(Reason.ModelUnavailable, refusal.Reason);
        Assert.Contains("device on fire", refusal.Detail, StringComparison.Ordinal);
        Assert.Equal(Reply.Length, (await Replay(silo)).Compared);
    }

    private async Task<ScriptedSilo> Answered()
    {
        var silo = await Start(_folder.Path);
        await (await silo.Open("c")).StreamTurn(Ask("r1", Hello)).All();
        return silo;
    }

    /// <summary>Lets a turn, the first time a new one, release one more unit, and stops the silo before the next.</summary>
    private async Task Cut(string? numerics = null)
    {
        var gate = new SemaphoreSlim(0);
        await using var silo = await Start(_folder.Path, scripted: model =>
        {
            var runner = ScriptedReplies.Runner(model);
            (runner.Gate, runner.Numerics) = (gate, numerics ?? runner.Numerics);
            return runner;
        });
        var left = await silo.Record.FindTurnAsync(Key, 1);
        await using var reader = left is null ? (await silo.Open("c")).StreamTurn(Ask("r1", "say:One. Two. Three. Four.")).Follow() : null;
        if (reader is not null) await reader.Until<Accepted>();
        while ((await silo.Record.FindTurnAsync(Key, 1))!.Pieces.Count == (left?.Pieces.Count ?? 0))
        {
            gate.Release();
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        }
    }

    /// <summary>Puts a turn into the record that was closed before it released anything; without an outcome it stays open.</summary>
    private static async Task Write(
        ScriptedSilo silo, string reply, Outcome? outcome, ResumePoint[]? resumePoints = null, string? modelHash = null, string? template = null)
    {
        var turn = new Conversations.OpenTurn(silo.Record, silo.Service<Model>(), TimeProvider.System) { Numerics = silo.Numerics, ModelHash = modelHash, Template = template };
        var (transcript, opened, _) = await turn.Write(Hello);
        if (outcome is null) return;
        await silo.Record.AppendAsync(new TurnClosed
        {
            Key = Key,
            Turn = 1,
            Epoch = transcript.Epoch,
            Time = opened.Time,
            Outcome = outcome.Value,
            FinishReason = "STOP",
            Usage = new(1, 1, 1),
            PieceCount = 0,
            TrailingTokenIds = Ids(reply),
            Reasoning = "",
            Answer = "",
            ResumePoints = resumePoints ?? [],
        });
    }

    private Task<Verdict> Replay(ScriptedSilo silo, CancellationToken stop = default) => silo.Service<TurnReplay>().Run(Key, 1, null, Told, stop);

    private async Task<Refusal> Refused(ScriptedSilo silo, int turn = 1) =>
        (await Assert.ThrowsAsync<RefusedException>(() => silo.Service<TurnReplay>().Run(Key, turn, null, Told, default))).Refusal;

    private Task Told(int compared, int recorded)
    {
        _progress.Add((compared, recorded));
        return Task.CompletedTask;
    }

    /// <summary>Without what is compared by reference.</summary>
    private async Task<(VerificationReport, Conversation?)> Trace(ScriptedSilo silo) =>
        ((await RecordVerifier.VerifyAsync(Data)) with { Signers = [] }, (await silo.Record.FindConversationAsync(Key))! with { Opened = null!, Subjects = [] });

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(Data, SqliteRecord.FileName)};Pooling=False");
        connection.Open();
        using var change = connection.CreateCommand();
        change.CommandText = sql;
        Assert.Equal(1, change.ExecuteNonQuery());
    }

    private static async Task<TurnRecord> Closed(ScriptedSilo silo)
    {
        using var impatience = new CancellationTokenSource(Patience);
        while (true)
        {
            if (await silo.Record.FindTurnAsync(Key, 1, impatience.Token) is { Closed: not null } closed) return closed;
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, impatience.Token);
        }
    }

    /// <summary>Says this, in which * stands for the end of the reasoning and $ for the end.</summary>
    private static Func<IReadOnlyList<int>, int> Says(string reply) => ids =>
    {
        var said = ids.Count - (ids.ToList().LastIndexOf(ScriptedModel.ThinkOpen) + 2);
        return Ids(reply)[said];
    };

    private static int[] Ids(string reply) =>
        [.. Encoding.UTF8.GetBytes(reply).Select(b => b switch { (byte)'*' => ScriptedModel.ThinkClose, (byte)'$' => ScriptedModel.End, _ => b })];
}
