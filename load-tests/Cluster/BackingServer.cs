namespace R1Grains.LoadTests.Cluster;

/// <summary>A server that a cluster needs and that is not ours: PostgreSQL or Redis, started for the run.</summary>
internal interface IBackingServer
{
    /// <summary>As in ConnectionStrings__Name: Postgres or Redis.</summary>
    string Name { get; }

    /// <summary>Its data stay.</summary>
    Task Stop();

    /// <summary>At the same address, on the same data; returns when it answers.</summary>
    Task Start();
}
