using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Npgsql;

namespace R1Grains.Ledger.Postgres;

/// <summary>What a failure of the server is called outside, and what to do about it.</summary>
internal static class Outage
{
    /// <summary>Whether it says nothing about what was asked: it may go well in a moment, or on another connection.</summary>
    public static bool Is(Exception failure) => failure switch
    {
        // Syntax, types, names, data and constraints are what was asked; everything else is the server's state.
        PostgresException { SqlState: var state } => state[..2] is not ("0A" or "21" or "22" or "23" or "42" or "XX"),
        RecordServerException => true,
        _ => failure is NpgsqlException or SocketException or IOException or TimeoutException or OperationCanceledException,
    };

    /// <summary>Whether it stays until somebody sets the server or the connection string otherwise.</summary>
    public static bool IsSetting(Exception failure) => failure is RecordServerException or PostgresException { SqlState: ['2', '8', ..] or "3D000" } or NpgsqlException { InnerException: AuthenticationException };

    /// <summary>Whether another transaction came first: in the next attempt its rows are seen, or that it took out a month.</summary>
    public static bool IsCollision(Exception failure) => failure is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.UndefinedTable };

    public static Exception Translate(Exception failure, string address) => failure switch
    {
        RecordUnavailableException => failure,
        RecordServerException server => new RecordUnavailableException($"The record cannot be used: {server.Message}", server),
        PostgresException refused => new RecordUnavailableException($"The record cannot be used: PostgreSQL at {address} says '{refused.MessageText}' ({refused.SqlState}). {Advice(refused.SqlState)}", refused),
        NpgsqlException { InnerException: TimeoutException } or TimeoutException or OperationCanceledException =>
            new RecordUnavailableException($"The record cannot be used: PostgreSQL at {address} did not answer in time. Check the server and the network; retry.", failure),
        NpgsqlException { InnerException: AuthenticationException refused } =>
            new RecordUnavailableException($"The record cannot be used: the TLS certificate of PostgreSQL at {address} is refused ({refused.Message.TrimEnd('.')}).", failure),
        NpgsqlException or SocketException or IOException =>
            new RecordUnavailableException($"The record cannot be used: PostgreSQL at {address} cannot be reached ({Reason(failure)}). Start it, or mend the network; retry.", failure),
        InvalidDataException or InvalidCastException or InvalidOperationException or DecoderFallbackException =>
            new RecordDamagedException($"at {address}: {failure.Message}", failure),
        WriterLostException => new RecordUnavailableException($"The record at {address} cannot tell whether the append was written: another process took the writer's row meanwhile. Retry.", failure),
        _ => failure,
    };

    private static string Reason(Exception failure)
    {
        while (failure is AggregateException or NpgsqlException && failure.InnerException is { } inner)
            failure = inner;
        return failure.Message;
    }

    private static string Advice(string state) => state switch
    {
        "28P01" or "28000" => "Set the user and the password in the connection string to those of the server.",
        "3D000" => "Create the database with: CREATE DATABASE … ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0",
        "42501" => "Grant the user the roles of the record that it needs; deploy/README.md names them.",
        "53100" => "The server's disk is full: free space, then retry.",
        "53300" => "Raise max_connections of the server, or lower that of its other clients; retry.",
        "25006" => "The server takes no writes: name the primary, or all hosts and 'Target Session Attributes=primary'.",
        "57P01" or "57P02" or "57P03" => "It is starting or stopping; retry.",
        ['2', '3', ..] => "Its rows contradict its heads: verify it, and restore it from a backup.",
        ['X', 'X', ..] => "Its data may be damaged: verify it, and restore it from a backup.",
        _ => "Retry, and verify the record if it happens again.",
    };
}
