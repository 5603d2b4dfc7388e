using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using R1Grains.Cluster;

namespace R1Grains.Tests.Cluster;

/// <summary>Issues certificates into a folder, as PEM files.</summary>
internal sealed class TestAuthority : IDisposable
{
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private readonly string _folder;
    private readonly X509Certificate2 _root;

    public TestAuthority(string folder, string name)
    {
        _folder = folder;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        _root = request.CreateSelfSigned(Now.AddDays(-60), Now.AddDays(60));
        File = Path.Combine(folder, $"{name}.pem");
        System.IO.File.WriteAllText(File, _root.ExportCertificatePem());
    }

    public string File { get; }

    /// <param name="until">Days from now; certificates are valid from 30 days ago on.</param>
    /// <param name="dns">Empty for none.</param>
    public SiloTls Issue(string name, string dns = "test", double until = 30, string? use = null, Uri? uri = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (dns.Length > 0) names.AddDnsName(dns);
        if (uri is not null) names.AddUri(uri);
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        if (use is not null) request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new(use)], critical: false));
        using var issued = request.Create(_root, Now.AddDays(-30), Now.AddDays(until), RandomNumberGenerator.GetBytes(12));
        var tls = new SiloTls(Path.Combine(_folder, $"{name}.crt"), Path.Combine(_folder, $"{name}.key"), File);
        System.IO.File.WriteAllText(tls.Certificate, issued.ExportCertificatePem());
        System.IO.File.WriteAllText(tls.Key, key.ExportPkcs8PrivateKeyPem());
        return tls;
    }

    public void Dispose() => _root.Dispose();
}
