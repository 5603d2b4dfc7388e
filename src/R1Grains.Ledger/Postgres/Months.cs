using Npgsql;

namespace R1Grains.Ledger.Postgres;

/// <summary>Which months have tables, as far as this connection has seen.</summary>
internal sealed class Months(NpgsqlConnection connection)
{
    private readonly HashSet<Month> _known = [];

    /// <summary>Makes the tables that are missing.</summary>
    /// <exception cref="NpgsqlException"/>
    public async Task RequireAsync(params IEnumerable<Month> months)
    {
        foreach (var month in months)
        {
            if (!_known.Add(month))
                continue;
            try
            {
                await using var make = new NpgsqlCommand("SELECT make_month($1)", connection);
                make.Parameters.Add(Values.Of(month.FirstDay));
                await make.ExecuteNonQueryAsync();
            }
            catch
            {
                _known.Remove(month);
                throw;
            }
        }
    }
}
