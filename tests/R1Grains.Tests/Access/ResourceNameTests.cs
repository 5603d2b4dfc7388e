using CsCheck;
using R1Grains.Access;
using R1Grains.Conversations;

namespace R1Grains.Tests.Access;

public sealed class ResourceNameTests
{
    private static readonly Gen<string> Ids = Gen.Char["abcdefghijklmnopqrstuvwxyz0123456789-"].Array[1, 63]
        .Select(characters => new string(characters)).Where(id => id[0] != '-');

    [Fact]
    public void A_name_reads_back_as_it_was_written() =>
        Gen.Select(Ids, Ids, Gen.Int[1, int.MaxValue]).Sample((tenant, conversation, index) =>
        {
            var name = new ConversationName(tenant, conversation);
            Assert.Equal(name, ConversationName.Parse(name.ToString(), "name"));
            Assert.Equal(name.Turn(index), TurnName.Parse(name.Turn(index).ToString(), "name"));
            Assert.Equal(new TenantName(tenant), TenantName.Parse($"tenants/{tenant}", "parent"));
        });

    [Theory]
    [InlineData("")]
    [InlineData("tenants/demo")]
    [InlineData("tenants/demo/conversations/")]
    [InlineData("tenants//conversations/c")]
    [InlineData("tenants/demo/conversations/-c")]
    [InlineData("tenants/demo/conversations/C")]
    [InlineData("tenants/demo/conversations/c_1")]
    [InlineData("tenants/demo/conversations/会话")]
    [InlineData("tenants/demo/conversations/c/")]
    [InlineData("tenants/demo/conversations/c/turns/1")]
    [InlineData("/tenants/demo/conversations/c")]
    [InlineData("tenants/demo/conversation/c")]
    [InlineData("tenants/demo/conversations/0123456789012345678901234567890123456789012345678901234567890123")]
    public void What_is_no_conversation_name_is_refused(string text) => Refused(() => ConversationName.Parse(text, "conversation"), "conversation");

    [Theory]
    [InlineData("0")]
    [InlineData("01")]
    [InlineData("+1")]
    [InlineData("-1")]
    [InlineData("1.0")]
    [InlineData("2147483648")]
    [InlineData("one")]
    public void What_is_no_turn_index_is_refused(string index) => Refused(() => TurnName.Parse($"tenants/demo/conversations/c/turns/{index}", "turn"), "turn");

    [Fact]
    public void A_refusal_quotes_a_bounded_printable_part_of_the_name()
    {
        var refusal = Refused(() => TenantName.Parse("tenants/\n\u202E" + new string('x', 10_000), "parent"), "parent");
        Assert.True(refusal.Detail.Length < 400, refusal.Detail);
        Assert.DoesNotContain(refusal.Detail, c => c is '\n' or '\u202E');
    }

    private static Refusal Refused(Action parse, string field)
    {
        var refusal = Assert.Throws<RefusedException>(parse).Refusal;
        Assert.Equal(Reason.InvalidName, refusal.Reason);
        Assert.Equal(field, refusal.Metadata![Refusal.FieldKey]);
        return refusal;
    }
}
