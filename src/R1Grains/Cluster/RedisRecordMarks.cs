using System.Globalization;
using R1Grains.Ledger;
using StackExchange.Redis;

namespace R1Grains.Cluster;

/// <summary>The record's marks beside the membership, where every silo of the cluster reads them and PostgreSQL's disks do not hold them.</summary>
internal sealed class RedisRecordMarks(string connection, string cluster) : IRecordMarks, IAsyncDisposable
{
    // A mark never falls, whoever writes it and in whatever order.
    private const string Raise = "if tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0') < tonumber(ARGV[2]) then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end";

    private readonly Lazy<Task<IConnectionMultiplexer>> _redis = new(() => RedisConnection.Connect(connection));
    private readonly RedisKey _key = $"{cluster}/record-marks";

    public string Place => $"Redis, hash '{_key}'";

    public async Task<IReadOnlyDictionary<Guid, long>> ReadAsync(CancellationToken cancellation)
    {
        var marks = await (await _redis.Value).GetDatabase().HashGetAllAsync(_key).WaitAsync(cancellation);
        return marks.ToDictionary(mark => Guid.Parse(mark.Name.ToString()), mark => (long)mark.Value);
    }

    public async Task KeepAsync(Guid writer, long batch, CancellationToken cancellation)
    {
        var database = (await _redis.Value).GetDatabase();
        await database.ScriptEvaluateAsync(Raise, [_key], [writer.ToString(), batch.ToString(CultureInfo.InvariantCulture)]).WaitAsync(cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        if (_redis.IsValueCreated) await (await _redis.Value).DisposeAsync();
    }
}
