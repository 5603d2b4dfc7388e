using Microsoft.AspNetCore.DataProtection;
using R1Grains.Access;
using R1Grains.Conversations;
using R1Grains.Gateway;

namespace R1Grains.Tests.Gateway;

public sealed class PageTokenTests
{
    private static readonly Caller Anna = new("demo", "anna", PermissionSet.All);
    private static readonly ConversationName Parent = new("demo", "c");
    private readonly PageTokens _pages = new(new EphemeralDataProtectionProvider());

    [Fact]
    public void A_token_opens_for_its_list_parent_and_caller_alone()
    {
        var token = _pages.Seal("turns", Parent, Anna, 42);
        Assert.Equal(42, _pages.Open("turns", Parent, Anna, token));
        Refused(() => _pages.Open("conversations", Parent, Anna, token));
        Refused(() => _pages.Open("turns", new ConversationName("demo", "d"), Anna, token));
        Refused(() => _pages.Open("turns", Parent, Anna with { Subject = "ben" }, token));
        Refused(() => _pages.Open("turns", Parent, Anna, token[..^1]));
        Refused(() => _pages.Open("turns", Parent, Anna, "42"));
        Refused(() => _pages.Open("turns", Parent, Anna, "not base 64!"));
    }

    [Fact]
    public void The_first_page_needs_no_token_and_the_last_gives_none()
    {
        Assert.Null(_pages.Open("turns", Parent, Anna, ""));
        Assert.Equal("", _pages.Seal("turns", Parent, Anna, null));
    }

    [Fact]
    public void A_page_is_bounded()
    {
        Assert.Equal(50, PageTokens.Size(0));
        Assert.Equal(1_000, PageTokens.Size(int.MaxValue));
        Assert.Throws<RefusedException>(() => PageTokens.Size(-1));
    }

    private static void Refused(Action open) => Assert.Equal(Reason.InvalidPageToken, Assert.Throws<RefusedException>(open).Refusal.Reason);
}
