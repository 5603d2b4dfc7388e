using System.Globalization;
using System.Security.Cryptography;
using Google.Protobuf;
using Microsoft.AspNetCore.DataProtection;
using R1Grains.Access;
using R1Grains.Conversations;
using R1Grains.Ledger;

namespace R1Grains.Gateway;

/// <summary>
/// Pages of a list. Where the next one begins is sealed: a token opens only for the list, the parent and the caller it
/// was given to.
/// </summary>
public sealed class PageTokens(IDataProtectionProvider protection)
{
    private const int DefaultSize = 50;
    private const int MaxSize = 1_000;

    /// <summary>A page ends with the item that reaches it; clients take messages of 4 MiB, and no item comes near the rest of that.</summary>
    private const int MaxBytes = 1024 * 1024;

    public static int Size(int asked) => asked switch
    {
        0 => DefaultSize,
        > 0 => Math.Min(asked, MaxSize),
        _ => throw Refuse.Field(Reason.InvalidArgument, "page_size", $"page_size {asked} is negative: ask for 1 to {MaxSize}, or 0 for {DefaultSize}"),
    };

    /// <summary>Reads a page as the wire shows it, shorter than asked for where its items are large.</summary>
    /// <param name="read">Given how many items at most.</param>
    public static async Task<Page<TWire>> Read<TItem, TWire>(int size, Func<int, Task<Page<TItem>>> read, Func<TItem, TWire> toWire) where TWire : IMessage
    {
        var page = await read(size);
        var (items, bytes) = (new List<TWire>(), 0);
        foreach (var item in page.Items.Select(toWire).TakeWhile(_ => bytes < MaxBytes))
        {
            items.Add(item);
            bytes += item.CalculateSize();
        }
        // Where a shorter page ends only the record can tell.
        return new(items, items.Count == page.Items.Count ? page.Next : (await read(items.Count)).Next);
    }

    /// <summary>A page of what is at hand whole, as large as asked for and as a message takes.</summary>
    /// <param name="asked">0 for the latter alone.</param>
    /// <param name="from">Position of its first item.</param>
    public static Page<TWire> Cut<TItem, TWire>(IReadOnlyList<TItem> items, int asked, long from, Func<TItem, TWire> toWire) where TWire : IMessage
    {
        var (page, bytes, at, end) = (new List<TWire>(), 0, (int)from, asked == 0 ? items.Count : Math.Min(items.Count, from + Size(asked)));
        for (; at < end && bytes < MaxBytes; at++)
        {
            page.Add(toWire(items[at]));
            bytes += page[^1].CalculateSize();
        }
        return new(page, at < items.Count ? at : null);
    }

    /// <returns>Empty where there is no further page.</returns>
    public string Seal(string list, ResourceName parent, Caller caller, long? after) => SealText(list, parent, caller, after?.ToString(CultureInfo.InvariantCulture));

    /// <inheritdoc cref="Seal"/>
    public string SealText(string list, ResourceName parent, Caller caller, string? after) => after is null ? "" : Protector(list, parent, caller).Protect(after);

    /// <returns>Null for the first page.</returns>
    public long? Open(string list, ResourceName parent, Caller caller, string token) =>
        OpenText(list, parent, caller, token) is { } position ? long.Parse(position, CultureInfo.InvariantCulture) : null;

    /// <inheritdoc cref="Open"/>
    public string? OpenText(string list, ResourceName parent, Caller caller, string token, string field = "page_token")
    {
        if (token.Length == 0)
            return null;
        try
        {
            return Protector(list, parent, caller).Unprotect(token);
        }
        catch (CryptographicException)
        {
            throw Refuse.Field(Reason.InvalidPageToken, field, $"{field} was not given to this caller for this list of {parent}: begin again without one");
        }
    }

    private IDataProtector Protector(string list, ResourceName parent, Caller caller) =>
        protection.CreateProtector("page", list, parent.ToString(), caller.Tenant, caller.Subject);
}
