using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace R1Grains.Cli;

/// <summary>The options of every command that talks to a server.</summary>
internal static class ServerOptions
{
    private const string TokenVariable = "R1_TOKEN";
    private const string CertificateVariable = "R1_CERTIFICATE";

    private static readonly Option<Uri[]> Server = new("--server", "-s")
    {
        Description = "Where the server listens; several addresses of one cluster with commas between.",
        HelpName = "http://host:port",
        DefaultValueFactory = _ => [new("http://127.0.0.1:5080")],
        CustomParser = result =>
        {
            var addresses = result.Tokens.SelectMany(token => token.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).ToArray();
            var servers = new List<Uri>();
            foreach (var address in addresses)
                if (Uri.TryCreate(address, UriKind.Absolute, out var server) && server.Scheme is "http" or "https")
                    servers.Add(server);
            if (servers.Count == 0 || servers.Count < addresses.Length)
                result.AddError($"--server '{string.Join(',', addresses)}' is not an address: write e.g. http://127.0.0.1:5080.");
            return [.. servers];
        },
    };

    private static readonly Option<string> Tenant = new("--tenant", "-t")
    {
        Description = "The tenant whose conversations are meant.",
        HelpName = "id",
        DefaultValueFactory = _ => "demo",
    };

    private static readonly Option<string?> Token = new("--token")
    {
        Description = $"A bearer token; else the environment's {TokenVariable}. A server on loopback needs none.",
        HelpName = "token",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable(TokenVariable),
        Validators =
        {
            result =>
            {
                // What a header cannot carry would look like a server that does not answer.
                if (result.GetValueOrDefault<string?>() is { } token && (token is "" || token.Any(c => c is <= ' ' or > '~')))
                    result.AddError($"--token (or {TokenVariable}) is not a token: it has a space, a line end or a character that no token has.");
            },
        },
    };

    private static readonly Option<SslStreamCertificateContext?> Certificate = new("--certificate")
    {
        Description = $"A PEM file with a client's certificate, those that lead to its authority, and its private key; else the environment's {CertificateVariable}. It takes the place of a token.",
        HelpName = "file",
        DefaultValueFactory = result => Environment.GetEnvironmentVariable(CertificateVariable) is { Length: > 0 } file ? Read(file, result) : null,
        CustomParser = result => Read(result.Tokens.Single().Value, result),
    };

    public static Command WithServer(this Command command)
    {
        foreach (var option in new Option[] { Server, Tenant, Token, Certificate })
        {
            option.Recursive = true;
            command.Add(option);
        }
        return command;
    }

    public static Connection Connect(this ParseResult parsed, string? language = null) =>
        new(parsed.GetRequiredValue(Server), parsed.GetValue(Token), language, certificate: parsed.GetValue(Certificate));

    /// <summary>Whether one was named, and not only taken for granted.</summary>
    public static bool NamesServer(this CommandResult command) => command.GetResult(Server) is { Implicit: false };

    public static string TenantName(this ParseResult parsed) => parsed.GetRequiredValue(Tenant);

    private static SslStreamCertificateContext? Read(string file, ArgumentResult result)
    {
        try
        {
            var text = File.ReadAllText(file);
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(text);
            return SslStreamCertificateContext.Create(X509Certificate2.CreateFromPem(text, text), chain, offline: true);
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            result.AddError($"--certificate (or {CertificateVariable}) '{file}' cannot be used ({unusable.Message.TrimEnd('.')}): it must hold a certificate and its private key, not encrypted, in PEM form.");
            return null;
        }
    }
}
