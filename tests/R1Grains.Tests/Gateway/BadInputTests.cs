using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using R1Grains.Access;
using R1Grains.Tests.Scripted;
using R1Grains.V1;

namespace R1Grains.Tests.Gateway;

/// <summary>Each gets a status with a reason, and loses nothing.</summary>
public sealed class BadInputTests
{
    [Fact]
    public async Task Every_change_needs_a_request_id()
    {
        await using var host = await EmbeddedHost.Start();
        var anybody = host.Bearer("demo", "anna", PermissionSet.Known);
        foreach (var method in ContractWalk.Methods.Where(m => m.InputType.FindFieldByName("request_id") is not null))
        {
            var error = await ContractWalk.Refused(host.Channel, method, anybody, requestId: "");
            Assert.True(Reason(error) == "MISSING_REQUEST_ID", $"{method.FullName}: {error.Status}");
            Assert.Equal("request_id", Assert.Single(error.GetRpcStatus()!.GetDetail<BadRequest>().FieldViolations).Field);
            error = await ContractWalk.Refused(host.Channel, method, anybody, requestId: new string('x', 65));
            Assert.True(Reason(error) == "INVALID_ARGUMENT", $"{method.FullName}: {error.Status}");
        }
    }

    [Fact]
    public async Task Whoever_reads_what_others_said_needs_a_purpose()
    {
        await using var host = await EmbeddedHost.Start();
        await host.Open("walk");
        foreach (var method in ContractWalk.Methods.Where(m => m.Service == TranscriptService.Descriptor && m.InputType.FindFieldByName("purpose") is not null))
        {
            foreach (var (purpose, reason) in ((string, string)[])[("", "MISSING_PURPOSE"), (" \t", "MISSING_PURPOSE"), ("two\nlines", "INVALID_ARGUMENT"), (new string('x', 1_001), "INVALID_ARGUMENT")])
            {
                var error = await ContractWalk.Refused(host.Channel, method, [], purpose: purpose);
                Assert.Equal((method.Name, reason), (method.Name, Reason(error)));
                Assert.Equal("purpose", Assert.Single(error.GetRpcStatus()!.GetDetail<BadRequest>().FieldViolations).Field);
            }
        }
        Assert.Empty((await host.Registry.ListEntriesAsync("demo", 10)).Items);
    }

