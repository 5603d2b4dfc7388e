using System.Diagnostics;
using System.Text.Json;
using R1Grains.Engine;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Conversations;

/// <summary>The span of a reply as its conversation waits for it, named by OpenTelemetry's conventions for clients of models.</summary>
internal static class ReplySpan
{
    /// <summary>Null where the turn is not traced.</summary>
    /// <param name="recorded">Tokens that the reply goes on after.</param>
    public static Activity? Begin(TurnOpened opened, int recorded)
    {
        if (Tracing.Part("chat", ActivityKind.Client) is not { } span) return null;
        span.DisplayName = $"chat {opened.Release.ModelName}";
        return span
            .SetTag("gen_ai.operation.name", "chat")
            .SetTag("gen_ai.provider.name", "r1grains")
            .SetTag("gen_ai.request.model", opened.Release.ModelName)
            .SetTag("gen_ai.conversation.id", opened.Key.ToString())
            .SetTag("gen_ai.request.max_tokens", opened.Sampling.MaxTokens)
            .SetTag("r1grains.turn.index", opened.Turn)
            .SetTag("r1grains.reply.recorded", recorded);
    }

    /// <summary>The device has said how the reply ended.</summary>
    public static void Finish(Activity? span, Completion completion)
    {
        if (span is null) return;
        span.SetTag("gen_ai.response.model", span.GetTagItem("gen_ai.request.model"))
            .SetTag("gen_ai.response.finish_reasons", new[] { JsonNamingPolicy.SnakeCaseLower.ConvertName(completion.Reason.ToString()) })
            .SetTag("gen_ai.usage.input_tokens", completion.Usage.PromptTokens)
            .SetTag("gen_ai.usage.output_tokens", completion.Usage.ReasoningTokens + completion.Usage.AnswerTokens);
        if (completion.Reason is Engine.FinishReason.Failed) span.Fail("failed");
    }
}
