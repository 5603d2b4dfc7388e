namespace R1Grains.Tests.Operations;

public sealed class TracesTests(WatchedCluster cluster) : IClassFixture<WatchedCluster>
{
    [Fact]
    public void A_turn_is_one_trace_from_the_call_over_two_silos_to_the_step_that_decodes()
    {
        var call = Of("POST /r1grains.v1.TurnService/StreamTurn", "a", cluster.Traced.SpanId.ToString());
        var turn = Of("turn", "b", call.Id);
        Of("record opening", "b", turn.Id);
        Of("record closing", "b", turn.Id);
        var reply = Of("chat scripted", "b", turn.Id);
        var generate = Of("generate", "a", reply.Id);
        Of("queue", "a", generate.Id);
        Of("prefill", "a", generate.Id);
        Of("step", "a", Of("decode", "a", generate.Id).Id);

        Assert.Equal((WatchedCluster.Conversation, "1", "Completed"), (turn.Attributes["gen_ai.conversation.id"], turn.Attributes["r1grains.turn.index"], turn.Attributes["r1grains.turn.outcome"]));
        Assert.Equal(("chat", "scripted", WatchedCluster.Conversation, "a/0"),
            (reply.Attributes["gen_ai.operation.name"], reply.Attributes["gen_ai.response.model"], reply.Attributes["gen_ai.conversation.id"], reply.Attributes["r1grains.device"]));
        Assert.Equal(reply.Attributes["gen_ai.usage.output_tokens"], generate.Attributes["r1grains.engine.generated.tokens"]);
        Assert.Equal($"{WatchedCluster.Conversation}/turns/1", generate.Attributes["r1grains.engine.request"]);

        ReceivedSpan Of(string name, string process, string parent)
        {
            var span = Assert.Single(cluster.Spans, span => span.Trace == cluster.Traced.TraceId.ToString() && span.Name == name);
            Assert.Equal((name, process, parent), (span.Name, span.Process, span.Parent));
            return span;
        }
    }

    [Fact]
    public void A_trace_that_its_caller_does_not_record_has_no_span() =>
        Assert.DoesNotContain(cluster.Spans, span => span.Trace == cluster.Untraced.TraceId.ToString() || span.Parent == cluster.Untraced.SpanId.ToString());

    [Fact]
    public void Spans_hold_no_words() => Assert.All(WatchedCluster.Words, word => Assert.DoesNotContain(word, cluster.Exported, StringComparison.OrdinalIgnoreCase));

    [Fact]
    public void No_line_of_a_log_that_holds_everything_holds_words() => Assert.All(cluster.Output.Values, output =>
        Assert.All(WatchedCluster.Words, word => Assert.DoesNotContain(output, line => line.Contains(word, StringComparison.OrdinalIgnoreCase))));

    [Fact]
    public void Lines_written_within_a_turn_carry_its_ids_whoever_writes_them()
    {
        var opened = Assert.Single(cluster.Output["b"], line => line.Contains($"{WatchedCluster.Conversation} turn 1 is opened", StringComparison.Ordinal));
        Assert.Contains($"TraceId:{cluster.Traced.TraceId}", opened);
        Assert.Contains(cluster.Output["b"], line => line.Contains("Orleans", StringComparison.Ordinal) && line.Contains($"=> {WatchedCluster.Conversation} turn 1", StringComparison.Ordinal));
        // In each of the two turns one line or more.
        Assert.Contains(cluster.Output["b"], line => line.Contains($"=> {WatchedCluster.Conversation} turn 2", StringComparison.Ordinal));
        Assert.Contains(cluster.Output["a"], line => line.Contains($"TraceId:{cluster.Traced.TraceId}", StringComparison.Ordinal) && line.Contains($"=> {WatchedCluster.Conversation} ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_dashboard_of_one_silo_shows_the_other_as_well()
    {
        Assert.Contains("a:Gateway", cluster.Counters);
        Assert.Contains("b:Conversation", cluster.Counters);
        Assert.DoesNotContain("c4711", cluster.Counters);
    }
}
