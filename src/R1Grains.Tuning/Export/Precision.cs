namespace R1Grains.Tuning.Export;

/// <summary>How an exported model keeps its projection matrices and its head; embeddings and norms stay float32.</summary>
public enum Precision
{
    Fp32 = 32,
    Int8 = 8,
    Int4 = 4,
}
