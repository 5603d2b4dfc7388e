using System.Collections.Immutable;
using Google.Protobuf;
using Google.Rpc;
using R1Grains.Access;
using R1Grains.Conversations;
using R1Grains.Gateway;

namespace R1Grains.Tests.Gateway;

public sealed class FaultsTests
{
    public static TheoryData<Reason> Reasons => [.. Enum.GetValues<Reason>()];

    [Theory, MemberData(nameof(Reasons))]
    public void Every_reason_has_a_code_a_name_and_words_in_both_languages(Reason reason)
    {
        var refusal = new Refusal(reason, "what to do");
        var (zh, en) = (Faults.Status(refusal, "zh"), Faults.Status(refusal, "en"));
        Assert.NotEqual((int)Code.Ok, en.Code);
        Assert.Matches("^[A-Z]+(_[A-Z]+)*$", en.GetDetail<ErrorInfo>().Reason);
        Assert.Equal("r1grains", en.GetDetail<ErrorInfo>().Domain);
        Assert.Equal("zh-CN", zh.GetDetail<LocalizedMessage>().Locale);
        Assert.Contains(zh.GetDetail<LocalizedMessage>().Message, c => c is >= '\u4E00' and <= '\u9FFF');
        Assert.Equal("en", en.GetDetail<LocalizedMessage>().Locale);
        Assert.DoesNotContain(en.GetDetail<LocalizedMessage>().Message, c => c > '~');
    }

    [Theory, MemberData(nameof(Reasons))]
    public void What_may_succeed_later_says_when(Reason reason)
    {
        var status = Faults.Status(new(reason, ""), "en");
        if ((Code)status.Code is Code.Unavailable or Code.ResourceExhausted)
            Assert.True(status.GetDetail<RetryInfo>()?.RetryDelay.Seconds >= 1, $"{reason} is worth a retry but does not say when");
        Assert.Equal(7, Faults.Status(new(reason, "", RetryAfter: TimeSpan.FromSeconds(7)), "en").GetDetail<RetryInfo>().RetryDelay.Seconds);
    }

    [Theory, MemberData(nameof(Reasons))]
    public void A_failed_turn_is_final_and_advises_no_retry(Reason reason)
    {
        var refusal = new Refusal(reason, "what to do", RetryAfter: TimeSpan.FromSeconds(7));
        Assert.Null(Faults.Failure(refusal, "en").GetDetail<RetryInfo>());
        Assert.Equal(Faults.Status(refusal, "en").GetDetail<ErrorInfo>(), Faults.Failure(refusal, "en").GetDetail<ErrorInfo>());
    }

    [Fact]
    public void A_foreign_name_and_a_missing_one_differ_in_no_byte()
    {
        var foreign = Assert.Throws<RefusedException>(() => R1Grains.Access.Access.Require(
            new("demo", "anna", PermissionSet.All), Permission.ReadTurns, new ConversationName("other", "c").Turn(3))).Refusal;
        var missing = new Refusal(Reason.ConversationNotFound, "demo/c is not in the record", ImmutableDictionary<string, string>.Empty.Add("conversation", "demo/c"));
        Assert.Equal(Faults.Status(missing, "en").ToByteArray(), Faults.Status(foreign, "en").ToByteArray());
    }

    [Fact]
    public void The_callers_language_goes_before_the_conversations()
    {
        var refusal = new Refusal(Reason.InputTooLong, "", ImmutableDictionary<string, string>.Empty.Add(Refusal.LanguageKey, "en"));
        Assert.Equal("zh-CN", Faults.Status(refusal, "zh").GetDetail<LocalizedMessage>().Locale);
        Assert.Equal("en", Faults.Status(refusal, null).GetDetail<LocalizedMessage>().Locale);
        Assert.Equal("zh-CN", Faults.Status(refusal with { Metadata = null }, null).GetDetail<LocalizedMessage>().Locale);
    }

    [Fact]
    public void The_field_at_fault_is_named()
    {
        var refusal = Assert.Throws<RefusedException>(() => RequestId.Parse("two words")).Refusal;
        var violation = Assert.Single(Faults.Status(refusal, "en").GetDetail<BadRequest>().FieldViolations);
        Assert.Equal("request_id", violation.Field);
        Assert.Equal("INVALID_ARGUMENT", violation.Reason);
    }
}
