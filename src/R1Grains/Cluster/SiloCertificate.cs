using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Orleans.Configuration;
using Orleans.Connections.Security;
using R1Grains.Operations;

namespace R1Grains.Cluster;

/// <summary>
/// Mutual TLS between silos: each shows its certificate and asks for one of the same authority that is issued to the same
/// cluster. Addresses are not compared: they change with every pod, and all silos of a cluster may do the same.
/// </summary>
internal sealed partial class SiloCertificate
{
    private readonly SiloTls _files;
    private readonly string _cluster;
    private volatile Loaded _loaded;

    private SiloCertificate(SiloTls files, string cluster) => (_files, _cluster, _loaded) = (files, cluster, Load(files, cluster));

    /// <exception cref="StartFailure">A file is missing or unreadable, or the other silos would refuse the certificate.</exception>
    public static SiloCertificate Open(SiloTls files, string cluster) => new(files, cluster);

    public void Secure(ISiloBuilder silo) => silo.Services.AddOptions<SiloConnectionOptions>().Configure<ILogger<SiloCertificate>>((connections, log) =>
    {
        var tls = new TlsOptions
        {
            LocalServerCertificateSelector = (_, _) => Current(log).Own,
            LocalClientCertificateSelector = (_, _, _, _, _) => Current(log).Own,
            RemoteCertificateMode = RemoteCertificateMode.RequireCertificate,
            RemoteCertificateValidation = (peer, sent, _) => Accepts(peer, sent, log),
            OnAuthenticateAsClient = (_, client) => client.TargetHost = _cluster,
        };
        connections.ConfigureSiloInboundConnection(connection => connection.UseServerTls(tls));
        connections.ConfigureSiloOutboundConnection(connection => connection.UseClientTls(tls));
    });

    private bool Accepts(X509Certificate2 peer, X509Chain? sent, ILogger log)
    {
        if (Fault(peer, Current(log).Authority, _cluster, sent?.ChainPolicy.ExtraStore) is not { } fault) return true;
        Log.Refused(log, peer.Subject, fault);
        return false;
    }

    /// <summary>
    /// Read again for each connection, of which there are few: a renewed certificate is then taken without a restart. Times
    /// of files say nothing, because a mounted secret is a link that stays while what it leads to changes.
    /// </summary>
    private Loaded Current(ILogger log)
    {
        var loaded = _loaded;
        try
        {
            if (loaded.IsAsOn(_files)) return loaded;
            _loaded = loaded = Load(_files, _cluster);
            Log.Renewed(log, _files.Certificate, loaded.Own.NotAfter.ToUniversalTime());
        }
        catch (StartFailure faulty)
        {
            // Perhaps it is being written.
            Log.NotRenewed(log, faulty.Message);
        }
        return loaded;
    }

    private static Loaded Load(SiloTls files, string cluster)
    {
        var loaded = Loaded.From(files);
        if (Fault(loaded.Own, loaded.Authority, cluster) is { } fault)
            throw new StartFailure($"R1__Silo__Certificate '{files.Certificate}' would be refused by the other silos: it {fault}.");
        return loaded;
    }

    /// <summary>Why a silo must not be let in with it; null if it may.</summary>
    /// <param name="sent">What came with it, from which the way to the authority may lead.</param>
    private static string? Fault(X509Certificate2 certificate, TrustedAuthority authority, string cluster, X509Certificate2Collection? sent = null)
    {
        if (!certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(names => names.EnumerateDnsNames()).Contains(cluster, StringComparer.OrdinalIgnoreCase))
            return $"has no DNS name '{cluster}', which is R1__Cluster, among its subject alternative names";
        return authority.Fault(certificate, sent, TrustedAuthority.ForServers, TrustedAuthority.ForClients);
    }

    /// <summary>The files as they were read.</summary>
    private sealed record Loaded(string Certificate, string Key, X509Certificate2 Own, TrustedAuthority Authority)
    {
        public bool IsAsOn(SiloTls files) =>
            (Certificate, Key, Authority.Text) == (Text("Certificate", files.Certificate), Text("Key", files.Key), Text("Authority", files.Authority));

        public static Loaded From(SiloTls files)
        {
            var (certificate, key, text) = (Text("Certificate", files.Certificate), Text("Key", files.Key), Text("Authority", files.Authority));
            var authority = new TrustedAuthority("R1__Silo__Authority", files.Authority, text);
            try
            {
                return new(certificate, key, X509Certificate2.CreateFromPem(certificate, key), authority);
            }
            catch (Exception unreadable) when (unreadable is CryptographicException or ArgumentException)
            {
                throw new StartFailure($"R1__Silo__Certificate '{files.Certificate}' and R1__Silo__Key '{files.Key}' cannot be used ({unreadable.Message}): they must be a certificate and its private key, not encrypted, in PEM form.");
            }
        }

        private static string Text(string setting, string file)
        {
            try
            {
                return File.ReadAllText(file);
            }
            catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
            {
                throw new StartFailure($"R1__Silo__{setting} '{file}' cannot be read: {unreadable.Message}");
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "The silo's certificate {File} was renewed; it is valid to {End} UTC")]
        public static partial void Renewed(ILogger log, [NameData] string file, DateTime end);

        [LoggerMessage(2, LogLevel.Warning, "The silo's certificate was changed and is not taken: {Fault} The earlier one is shown on")]
        public static partial void NotRenewed(ILogger log, [ToldData] string fault);

        [LoggerMessage(3, LogLevel.Warning, "A connection of a silo was refused: its certificate '{Subject}' {Fault}")]
        public static partial void Refused(ILogger log, [NameData] string subject, [ToldData] string fault);
    }
}
