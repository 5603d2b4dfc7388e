namespace R1Grains.Engine;

/// <summary>All rows are busy and the queue is at its bound.</summary>
public sealed class QueueFullException(int waiting, TimeSpan predictedFirstToken)
    : Exception($"The model's queue is full: {waiting} requests are waiting. Try again in about {predictedFirstToken.TotalSeconds:0} s.")
{
    public int Waiting { get; } = waiting;

    public TimeSpan PredictedFirstToken { get; } = predictedFirstToken;
}

/// <summary>The first token is expected after the request's deadline.</summary>
public sealed class DeadlineTooShortException(TimeSpan remaining, TimeSpan predictedFirstToken)
    : Exception($"The deadline is {remaining.TotalSeconds:0.0} s away, and the first token is expected in about {predictedFirstToken.TotalSeconds:0.0} s.")
{
    public TimeSpan Remaining { get; } = remaining;

    public TimeSpan PredictedFirstToken { get; } = predictedFirstToken;
}

/// <summary>Prompt and reply together do not fit the model's context.</summary>
public sealed class PromptTooLongException(int promptTokens, int maxTokens, int contextLength)
    : Exception($"The prompt has {promptTokens} tokens and the reply may have {maxTokens}; the model's context holds {contextLength}.")
{
    public int PromptTokens { get; } = promptTokens;

    public int MaxTokens { get; } = maxTokens;

    public int ContextLength { get; } = contextLength;
}

/// <summary>The engine was shut down, or its thread ended by a defect.</summary>
public sealed class EngineStoppedException(string reason, Exception? inner = null) : Exception(reason, inner);
