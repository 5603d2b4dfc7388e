using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace R1Grains.Operations;

/// <summary>Whose certificates are let in: its root, and those between, in a PEM file; several roots while one replaces the other.</summary>
internal sealed class TrustedAuthority
{
    public const string ForServers = "1.3.6.1.5.5.7.3.1", ForClients = "1.3.6.1.5.5.7.3.2";

    private readonly string _setting;
    private readonly X509Certificate2Collection _certificates = [];

    /// <param name="setting">That names the file.</param>
    /// <param name="text">What the file holds.</param>
    /// <exception cref="StartFailure">No certificate.</exception>
    public TrustedAuthority(string setting, string file, string text)
    {
        (_setting, Text) = (setting, text);
        try
        {
            _certificates.ImportFromPem(text);
        }
        catch (CryptographicException unreadable)
        {
            throw new StartFailure($"{setting} '{file}' cannot be read ({unreadable.Message}): it must hold certificates in PEM form.");
        }
        if (_certificates.Count == 0) throw new StartFailure($"{setting} '{file}' holds no certificate: it must hold the authority's in PEM form.");
    }

    /// <summary>As it was read.</summary>
    public string Text { get; }

    /// <summary>Why somebody must not be let in with it; null if they may.</summary>
    /// <param name="sent">What came with it, from which the way to the authority may lead.</param>
    /// <param name="uses">All of which it must be for.</param>
    public string? Fault(X509Certificate2 certificate, X509Certificate2Collection? sent, params string[] uses)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_certificates);
        chain.ChainPolicy.ExtraStore.AddRange(sent ?? []);
        foreach (var use in uses) chain.ChainPolicy.ApplicationPolicy.Add(new(use));
        // An authority of one house publishes no list; what must not get in any more is left to expire, or the authority replaced.
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        if (chain.Build(certificate)) return null;
        var status = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, one) => all | one.Status);
        return status switch
        {
            _ when (status & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain)) != 0 => $"is of another authority than {_setting}: '{certificate.Issuer}'",
            _ when (status & X509ChainStatusFlags.NotTimeValid) != 0 => $"is valid from {certificate.NotBefore.ToUniversalTime():u} to {certificate.NotAfter.ToUniversalTime():u}",
            _ when (status & X509ChainStatusFlags.NotValidForUsage) != 0 => $"is not for {(uses.Length > 1 ? "servers and clients alike" : "clients")} (extended key usage)",
            _ => string.Join(", ", chain.ChainStatus.Select(fault => fault.StatusInformation.TrimEnd('.'))),
        };
    }
}
