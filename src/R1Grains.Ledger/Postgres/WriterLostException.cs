namespace R1Grains.Ledger.Postgres;

/// <summary>Somebody else goes on with this writer's row, which it takes for an ended one's. Nothing was written.</summary>
internal sealed class WriterLostException() : Exception("the writer's row belongs to another process");
