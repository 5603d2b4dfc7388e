using System.Text;
using Orleans.Core.Internal;
using R1Grains.Conversations;
using R1Grains.Engine.Tests.Scripted;
using R1Grains.Ledger;
using R1Grains.Tests.Scripted;
using static R1Grains.Tests.Scripted.ScriptedSilo;

namespace R1Grains.Tests.Conversations;

/// <summary>What becomes of a turn whose activation is gone.</summary>
public sealed class TakeOverTests : IDisposable
{
    private const string Hello = "say:Hello world. Good bye.";

    private static readonly ConversationKey Key = new("demo", "c");

    private readonly TemporaryFolder _folder = new();

    private string Data => Path.Combine(_folder.Path, "data");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_turn_cut_off_by_a_restart_is_finished_without_any_client()
    {
        var released = "";
        await using (var silo = await Start(_folder.Path))
        {
            var gate = silo.Runner.Gate = new(0);
            var grain = await silo.Open("c");
            await using var reader = grain.StreamTurn(Ask("r1", Hello)).Follow();
            await reader.Until<Accepted>();
            gate.Release(1 + "hm\n*\n\nHello world. G".Length);
            released = (await reader.Until<TextReleased>()).Text;
        }

        await using (var silo = await Start(_folder.Path))
        {
            var record = await Closed(silo);
            Assert.Equal((Outcome.Completed, "Hello world. Good bye."), (record.Closed!.Outcome, record.Closed.Answer));
            Assert.Equal(released, record.Pieces[0].Text);
            // On a slow machine the clock has cut a second unit before the restart.
            Assert.Equal([new(record.Pieces.Where(piece => piece.Epoch == record.Pieces[0].Epoch).Sum(piece => piece.TokenIds.Count), silo.Numerics)], record.Closed.ResumePoints);
            Assert.Equal(record.Closed.ResumePoints, record.Pieces.SelectMany(piece => piece.ResumePoints));
            Assert.True(record.Pieces[^1].Epoch > record.Pieces[0].Epoch);
            Assert.Equal(" Good bye.", (await silo.Grain("c").ResumeTurn(1, 1).All()).Text());
        }
        Assert.True((await RecordVerifier.VerifyAsync(Data)).Valid);
    }

    [Fact]
    public async Task Units_that_the_clock_had_cut_are_continued_exactly()
    {
        await using var silo = await StartWith(silo => silo.Write(Hello, Pieces("hm\n*\n\nHel|Hel", "lo wo|lo wo")));
        var record = await Closed(silo);
        Assert.Equal(["Hel", "lo wo", "rld.", " Good bye."], record.Pieces.Select(piece => piece.Text));
        Assert.Equal(Outcome.Completed, record.Closed!.Outcome);
        Assert.Equal([new("hm\n*\n\nHello wo".Length, silo.Numerics)], record.Closed.ResumePoints);
        Assert.Empty(silo.Alarms.Messages);
    }

    [Fact]
    public async Task Held_characters_after_the_last_piece_are_not_lost()
    {
        await using var silo = await StartWith(turn => turn.Write(Hello, Pieces("hm\n*\n\nHello world. Goo|Hello world.")));
        Assert.Equal(["Hello world.", " Good bye."], (await Closed(silo)).Pieces.Select(piece => piece.Text));
    }

    [Fact]
    public async Task A_turn_that_lacked_only_its_close_is_closed()
    {
        await using var silo = await StartWith(turn => turn.Write(Hello, Pieces("hm\n*\n\nHello world. |Hello world.", "Good bye.$| Good bye.")));
        var record = await Closed(silo);
        Assert.Equal((Outcome.Completed, "STOP", 2), (record.Closed!.Outcome, record.Closed.FinishReason, record.Pieces.Count));
    }

