using Npgsql;

namespace R1Grains.Ledger.Postgres;

/// <summary>The database's roles, which a login must have been granted to take them.</summary>
internal static class RecordRoles
{
    private const string Script = "deploy/kubernetes/components/stores/roles.sql";

    /// <summary>In the database that is connected to.</summary>
    private const string Name = "current_database() || '_' || $1";

    public static string Suffix(RecordRole role) => role.ToString().ToLowerInvariant();

    /// <summary>Makes them, where the login may; the caller sees to it that nobody does at the same time.</summary>
    /// <exception cref="RecordServerException">They are missing.</exception>
    public static async Task RequireAsync(NpgsqlConnection connection, string address, CancellationToken cancellation)
    {
        if (await AskAsync(connection, $"SELECT to_regrole(quote_ident({Name})) IS NOT NULL", RecordRole.Owner, cancellation))
            return;
        if (!await AskAsync(connection, "SELECT rolsuper OR rolcreaterole AND $1 <> '' FROM pg_roles WHERE rolname = current_user", RecordRole.Owner, cancellation))
            throw new RecordServerException(address, $"the roles of the record are missing, and user '{connection.UserName}' may make none. Run {Script} in the database once, as a superuser.");
        using var script = new StreamReader(typeof(RecordRoles).Assembly.GetManifestResourceStream("roles.sql")!);
        await using var make = new NpgsqlCommand(await script.ReadToEndAsync(cancellation), connection);
        await make.ExecuteNonQueryAsync(cancellation);
    }

    public static Task<bool> MayTakeAsync(NpgsqlConnection connection, RecordRole role, CancellationToken cancellation) =>
        AskAsync(connection, $"SELECT coalesce(pg_has_role(to_regrole(quote_ident({Name})), 'MEMBER'), false)", role, cancellation);

    /// <summary>From now on the connection may do what the role may, and no more.</summary>
    /// <exception cref="RecordServerException">The login has not been granted it.</exception>
    public static async Task TakeAsync(NpgsqlConnection connection, RecordRole role, string address, CancellationToken cancellation)
    {
        try
        {
            await using var take = new NpgsqlCommand($"SELECT set_config('role', {Name}, false)", connection);
            take.Parameters.Add(Values.Of(Suffix(role)));
            await take.ExecuteNonQueryAsync(cancellation);
        }
        catch (PostgresException refused) when (refused.SqlState is PostgresErrorCodes.InvalidParameterValue or PostgresErrorCodes.InsufficientPrivilege)
        {
            throw new RecordServerException(address, $"user '{connection.UserName}' cannot act as the record's {Suffix(role)} ({refused.MessageText}). Grant it: GRANT {connection.Database}_{Suffix(role)} TO {connection.UserName}. Where the role is missing, run {Script} in the database once, as a superuser.");
        }
    }

    private static async Task<bool> AskAsync(NpgsqlConnection connection, string sql, RecordRole role, CancellationToken cancellation)
    {
        await using var ask = new NpgsqlCommand(sql, connection);
        ask.Parameters.Add(Values.Of(Suffix(role)));
        return await ask.ExecuteScalarAsync(cancellation) is true;
    }
}
