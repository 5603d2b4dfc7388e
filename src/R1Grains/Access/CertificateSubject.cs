using System.Security.Cryptography.X509Certificates;

namespace R1Grains.Access;

/// <summary>
/// Whom a client's certificate names: a program, as role bindings have it. The kind of its name is a part of it, so that no
/// common name, which authorities check less, can be taken for a URI.
/// </summary>
internal static class CertificateSubject
{
    /// <summary>Before every one of them. No token has such a subject.</summary>
    public const string Prefix = "certificates/";

    private const string CommonName = "2.5.4.3";

    private static readonly string[] Kinds = ["uri:", "dns:", "cn:"];

    /// <summary>Its first URI (SPIFFE and the like), else its first DNS name, else its common name; null where it has none, or one that no subject can be.</summary>
    public static string? Of(X509Certificate2 certificate)
    {
        // In the order of their kinds. Case means nothing in a DNS name.
        string?[] names =
        [
            certificate.GetNameInfo(X509NameType.UrlName, forIssuer: false),
            certificate.GetNameInfo(X509NameType.DnsFromAlternativeName, forIssuer: false).ToLowerInvariant(),
            CommonNameOf(certificate),
        ];
        var kind = Array.FindIndex(names, name => !string.IsNullOrEmpty(name));
        return kind >= 0 && Prefix + Kinds[kind] + names[kind] is var subject && Caller.IsSubject(subject) ? subject : null;
    }

    public static bool IsOne(string subject) => subject.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Whether a certificate can have it.</summary>
    public static bool IsWhole(string subject) => IsOne(subject) && Array.Exists(Kinds, kind =>
        subject.Length > Prefix.Length + kind.Length && subject.AsSpan(Prefix.Length).StartsWith(kind, StringComparison.Ordinal)
        && (kind is not "dns:" || subject == subject.ToLowerInvariant()));

    private static string? CommonNameOf(X509Certificate2 certificate) => certificate.SubjectName.EnumerateRelativeDistinguishedNames()
        .FirstOrDefault(name => !name.HasMultipleElements && name.GetSingleElementType().Value == CommonName)?.GetSingleElementValue();
}
