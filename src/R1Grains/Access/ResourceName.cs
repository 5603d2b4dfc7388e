using System.Buffers;
using System.Globalization;
using R1Grains.Conversations;

namespace R1Grains.Access;

/// <summary>
/// What a permission is asked for: <c>tenants/{tenant}</c>, <c>…/conversations/{conversation}</c> or <c>…/turns/{index}</c>.
/// An id is 1 to 63 characters of a-z, 0-9 and '-', beginning with a letter or digit; an index is a decimal from 1.
/// </summary>
public abstract record ResourceName(string Tenant)
{
    private const int MaxIdLength = 63;
    private static readonly SearchValues<char> IdCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    /// <summary>What the text names; null where it has none of the forms.</summary>
    public static ResourceName? Find(string text) =>
        Ids(text, "tenants/{}") is [var tenant] ? new TenantName(tenant)
        : Ids(text, "tenants/{}/conversations/{}") is [var of, var conversation] ? new ConversationName(of, conversation)
        : TurnName.Find(text);

    public static bool IsId(string text) =>
        text.Length is >= 1 and <= MaxIdLength && text[0] != '-' && !text.AsSpan().ContainsAnyExcept(IdCharacters);

    /// <summary>The ids at the places of <c>{}</c> in <paramref name="form"/>; null where the text has another form.</summary>
    protected static string[]? Ids(string text, string form)
    {
        string[] parts = text.Split('/'), pattern = form.Split('/');
        if (parts.Length != pattern.Length)
            return null;
        for (var i = 0; i < parts.Length; i++)
            if (pattern[i] == "{}" ? !IsId(parts[i]) : parts[i] != pattern[i])
                return null;
        return [.. parts.Where((_, i) => pattern[i] == "{}")];
    }

    protected static RefusedException Malformed(string text, string field, string form) => Refuse.Field(
        Reason.InvalidName,
        field,
        $"{field} {Refuse.Quote(text)} is not a name of the form {form}: ids are 1 to {MaxIdLength} characters of a-z, 0-9 and '-' beginning with a letter or digit, a turn is a number from 1");
}

public sealed record TenantName(string Tenant) : ResourceName(Tenant)
{
    public static TenantName Parse(string text, string field) =>
        Ids(text, "tenants/{}") is [var tenant] ? new(tenant) : throw Malformed(text, field, "tenants/{tenant}");

    public override string ToString() => $"tenants/{Tenant}";
}

public sealed record ConversationName(string Tenant, string Conversation) : ResourceName(Tenant)
{
    /// <summary>The key of the conversation's grain.</summary>
    public string Key => $"{Tenant}/{Conversation}";

    public static ConversationName Parse(string text, string field) =>
        Ids(text, "tenants/{}/conversations/{}") is [var tenant, var conversation]
            ? new(tenant, conversation)
            : throw Malformed(text, field, "tenants/{tenant}/conversations/{conversation}");

    public TurnName Turn(int index) => new(this, index);

    public override string ToString() => $"tenants/{Tenant}/conversations/{Conversation}";
}

public sealed record TurnName(ConversationName Conversation, int Index) : ResourceName(Conversation.Tenant)
{
    public static TurnName Parse(string text, string field) =>
        Find(text) ?? throw Malformed(text, field, "tenants/{tenant}/conversations/{conversation}/turns/{index}");

    public static new TurnName? Find(string text) =>
        Ids(text, "tenants/{}/conversations/{}/turns/{}") is [var tenant, var conversation, var number]
        && number[0] != '0'
        && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            ? new(new(tenant, conversation), index)
            : null;

    public override string ToString() => $"{Conversation}/turns/{Index}";
}
