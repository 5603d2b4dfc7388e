using System.Security.Cryptography;
using System.Text;

namespace R1Grains.Access;

/// <summary>What a subject is appointed to in a tenant, beside what their token says: a document of the registry.</summary>
/// <param name="UpdatedBy">Who set it last, and with which request.</param>
internal sealed record RoleBinding(string Subject, string[] Roles, string UpdatedBy, DateTimeOffset UpdatedAt, string RequestId)
{
    public const string Kind = "role-binding";

    private const int IdLength = 20;

    /// <summary>A subject can be any text and has one binding, so its id follows from it.</summary>
    public static string IdOf(string subject) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(subject)))[..IdLength];
}
