namespace R1Grains.Access;

/// <summary>An issuer of bearer tokens that speaks OpenID Connect, and where its tokens say what.</summary>
/// <param name="Authority">The issuer as its tokens name it; its keys are found below it.</param>
/// <param name="Audience">For whom tokens must be issued.</param>
/// <param name="KeysFile">Full path of a JSON Web Key Set, for a place that reaches no issuer; null to ask the issuer.</param>
/// <param name="Tenant">Of all tokens; null where they name it.</param>
/// <param name="TenantClaim">As every claim here: a name, or a path of names with dots between.</param>
public sealed record OidcSettings(
    Uri Authority,
    string Audience,
    string? KeysFile,
    string? Tenant,
    string TenantClaim,
    string SubjectClaim,
    string RolesClaim,
    string PermissionsClaim);
