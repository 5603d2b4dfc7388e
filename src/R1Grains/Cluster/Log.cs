using R1Grains.Operations;

namespace R1Grains.Cluster;

internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Error, Message = "The record's trees do not grow here; turns go on, and their proofs wait: {Reason}")]
    public static partial void TreesStand(ILogger log, [ToldData] string reason);
}
