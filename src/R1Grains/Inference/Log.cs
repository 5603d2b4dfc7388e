using R1Grains.Operations;

namespace R1Grains.Inference;

internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "{Notice}")]
    public static partial void Noticed(ILogger log, [ToldData] string notice);
}