    [Fact]
    public async Task What_is_missing_and_what_is_foreign_get_the_same_answer_byte_for_byte()
    {
        await using var host = await EmbeddedHost.Start();
        await using var empty = await EmbeddedHost.Start();
        await host.Open("walk");
        foreach (var method in ContractWalk.Methods.Where(m => (m.InputType.FindFieldByName("parent") is null || m.Name is "ListTurns") && !ContractWalk.IsOfCluster(m)))
        {
            var foreign = await ContractWalk.Refused(host.Channel, method, host.Bearer("other", "anna", PermissionSet.All));
            var missing = await ContractWalk.Refused(empty.Channel, method, []);
            Assert.EndsWith("_NOT_FOUND", Reason(missing), StringComparison.Ordinal);
            Assert.Equal(missing.GetRpcStatus()!.ToByteArray(), foreign.GetRpcStatus()!.ToByteArray());
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n\t　")]
    [InlineData("\u200b \U000E0041")] // nobody sees it
    public async Task An_empty_input_is_refused_and_takes_no_turn(string text)
    {
        await using var host = await EmbeddedHost.Start();
        var conversation = await host.Open();
        var error = await Refused(host.Say(conversation, "1", text));
        Assert.Equal((StatusCode.InvalidArgument, "INPUT_EMPTY"), (error.StatusCode, Reason(error)));
        Assert.Equal("input.text", Assert.Single(error.GetRpcStatus()!.GetDetail<BadRequest>().FieldViolations).Field);
        Assert.Equal(0, (await host.Conversations.GetConversationAsync(new() { Name = conversation })).TurnCount);
    }

    [Fact]
    public async Task An_over_long_input_is_refused_with_token_counts_and_the_request_id_stays_free()
    {
        await using var host = await EmbeddedHost.Start();
        var conversation = await host.Open();
        var error = await Refused(host.Say(conversation, "1", new string('x', 100_000)));
        Assert.Equal((StatusCode.InvalidArgument, "INPUT_TOO_LONG"), (error.StatusCode, Reason(error)));
        var counts = error.GetRpcStatus()!.GetDetail<ErrorInfo>().Metadata;
        Assert.Equal(100_000, int.Parse(counts["input_tokens"], null));
        Assert.InRange(int.Parse(counts["limit_tokens"], null), 1, 99_999);
        Assert.Equal("en", error.GetRpcStatus()!.GetDetail<LocalizedMessage>().Locale);

        Assert.Equal("You said: short", (await host.Say(conversation, "1", "short").Rest()).Text());
    }

    [Fact]
    public async Task A_far_too_long_input_is_counted_as_far_as_is_needed()
    {
        await using var host = await EmbeddedHost.Start();
        var error = await Refused(host.Say(await host.Open(), "1", new string('x', 1_000_000)));
        Assert.Equal((StatusCode.InvalidArgument, "INPUT_TOO_LONG"), (error.StatusCode, Reason(error)));
        var counts = error.GetRpcStatus()!.GetDetail<ErrorInfo>().Metadata;
        Assert.InRange(int.Parse(counts["input_tokens"], null), int.Parse(counts["limit_tokens"], null) + 1, 200_000);
    }

    [Fact]
    public async Task A_message_beyond_the_bound_is_refused_by_name_before_it_is_read()
    {
        await using var host = await EmbeddedHost.Start();
        foreach (var size in new[] { 1_100_000, 10_000_000 })
        {
            var error = await Refused(host.Turns.StreamTurn(Talk.Turn("tenants/demo/conversations/c", "1", new string('x', size)), new Metadata { { "accept-language", "en" } }));
            Assert.Equal((StatusCode.InvalidArgument, "INPUT_TOO_LONG"), (error.StatusCode, Reason(error)));
            Assert.Equal(error.Status.Detail, error.GetRpcStatus()!.Message);
            Assert.Equal("en", error.GetRpcStatus()!.GetDetail<LocalizedMessage>().Locale);
            Assert.Equal("1048576", error.GetRpcStatus()!.GetDetail<ErrorInfo>().Metadata["limit_bytes"]);
        }
    }

    [Theory]
    [InlineData(new byte[] { 0xff, 0xff, 0xff })]
    [InlineData(new byte[] { 0x0a, 0x01, 0xff })]
    public async Task Bytes_that_are_no_message_are_the_callers_mistake(byte[] request)
    {
        await using var host = await EmbeddedHost.Start();
        var bytes = Marshallers.Create(value => value, value => value);
        var method = new Method<byte[], byte[]>(MethodType.Unary, "r1grains.v1.TurnService", "SendTurn", bytes, bytes);
        var error = await Assert.ThrowsAsync<RpcException>(async () => await host.Channel.CreateCallInvoker().AsyncUnaryCall(method, null, new(), request));
        Assert.Equal((StatusCode.InvalidArgument, "INVALID_ARGUMENT"), (error.StatusCode, Reason(error)));
    }

    [Fact]
    public async Task A_request_id_is_not_used_twice_for_different_things()
    {
        await using var host = await EmbeddedHost.Start();
        var conversation = await host.Open("c");
        await host.Say(conversation, "1", "one").Rest();
        var error = await Refused(host.Say(conversation, "1", "two"));
        Assert.Equal((StatusCode.InvalidArgument, "REQUEST_ID_REUSED"), (error.StatusCode, Reason(error)));

        error = await Assert.ThrowsAsync<RpcException>(() => host.Open("c", language: "zh"));
        Assert.Equal("REQUEST_ID_REUSED", Reason(error));
        error = await Assert.ThrowsAsync<RpcException>(async () => await host.Conversations.CreateConversationAsync(
            new() { Parent = "tenants/demo", ConversationId = "d", RequestId = "open-c" }));
        Assert.Equal((StatusCode.InvalidArgument, "REQUEST_ID_REUSED"), (error.StatusCode, Reason(error)));
        error = await Assert.ThrowsAsync<RpcException>(async () => await host.Conversations.CreateConversationAsync(
            new() { Parent = "tenants/demo", ConversationId = "c", RequestId = "another" }));
        Assert.Equal((StatusCode.AlreadyExists, "CONVERSATION_EXISTS"), (error.StatusCode, Reason(error)));
    }

    [Fact]
    public async Task A_stale_turn_index_is_refused()
    {
        await using var host = await EmbeddedHost.Start();
        var conversation = await host.Open();
        await host.Say(conversation, "1").Rest();
        var error = await Refused(host.Turns.StreamTurn(new(Talk.Turn(conversation, "2")) { ExpectedTurnIndex = 1 }));
        Assert.Equal((StatusCode.Aborted, "STALE_TURN_INDEX"), (error.StatusCode, Reason(error)));
        Assert.NotEmpty(await host.Turns.StreamTurn(new(Talk.Turn(conversation, "2")) { ExpectedTurnIndex = 2 }).Rest());
    }

    [Fact]
    public async Task A_turn_that_rejects_company_is_refused_while_another_runs_and_told_when_to_retry()
    {
        using var gate = new SemaphoreSlim(0);
        await using var host = await EmbeddedHost.Start(new() { Gate = gate });
        var conversation = await host.Open();
        using var running = host.Say(conversation, "1");
        await running.Next();
        var error = await Refused(host.Turns.StreamTurn(new(Talk.Turn(conversation, "2")) { Concurrency = Concurrency.Reject }));
        Assert.Equal((StatusCode.Aborted, "TURN_IN_PROGRESS"), (error.StatusCode, Reason(error)));
        Assert.NotNull(error.GetRpcStatus()!.GetDetail<RetryInfo>());
        gate.Release(10_000);
        await running.Rest();
    }

    [Fact]
    public async Task A_full_model_queue_refuses_and_tells_when_to_retry()
    {
        using var gate = new SemaphoreSlim(0);
        await using var host = await EmbeddedHost.Start(new() { Gate = gate }, settings: ["--R1:Engine:Rows=1", "--R1:Engine:QueueLimit=1"]);
        var calls = new List<AsyncServerStreamingCall<TurnEvent>>();
        RpcException? error = null;
        for (var i = 0; i < 8 && error is null; i++)
        {
            var call = host.Say(await host.Open($"c{i}"), "1");
            try
            {
                await call.Next();
                calls.Add(call);
            }
            catch (RpcException refused)
            {
                error = refused;
            }
        }
        Assert.NotNull(error);
        Assert.Equal((StatusCode.ResourceExhausted, "MODEL_QUEUE_FULL"), (error.StatusCode, Reason(error)));
        Assert.True(error.GetRpcStatus()!.GetDetail<RetryInfo>().RetryDelay.ToTimeSpan() > TimeSpan.Zero);
        Assert.NotNull(error.Trailers.Get("grpc-retry-pushback-ms"));
        gate.Release(100_000);
        foreach (var call in calls)
            Assert.Equal(TurnEvent.EventOneofCase.Completed, (await call.Rest())[^1].EventCase);
    }

    [Fact]
    public async Task A_deadline_shorter_than_the_queue_is_refused_before_it_passes()
    {
        await using var host = await EmbeddedHost.Start(
            new(Answer: new string('x', 600), TokensPerSecond: 100), settings: ["--R1:Engine:Rows=1"]);
        // The wait is told from how long earlier turns took.
        await host.Say(await host.Open("earlier"), "1").Rest();
        using var running = host.Say(await host.Open("busy"), "1");
        while ((await running.Next()).EventCase is not TurnEvent.EventOneofCase.TextDelta)
        {
        }

        var conversation = await host.Open("hasty");
        var error = await Refused(host.Turns.StreamTurn(Talk.Turn(conversation, "1"), deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(5)));
        Assert.Equal((StatusCode.DeadlineExceeded, "DEADLINE_TOO_SHORT"), (error.StatusCode, Reason(error)));
    }

    [Fact]
    public async Task What_does_not_exist_is_named_by_its_kind()
    {
        await using var host = await EmbeddedHost.Start();
        var conversation = await host.Open();
        await host.Say(conversation, "1").Rest();

        Assert.Equal("TURN_NOT_FOUND", Reason(await Assert.ThrowsAsync<RpcException>(async () => await host.Turns.GetTurnAsync(new() { Name = $"{conversation}/turns/2" }))));
        Assert.Equal("TURN_NOT_FOUND", Reason(await Refused(host.Turns.ResumeTurn(new() { Turn = $"{conversation}/turns/2" }))));
        Assert.Equal("SEQUENCE_OUT_OF_RANGE", Reason(await Refused(host.Turns.ResumeTurn(new() { Turn = $"{conversation}/turns/1", AfterSequence = 1_000 }))));
        Assert.Equal("SEQUENCE_OUT_OF_RANGE", Reason(await Refused(host.Turns.ResumeTurn(new() { Turn = $"{conversation}/turns/1", AfterSequence = -1 }))));
        Assert.Equal("INVALID_PAGE_TOKEN", Reason(await Assert.ThrowsAsync<RpcException>(async () => await host.Turns.ListTurnsAsync(new() { Parent = conversation, PageToken = "2" }))));
    }

    [Fact]
    public async Task A_completed_conversation_takes_no_more_turns()
    {
        await using var host = await EmbeddedHost.Start();
        var conversation = await host.Open();
        await host.Conversations.CompleteConversationAsync(new() { Name = conversation, RequestId = "end" });
        var error = await Refused(host.Say(conversation, "1"));
        Assert.Equal((StatusCode.FailedPrecondition, "CONVERSATION_COMPLETED"), (error.StatusCode, Reason(error)));
    }

    [Fact]
    public async Task A_wrong_field_of_a_new_conversation_is_named()
    {
        await using var host = await EmbeddedHost.Start();
        (string Field, Action<CreateConversationRequest> Break)[] cases =
        [
            ("conversation_id", r => r.ConversationId = "No Spaces"),
            ("conversation.language_code", r => r.Conversation.LanguageCode = "fr"),
            ("conversation.idle_timeout", r => r.Conversation.IdleTimeout = new() { Seconds = 0 }),
            ("conversation.idle_timeout", r => r.Conversation.IdleTimeout = new() { Seconds = long.MaxValue }),
            ("conversation.channel", r => r.Conversation.Channel = new string('x', 257)),
            ("conversation.labels", r => r.Conversation.Labels.Add(Enumerable.Range(0, 65).ToDictionary(i => $"k{i}", _ => ""))),
        ];
        foreach (var (field, breakIt) in cases)
        {
            var request = new CreateConversationRequest { Parent = "tenants/demo", RequestId = "1", Conversation = new() };
            breakIt(request);
            var error = await Assert.ThrowsAsync<RpcException>(async () => await host.Conversations.CreateConversationAsync(request));
            Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
            Assert.Equal(field, Assert.Single(error.GetRpcStatus()!.GetDetail<BadRequest>().FieldViolations).Field);
        }
    }

    private static string Reason(RpcException error) => error.GetRpcStatus()?.GetDetail<ErrorInfo>()?.Reason ?? error.Status.ToString();

    private static async Task<RpcException> Refused(AsyncServerStreamingCall<TurnEvent> call)
    {
        using (call)
            return await Assert.ThrowsAsync<RpcException>(() => call.Next());
    }
}
