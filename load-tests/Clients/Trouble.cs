using Google.Rpc;
using Grpc.Core;
using Status = Google.Rpc.Status;

namespace R1Grains.LoadTests.Clients;

/// <summary>What a client got in the place of what it asked for.</summary>
/// <param name="Reason">Of the error catalogue, e.g. MODEL_QUEUE_FULL; the status code where the server named none.</param>
/// <param name="RetryAfter">The server's advice.</param>
internal sealed record Trouble(StatusCode Code, string Reason, string Detail, TimeSpan? RetryAfter, bool IsServers)
{
    /// <summary>The same request is sent again, here or elsewhere: as the published service config has it, and where the transport spoke and nobody knows what was done.</summary>
    public bool IsTransient => Code is StatusCode.Unavailable
        || !IsServers && Code is StatusCode.Internal or StatusCode.Unknown or StatusCode.Cancelled or StatusCode.DeadlineExceeded;

    public static Trouble Broken(string reason, string detail) => new(StatusCode.Unavailable, reason, detail, null, IsServers: false);

    public static Trouble Of(RpcException exception) => exception.GetRpcStatus() is { } status
        ? Of(status)
        : new(exception.StatusCode, exception.StatusCode.ToString(), exception.Status.Detail, null, IsServers: false);

    public static Trouble Of(Status status)
    {
        var error = status.GetDetail<ErrorInfo>();
        var code = (StatusCode)status.Code;
        return new(code, error?.Reason ?? code.ToString(), status.Message, status.GetDetail<RetryInfo>()?.RetryDelay?.ToTimeSpan(), error is not null);
    }
}

internal sealed class TroubleException(Trouble trouble) : Exception($"{trouble.Reason}: {trouble.Detail}")
{
    public Trouble Trouble { get; } = trouble;
}