    [Fact]
    public async Task A_record_whose_tokens_do_not_give_its_text_raises_an_alarm_and_is_interrupted()
    {
        await using var silo = await StartWith(turn => turn.Write(Hello, Pieces("hm\n*\n\nHello world. |Hello moon.")));
        var record = await Closed(silo);
        Assert.Equal((Outcome.Interrupted, "Hello moon."), (record.Closed!.Outcome, record.Closed.Answer));
        Assert.Contains(silo.Alarms.Messages, message => message.StartsWith("ALARM", StringComparison.Ordinal));
        Assert.Equal(TurnState.Interrupted, (await silo.Grain("c").GetTurn(1)).State);
        Assert.Equal(Reason.Internal, Assert.IsType<Failed>((await silo.Grain("c").ResumeTurn(1, 0).All())[^1]).Refusal.Reason);
    }

    [Fact]
    public async Task A_turn_past_its_deadline_is_closed_with_what_was_released()
    {
        await using var silo = await StartWith(turn => turn.Write(Hello, Pieces("hm\n*\n\nHello world. |Hello world.")), left: TimeSpan.FromMinutes(-1));
        var record = await Closed(silo);
        Assert.Equal((Outcome.Interrupted, "Hello world."), (record.Closed!.Outcome, record.Closed.Answer));
        Assert.StartsWith("DeadlineExceeded", record.Closed.Error);
        Assert.Empty(silo.Alarms.Messages);
    }

    [Fact]
    public async Task A_turn_that_another_model_began_is_not_continued()
    {
        await using var silo = await StartWith(turn => turn.Write(Hello, Pieces("hm\n*\n\nHello world. |Hello world.")), modelHash: new string('a', 64));
        var record = await Closed(silo);
        Assert.Equal(Outcome.Interrupted, record.Closed!.Outcome);
        Assert.Contains("not served here", record.Closed.Error);
    }

    [Fact]
    public async Task A_turn_that_a_model_with_another_tokenizer_began_ends_without_an_alarm()
    {
        await using var silo = await StartWith(turn => turn.Write(Hello, ([70_000, 17, 9_000], "Hello world.")), modelHash: new string('a', 64));
        var record = await Closed(silo);
        Assert.Equal((Outcome.Interrupted, "Hello world."), (record.Closed!.Outcome, record.Closed.Answer));
        Assert.StartsWith("ModelUnavailable", record.Closed.Error);
        Assert.Empty(silo.Alarms.Messages);
        Assert.True((await silo.Grain("c").Get()).TurnCount == 1);
    }

