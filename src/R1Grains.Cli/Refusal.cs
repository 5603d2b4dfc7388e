using System.Globalization;
using Google.Rpc;
using Grpc.Core;
using Status = Google.Rpc.Status;

namespace R1Grains.Cli;

/// <summary>What a server answered instead of doing what it was asked.</summary>
/// <param name="Reason">Of the error catalogue, e.g. MODEL_QUEUE_FULL; the status code where the server named none.</param>
/// <param name="Detail">For the engineer: what failed, with which value, what to do.</param>
/// <param name="RetryAfter">When the same request may succeed; null where a repetition is of no use.</param>
/// <param name="ForCustomer">The same for a customer, in the customer's language.</param>
/// <param name="IsServers">False where a network, a proxy or the transport spoke, and the server may have done it all the same.</param>
internal sealed record Refusal(StatusCode Code, string Reason, string Detail, TimeSpan? RetryAfter, string? ForCustomer, bool IsServers)
{
    /// <summary>Repeating the request, here or at another address, is the cure. Safe because every change carries a request id.</summary>
    public bool IsTransient => Code is StatusCode.Unavailable
        || !IsServers && Code is StatusCode.Internal or StatusCode.Unknown or StatusCode.Cancelled or StatusCode.DeadlineExceeded;

    public static Refusal Of(RpcException exception)
    {
        if (exception.GetRpcStatus() is { } status)
            return Of(status);
        var cause = exception.Status.DebugException?.GetBaseException().Message is { } words && words != exception.Status.Detail ? $" ({words})" : "";
        return Of(new Status { Code = (int)exception.StatusCode, Message = exception.Status.Detail + cause });
    }

    public static Refusal Of(Status status)
    {
        var error = status.GetDetail<ErrorInfo>();
        var code = (StatusCode)status.Code;
        return new(
            code,
            error?.Reason ?? code.ToString(),
            status.Message,
            status.GetDetail<RetryInfo>()?.RetryDelay?.ToTimeSpan(),
            status.GetDetail<LocalizedMessage>()?.Message,
            error is not null);
    }

    public override string ToString()
    {
        var advice = RetryAfter is { } delay ? string.Create(CultureInfo.InvariantCulture, $" (try again in {delay.TotalSeconds:0.#} s)") : "";
        var customer = ForCustomer is { Length: > 0 } words && words != Detail ? $"\n  for the customer: {words}" : "";
        return $"{Reason}: {Detail}{advice}{customer}";
    }
}

internal sealed class RefusedException(Refusal refusal) : Exception(refusal.ToString())
{
    public Refusal Refusal { get; } = refusal;
}

/// <summary>No server could be reached for as long as it was worth trying.</summary>
internal sealed class UnreachableException(string message) : Exception(message);
