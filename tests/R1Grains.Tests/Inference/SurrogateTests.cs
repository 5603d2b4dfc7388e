using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using R1Grains.Conversations;
using R1Grains.Engine;

namespace R1Grains.Tests.Inference;

/// <summary>What crosses from silo to silo arrives as it was sent.</summary>
public sealed class SurrogateTests
{
    private readonly Serializer _serializer = new ServiceCollection().AddSerializer().BuildServiceProvider().GetRequiredService<Serializer>();

    private static readonly ActivityContext Trace = new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded, "bank=1", isRemote: true);

    [Fact]
    public void A_request_arrives_whole()
    {
        var sent = new GenerationRequest
        {
            Id = "x",
            Scope = "tenant/release",
            Priority = Priority.Batch,
            Prompt = [1, 2, 3],
            Recorded = [4],
            Deadline = DateTimeOffset.UnixEpoch.AddDays(1),
            Trace = Trace,
            Sampling = new()
            {
                Temperature = 0.1f,
                TopP = 0.2f,
                TopK = 3,
                RepetitionPenalty = 1.1f,
                Seed = ulong.MaxValue,
                MaxTokens = 5,
                ReasoningBudget = 6,
                StopStrings = ["a", "b"],
            },
        };
        var received = Sent(sent);
        Assert.Equal((sent.Id, sent.Deadline, sent.Scope, sent.Priority, sent.Trace), (received.Id, received.Deadline, received.Scope, received.Priority, received.Trace));
        Assert.Equal(sent.Prompt, received.Prompt);
        Assert.Equal(sent.Recorded, received.Recorded);
        Assert.Equal(sent.Sampling.StopStrings, received.Sampling.StopStrings);
        Assert.Equal(sent.Sampling with { StopStrings = [] }, received.Sampling with { StopStrings = [] });
    }

    [Fact]
    public void A_turn_arrives_with_the_span_that_asks_or_with_none()
    {
        var turn = new UserTurn("1", [1], "Hello", Concurrency.Queue, null, "anna", null);
        Assert.Equal(default, Sent(turn).Trace);
        var received = Sent(turn with { Trace = Trace }).Trace;
        Assert.Equal((Trace, true), (received, received.IsRemote));
    }

    [Fact]
    public void Every_kind_of_emission_arrives()
    {
        Emission[] all =
        [
            Emission.Queued(3), Emission.Prefilling(4, 5), Emission.Token(6),
            Emission.Finished(new(R1Grains.Engine.FinishReason.Failed, new(1, 2, 3), "stop", "error")),
        ];
        Assert.Equal(Enum.GetValues<EmissionKind>(), all.Select(emission => emission.Kind));
        Assert.Equal(all, all.Select(Sent));
    }

    [Fact]
    public void A_refusal_arrives_with_its_exception()
    {
        var sent = new RefusedException(new Refusal(Reason.InputTooLong, "too long", RetryAfter: TimeSpan.FromSeconds(2)).With("limit_tokens", "7"));
        var received = Sent(sent).Refusal;
        Assert.Equal((sent.Refusal.Reason, sent.Refusal.Detail, sent.Refusal.RetryAfter, "7"), (received.Reason, received.Detail, received.RetryAfter, received.Metadata!["limit_tokens"]));
    }

    private T Sent<T>(T value) where T : notnull => _serializer.Deserialize<T>(_serializer.SerializeToArray(value))!;
}
