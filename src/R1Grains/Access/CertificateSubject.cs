using System.Security.Cryptography.X509Certificates;

namespace R1Grains.Access;

/// <summary>Whom a client's certificate names: a program, as role bindings have it.</summary>
internal static class CertificateSubject
{
    /// <summary>Before every one of them. No token has such a subject.</summary>
    public const string Prefix = "certificates/";

    private const string CommonName = "2.5.4.3";

    /// <summary>Its first URI (SPIFFE and the like), else its first DNS name, else its common name; null where it has none, or one that no subject can be.</summary>
    public static string? Of(X509Certificate2 certificate)
    {
        string?[] names = [certificate.GetNameInfo(X509NameType.UrlName, forIssuer: false), certificate.GetNameInfo(X509NameType.DnsFromAlternativeName, forIssuer: false), CommonNameOf(certificate)];
        return names.FirstOrDefault(name => !string.IsNullOrEmpty(name)) is { } name && Caller.IsSubject(Prefix + name) ? Prefix + name : null;
    }

    private static string? CommonNameOf(X509Certificate2 certificate) => certificate.SubjectName.EnumerateRelativeDistinguishedNames()
        .FirstOrDefault(name => !name.HasMultipleElements && name.GetSingleElementType().Value == CommonName)?.GetSingleElementValue();
}