    [Fact]
    public async Task What_a_tenant_that_is_served_no_more_left_open_is_finished_and_its_idle_conversations_are_completed()
    {
        var (late, young, idle) = (new ConversationKey("gone", "late"), new ConversationKey("gone", "young"), new ConversationKey("gone", "idle"));
        var model = ScriptedModel.Create(8_192);
        await using (var record = await SqliteRecord.OpenAsync(Data))
        {
            await new OpenTurn(record, model, TimeProvider.System) { Key = late, Left = TimeSpan.FromMinutes(-1) }.Write(Hello, Pieces("hm\n*\n\nHello world. |Hello world."));
            await new OpenTurn(record, model, TimeProvider.System) { Key = young }.Write(Hello, Pieces("hm\n*\n\nHello world. |Hello world."));
            await record.CreateConversationAsync(new()
            {
                Key = idle,
                RequestId = "idle",
                PayloadHash = default,
                Time = TimeProvider.System.GetUtcNow(),
                Caller = "anna",
                Channel = "",
                Customer = "",
                Agent = "",
                LanguageCode = "en",
                Labels = [],
                IdleTimeout = TimeSpan.FromMilliseconds(1),
            });
        }
        await using var silo = await Start(_folder.Path);
        Assert.Equal((Outcome.Interrupted, "Hello world."), ((await Closed(silo, late)).Closed!.Outcome, (await Closed(silo, late)).Closed!.Answer));
        Assert.Equal((Outcome.Completed, "Hello world. Good bye."), ((await Closed(silo, young)).Closed!.Outcome, (await Closed(silo, young)).Closed!.Answer));
        using var impatience = new CancellationTokenSource(Patience);
        while ((await silo.Record.FindConversationAsync(idle, impatience.Token))!.Completed is null) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, impatience.Token);
        Assert.Equal(Reason.TenantNotFound, (await silo.Grain("young", "gone").StreamTurn(Ask("r2", "?")).Refused()).Refusal.Reason);
    }

    [Fact]
    public async Task A_tenant_that_is_not_served_is_refused_and_its_record_is_left_alone()
    {
        await using var silo = await Start(_folder.Path);
        var (grain, key) = (silo.Grain("c", "gone"), new ConversationKey("gone", "c"));
        Assert.Equal(Reason.TenantNotFound, (await Assert.ThrowsAsync<RefusedException>(() => grain.Create(New("k")))).Refusal.Reason);
        Assert.Null(await silo.Record.FindConversationAsync(key));

        await new OpenTurn(silo.Record, silo.Service<R1Grains.Engine.Model>(), TimeProvider.System) { Key = key }.Write(Hello);
        Assert.Equal(Reason.TenantNotFound, (await Assert.ThrowsAsync<RefusedException>(() => grain.Get())).Refusal.Reason);
        Assert.Equal(2, (await silo.Record.TakeOverAsync(key))!.Epoch);
    }

    [Fact]
    public async Task An_activation_that_lost_its_epoch_shows_nothing_more_and_the_next_goes_on()
    {
        await using var silo = await Start(_folder.Path);
        var gate = silo.Runner.Gate = new(0);
        var grain = await silo.Open("c");
        await using var reader = grain.StreamTurn(Ask("r1", Hello)).Follow();
        await reader.Until<Accepted>();
        await silo.Record.TakeOverAsync(Key);
        gate.Release(1_000);

        var end = await Assert.ThrowsAnyAsync<Exception>(reader.Rest);
        Assert.True(end is RefusedException { Refusal.Reason: Reason.StaleEpoch } or EnumerationAbortedException, end.ToString());
        Assert.Empty(reader.Seen.OfType<TextReleased>());
        Assert.Equal("Hello world. Good bye.", (await Again(() => grain.ResumeTurn(1, 0).All())).Text());
        Assert.Empty(silo.Alarms.Messages);
    }

    [Fact]
    public async Task A_leaving_activation_lets_go_of_the_running_turn_and_begins_none_of_those_that_wait()
    {
        await using var silo = await Start(_folder.Path);
        silo.Runner.Gate = new(0);
        var grain = await silo.Open("c");
        await using var running = grain.StreamTurn(Ask("r0", Hello)).Follow();
        await running.Until<Accepted>();
        var readers = Enumerable.Range(1, 3).Select(i => grain.StreamTurn(Ask($"r{i}", Hello)).Follow()).Prepend(running).ToList();
        var ends = readers.ConvertAll(reader => Assert.ThrowsAnyAsync<Exception>(reader.Rest));
        await grain.GetTurn(1); // By then the grain has their calls.
        await grain.Cast<IGrainManagementExtension>().DeactivateOnIdle();

        Assert.All(await Task.WhenAll(ends).WaitAsync(ScriptedSilo.Patience), end =>
            Assert.True(end is RefusedException { Refusal.Reason: Reason.NodeDraining } or EnumerationAbortedException, end.ToString()));
        Assert.Empty(silo.Alarms.Errors);
        Assert.Single((await silo.Record.TakeOverAsync(Key))!.Turns);
    }

    [Fact]
    public async Task An_activation_that_lost_its_epoch_between_two_turns_refuses_once_and_the_next_serves()
    {
        await using var silo = await Start(_folder.Path);
        var grain = await silo.Open("c");
        await grain.StreamTurn(Ask("r1", "say:One.")).All();
        await silo.Record.TakeOverAsync(Key);

        Assert.Equal(Reason.StaleEpoch, (await grain.StreamTurn(Ask("r2", "say:Two.")).Refused()).Refusal.Reason);
        var events = await Again(() => grain.StreamTurn(Ask("r2", "say:Two.")).All());
        Assert.Equal((2, "Two."), (((Accepted)events[0]).Turn, events.Text()));
        Assert.Empty(silo.Alarms.Messages);
    }

    [Fact]
    public async Task A_cancel_whose_close_is_not_recorded_is_refused_and_not_answered_with_a_running_turn()
    {
        await using var silo = await Start(_folder.Path);
        var gate = silo.Runner.Gate = new(0);
        var grain = await silo.Open("c");
        await using var reader = grain.StreamTurn(Ask("r1", Hello)).Follow();
        await reader.Until<Accepted>();
        await silo.Record.TakeOverAsync(Key);

        var cancelling = grain.CancelTurn(1, "anna");
        gate.Release(1_000);
        Assert.Equal(Reason.StaleEpoch, (await Assert.ThrowsAsync<RefusedException>(() => cancelling)).Refusal.Reason);
        // The next activation goes on with the turn, and there cancelling it, or reading it to its end, is answered truly.
        Assert.Contains((await Again(() => grain.CancelTurn(1, "anna"))).State, new[] { TurnState.Cancelled, TurnState.Completed });
    }

    [Fact]
    public async Task A_turn_of_another_activation_is_cancelled_by_the_next_one()
    {
        await using var silo = await Start(_folder.Path);
        var grain = await silo.Open("c");
        await grain.Get();
        await new OpenTurn(silo.Record, silo.Service<R1Grains.Engine.Model>(), TimeProvider.System).Write(Hello);
        Assert.Equal(Reason.StaleEpoch, (await Assert.ThrowsAsync<RefusedException>(() => grain.CancelTurn(1, "anna"))).Refusal.Reason);
        Assert.Contains((await Again(() => grain.CancelTurn(1, "anna"))).State, new[] { TurnState.Cancelled, TurnState.Completed });
    }

    [Fact]
    public async Task A_full_disk_breaks_the_turn_off_after_what_is_recorded_and_it_goes_on_when_there_is_room()
    {
        var answer = string.Concat(Enumerable.Range(0, 150).Select(i => $"This is sentence {i} of many. "));
        await using (var silo = await Start(_folder.Path)) await silo.Open("c");
        var pages = new FileInfo(Path.Combine(Data, SqliteRecord.FileName)).Length / 4096;
        var seen = "";
        await using (var silo = await Start(_folder.Path, contextLength: 32_768, record: await SqliteRecord.OpenAsync(Data, pageCountMax: pages + 8)))
        {
            var grain = silo.Grain("c");
            await using var reader = grain.StreamTurn(Ask("r1", $"say:{answer}")).Follow();
            var refused = await Assert.ThrowsAsync<RefusedException>(reader.Rest);
            Assert.Equal(Reason.RecordUnavailable, refused.Refusal.Reason);
            seen = reader.Seen.Text();
            Assert.NotEmpty(seen);
            Assert.Equal(string.Concat((await silo.Record.FindTurnAsync(Key, 1))!.Pieces.Select(piece => piece.Text)), seen);
            Assert.True((await Assert.ThrowsAsync<RefusedException>(() => Again(() => grain.StreamTurn(Ask("r2", "?")).All(), Reason.RecordUnavailable))).Refusal.RetryAfter > TimeSpan.Zero);
        }
        await using (var silo = await Start(_folder.Path, contextLength: 32_768))
        {
            await Closed(silo);
            var whole = (await silo.Grain("c").StreamTurn(Ask("r1", $"say:{answer}")).All()).Text();
            Assert.Equal(answer.TrimEnd(), whole.TrimEnd());
            Assert.StartsWith(seen, whole);
        }
        Assert.True((await RecordVerifier.VerifyAsync(Data)).Valid);
    }

    [Fact]
    public async Task An_idle_conversation_is_completed_without_any_client()
    {
        await using (var silo = await Start(_folder.Path)) await silo.Open("c", idleTimeout: TimeSpan.FromMilliseconds(1));
        await using (var silo = await Start(_folder.Path))
        {
            while ((await silo.Record.FindConversationAsync(Key))!.Completed is null) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
            Assert.Equal("idle", (await silo.Record.FindConversationAsync(Key))!.Completed!.Reason);
            Assert.Equal(Reason.ConversationCompleted, (await silo.Grain("c").StreamTurn(Ask("r1", "?")).Refused()).Refusal.Reason);
        }
    }

    [Fact]
    public async Task More_idle_conversations_than_the_record_tells_at_once_are_completed_in_one_go()
    {
        await using var silo = await Start(_folder.Path);
        var attendant = silo.Service<IGrainFactory>().GetGrain<IAttendantGrain>(AttendantGrain.Key);
        await attendant.Attend(); // What the silo's start asked for is done.
        await Parallel.ForAsync(0, IRecord.PageSizeMax + 20, async (i, cancellation) => await silo.Record.CreateConversationAsync(new()
        {
            Key = new("demo", $"idle-{i}"),
            RequestId = $"idle-{i}",
            PayloadHash = default,
            Time = TimeProvider.System.GetUtcNow().AddHours(-1),
            Caller = "anna",
            Channel = "",
            Customer = "",
            Agent = "",
            LanguageCode = "en",
            Labels = [],
            IdleTimeout = TimeSpan.FromMinutes(30),
        }, cancellation));
        await attendant.Attend();
        Assert.Empty(await silo.Record.FindIdleConversationsAsync(TimeProvider.System.GetUtcNow()));
    }

    [Fact]
    public async Task An_active_conversation_is_not_completed_by_attending_to_it()
    {
        await using var silo = await Start(_folder.Path);
        var grain = await silo.Open("c");
        await grain.Attend();
        Assert.False((await grain.Get()).Completed);
    }

    /// <summary>A silo that finds an open turn in its record when it starts.</summary>
    private async Task<ScriptedSilo> StartWith(Func<OpenTurn, Task> write, TimeSpan? left = null, string? modelHash = null)
    {
        var model = ScriptedModel.Create(8_192);
        await using (var record = await SqliteRecord.OpenAsync(Data))
            await write(new(record, model, TimeProvider.System) { Left = left ?? TimeSpan.FromMinutes(5), ModelHash = modelHash });
        return await Start(_folder.Path);
    }

    /// <summary>Each piece is its ids, as text in which * stands for the end of the reasoning and $ for the end, then what was released.</summary>
    private static (int[], string)[] Pieces(params string[] pieces) =>
    [
        .. pieces.Select(piece => piece.Split('|')).Select(piece => (
            Encoding.UTF8.GetBytes(piece[0]).Select(b => b switch { (byte)'*' => ScriptedModel.ThinkClose, (byte)'$' => ScriptedModel.End, _ => b }).ToArray(), piece[1])),
    ];

    private static async Task<TurnRecord> Closed(ScriptedSilo silo, ConversationKey? key = null)
    {
        using var impatience = new CancellationTokenSource(Patience);
        while (true)
        {
            if (await silo.Record.FindTurnAsync(key ?? Key, 1, impatience.Token) is { Closed: not null } closed) return closed;
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, impatience.Token);
        }
    }

    /// <summary>As a client does with a refusal that says when to come again.</summary>
    private static async Task<T> Again<T>(Func<Task<T>> call, Reason? unless = null)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                return await call();
            }
            catch (RefusedException refused) when (refused.Refusal.RetryAfter is not null && refused.Refusal.Reason != unless && tries < 200)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
            }
        }
    }
}
