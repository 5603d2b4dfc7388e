using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using R1Grains.Access;
using R1Grains.Operations;

namespace R1Grains.Gateway;

/// <summary>PEM files with which a gateway proves who it is.</summary>
/// <param name="Certificate">The gateway's, and behind it those that lead to the authority.</param>
/// <param name="Key">Its private key, not encrypted.</param>
/// <param name="ClientAuthority">Whose certificates prove who a client is; null where none is asked for.</param>
public sealed record GatewayTls(string Certificate, string Key, string? ClientAuthority = null);

/// <summary>Reads the files again for each connection, so that a renewed certificate is taken without a restart; one that is being written is not.</summary>
internal sealed partial class GatewayCertificate
{
    /// <summary>For calls on connections that are open; new ones look for themselves.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly GatewayTls _files;
    private volatile Loaded _loaded;
    private long _looked;

    private GatewayCertificate(GatewayTls files) => (_files, _loaded) = (files, Load(files));

    /// <exception cref="StartFailure">A file is missing or unreadable.</exception>
    public static GatewayCertificate Open(GatewayTls files) => new(files);

    /// <param name="log">Asked for when something is to be told.</param>
    public TlsHandshakeCallbackOptions Options(Func<ILogger<GatewayCertificate>> log) => new()
    {
        OnConnection = handshake =>
        {
            var loaded = Current(log);
            return ValueTask.FromResult(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = loaded.Context,
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                ApplicationProtocols = [SslApplicationProtocol.Http2],
                // Asked for, and not demanded: a token will do as well.
                ClientCertificateRequired = loaded.Clients is not null,
                RemoteCertificateValidationCallback = loaded.Clients is { } clients ? (_, shown, chain, _) =>
                {
                    if (shown is not X509Certificate2 certificate) return true;
                    if (!Accepts(clients, certificate, chain, log)) return false;
                    handshake.Connection.Features.Set(Later(clients, certificate, chain, log));
                    return true;
                } : null,
                // Whoever comes again shows it again, to the authority of then.
                AllowTlsResume = loaded.Clients is null,
            });
        },
    };

    private static bool Accepts(TrustedAuthority clients, X509Certificate2 certificate, X509Chain? sent, Func<ILogger> log)
    {
        if (clients.Fault(certificate, sent?.ChainPolicy.ExtraStore, TrustedAuthority.ForClients) is not { } fault) return true;
        Log.Refused(log(), certificate.Subject, fault);
        return false;
    }

    /// <summary>Asks again, of a certificate that was let in by an authority, for as long as its connection lasts.</summary>
    private CertificateFault Later(TrustedAuthority clients, X509Certificate2 certificate, X509Chain? sent, Func<ILogger> log)
    {
        // Those of the handshake end with it.
        var shown = X509CertificateLoader.LoadCertificate(certificate.RawData);
        X509Certificate2Collection between = [.. (sent?.ChainPolicy.ExtraStore ?? []).Select(one => X509CertificateLoader.LoadCertificate(one.RawData))];
        var told = new Told(clients, null);
        return () =>
        {
            var last = Volatile.Read(ref told);
            if (Recent(log).Clients is not { } now || now.Text == last.By.Text) return last.Fault;
            var fault = now.Fault(shown, between, TrustedAuthority.ForClients);
            Volatile.Write(ref told, new(now, fault));
            return fault;
        };
    }

    private Loaded Recent(Func<ILogger> log)
    {
        if (TimeProvider.System.GetElapsedTime(Volatile.Read(ref _looked)) < LookEvery) return _loaded;
        Volatile.Write(ref _looked, TimeProvider.System.GetTimestamp());
        return Current(log);
    }

    private Loaded Current(Func<ILogger> log)
    {
        var loaded = _loaded;
        try
        {
            if (loaded.IsAsOn(_files)) return loaded;
            _loaded = loaded = Load(_files);
            Log.Renewed(log(), _files.Certificate, loaded.Context.TargetCertificate.NotAfter.ToUniversalTime());
        }
        catch (StartFailure faulty)
        {
            Log.NotRenewed(log(), faulty.Message);
        }
        return loaded;
    }

    private static Loaded Load(GatewayTls files)
    {
        var (certificate, key) = (Text("Certificate", files.Certificate), Text("Key", files.Key));
        var clients = files.ClientAuthority is { } authority ? new TrustedAuthority("R1__Tls__ClientAuthority", authority, Text("ClientAuthority", authority)) : null;
        try
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(certificate);
            return new(certificate, key, SslStreamCertificateContext.Create(X509Certificate2.CreateFromPem(certificate, key), chain, offline: true), clients);
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or ArgumentException)
        {
            throw new StartFailure($"R1__Tls__Certificate '{files.Certificate}' and R1__Tls__Key '{files.Key}' cannot be used ({unreadable.Message}): they must be a certificate and its private key, not encrypted, in PEM form.");
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
            throw new StartFailure($"R1__Tls__{setting} '{file}' cannot be read: {unreadable.Message}");
        }
    }

    /// <summary>What an authority says of a certificate.</summary>
    private sealed record Told(TrustedAuthority By, string? Fault);

    private sealed record Loaded(string Certificate, string Key, SslStreamCertificateContext Context, TrustedAuthority? Clients)
    {
        public bool IsAsOn(GatewayTls files) => (Certificate, Key, Clients?.Text) ==
            (Text("Certificate", files.Certificate), Text("Key", files.Key), files.ClientAuthority is { } authority ? Text("ClientAuthority", authority) : null);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "The gateway's certificate {File} was renewed; it is valid to {End} UTC")]
        public static partial void Renewed(ILogger log, [NameData] string file, DateTime end);

        [LoggerMessage(2, LogLevel.Warning, "The gateway's certificate was changed and is not taken: {Fault} The earlier one is shown on")]
        public static partial void NotRenewed(ILogger log, [ToldData] string fault);

        [LoggerMessage(3, LogLevel.Warning, "A connection of a client was refused: its certificate '{Subject}' {Fault}")]
        public static partial void Refused(ILogger log, [PersonData] string subject, [ToldData] string fault);
    }
}
