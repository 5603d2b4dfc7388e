namespace R1Grains.Cluster;

/// <summary>PEM files, as full paths.</summary>
/// <param name="Certificate">What the silo shows the others, for servers and clients alike, with the cluster's name among its DNS names.</param>
/// <param name="Key">The certificate's, not encrypted.</param>
/// <param name="Authority">Whose certificates are let in: its root, and those between; several roots while one replaces the other.</param>
public sealed record SiloTls(string Certificate, string Key, string Authority);
