using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Orleans.Runtime;
using Orleans.Runtime.MembershipService;
using R1Grains.Cluster;
using R1Grains.Engine;
using R1Grains.Engine.Models;
using R1Grains.Ledger;

namespace R1Grains.Operations;

/// <summary>The process cannot start. The message is for the operator: what failed, with which value, what to do.</summary>
public sealed class StartFailure(string message) : Exception(message)
{
    /// <summary>Runs a program; a failure to start that was foreseen becomes one line for the operator.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> Told(Func<Task> program)
    {
        try
        {
            await program();
            return 0;
        }
        catch (Exception exception) when (Explain(exception) is { } line)
        {
            await Console.Error.WriteLineAsync(line);
            return 1;
        }
    }

    /// <summary>The operator's line for an exception of starting, or null where nobody foresaw it.</summary>
    public static string? Explain(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case StartFailure or RecordFolderException or RecordKeyException or KeyStoreException or RecordNotWitnessedException or RecordServerException or RecordUnavailableException or ModelFolderException or DeviceException:
                    return cause.Message;
                case OrleansClusterConnectivityCheckFailedException:
                    return $"{cause.Message.TrimEnd('.')}. {DeclaredDead.Advice}";
                case IOException { InnerException: AddressInUseException }:
                    return $"{cause.Message} Stop the process that holds it, or listen elsewhere with R1__Listen, e.g. R1__Listen=127.0.0.1:5081; the metrics' port is R1__Metrics, the dashboard's R1__Dashboard.";
                case SocketException { SocketErrorCode: SocketError.AddressNotAvailable or SocketError.AccessDenied }:
                    return $"R1__Listen cannot be listened on: {cause.Message}. It must be an address of this machine, with a port that this user may open, e.g. R1__Listen=127.0.0.1:5080.";
            }
        }
        return null;
    }
}
