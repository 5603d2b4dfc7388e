using Grpc.Core;

namespace R1Grains.Gateway;

internal static class Deadline
{
    /// <summary>When the call ends by this time; null for never. gRPC reckons by the machine's clock, which may have been set to another time.</summary>
    public static DateTimeOffset? DeadlineBy(this ServerCallContext call, TimeProvider time) =>
        call.Deadline == DateTime.MaxValue ? null : time.GetUtcNow() + (new DateTimeOffset(call.Deadline) - TimeProvider.System.GetUtcNow());
}
