using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Npgsql;

namespace R1Grains.Cluster;

/// <summary>The keys that seal page tokens, in the cluster's tables: a page that one gateway began, another can go on with.</summary>
internal sealed class GatewayKeys(string postgres) : IXmlRepository
{
    private readonly string _connection = ClusterTables.Connection(postgres);

    public IReadOnlyCollection<XElement> GetAllElements()
    {
        using var connection = new NpgsqlConnection(_connection);
        connection.Open();
        using var command = new NpgsqlCommand("SELECT xml FROM gateway_key ORDER BY name", connection);
        using var row = command.ExecuteReader();
        var keys = new List<XElement>();
        while (row.Read()) keys.Add(XElement.Parse(row.GetString(0)));
        return keys;
    }

    public void StoreElement(XElement element, string friendlyName)
    {
        using var connection = new NpgsqlConnection(_connection);
        connection.Open();
        using var command = new NpgsqlCommand("INSERT INTO gateway_key (name, xml) VALUES ($1, $2)", connection) { Parameters = { new() { Value = friendlyName }, new() { Value = element.ToString(SaveOptions.DisableFormatting) } } };
        command.ExecuteNonQuery();
    }
}
