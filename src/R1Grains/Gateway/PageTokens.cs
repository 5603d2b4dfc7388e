using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using R1Grains.Access;
using R1Grains.Conversations;

namespace R1Grains.Gateway;

/// <summary>
/// Where the next page begins, sealed: a token opens only for the list, the parent and the caller it was given to.
/// </summary>
public sealed class PageTokens(IDataProtectionProvider protection)
{
    private const int DefaultSize = 50;
    private const int MaxSize = 1_000;

    public static int Size(int asked) => asked switch
    {
        0 => DefaultSize,
        > 0 => Math.Min(asked, MaxSize),
        _ => throw Refuse.Field(Reason.InvalidArgument, "page_size", $"page_size {asked} is negative: ask for 1 to {MaxSize}, or 0 for {DefaultSize}"),
    };

    /// <returns>Empty where there is no further page.</returns>
    public string Seal(string list, ResourceName parent, Caller caller, long? after) =>
        after is { } position ? Protector(list, parent, caller).Protect(position.ToString(CultureInfo.InvariantCulture)) : "";

    /// <returns>Null for the first page.</returns>
    public long? Open(string list, ResourceName parent, Caller caller, string token)
    {
        if (token.Length == 0)
            return null;
        try
        {
            return long.Parse(Protector(list, parent, caller).Unprotect(token), CultureInfo.InvariantCulture);
        }
        catch (CryptographicException)
        {
            throw Refuse.Field(Reason.InvalidPageToken, "page_token", $"page_token was not given to this caller for this list of {parent}: begin again without one");
        }
    }

    private IDataProtector Protector(string list, ResourceName parent, Caller caller) =>
        protection.CreateProtector("page", list, parent.ToString(), caller.Tenant, caller.Subject);
}
