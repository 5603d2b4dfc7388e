namespace R1Grains.Operations;

internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "Stopping with {Calls} calls and {Turns} turns still running and {Replies} replies still generated here; they go on elsewhere, or after the next start")]
    public static partial void Left(ILogger log, int calls, int turns, int replies);

    [LoggerMessage(Level = LogLevel.Critical, Message = "The engine ended by a defect and answers no turn any more; this process says NOT_SERVING until it is started again")]
    public static partial void EngineEnded(ILogger log, Exception defect);
}
