using System.Buffers;
using System.Globalization;
using R1Grains.Conversations;

namespace R1Grains.Access;

/// <summary>
/// What a permission is asked for: <c>tenants/{tenant}</c>, <c>…/conversations/{conversation}</c>, <c>…/turns/{index}</c>;
/// <c>tenants/{tenant}/roleBindings/{binding}</c>, <c>…/apiKeys/{key}</c>; or of the guardrail
/// <c>tenants/{tenant}/wordLists/{word_list}</c>, <c>…/lexiconProposals/{proposal}</c>, <c>…/lexiconEditions/{number}</c>; <c>tenants/{tenant}/legalHolds/{hold}</c>, <c>…/erasures/{erasure}</c>, <c>…/exports/{export}</c>.
/// An id is 1 to 63 characters of a-z, 0-9 and '-', beginning with a letter or digit; an index is a decimal from 1.
/// </summary>
public abstract record ResourceName(string Tenant)
{
    private const int MaxIdLength = 63;
    private static readonly SearchValues<char> IdCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    /// <summary>What is said where there is none, or where it is another tenant's.</summary>
    public virtual Reason Missing => Reason.ConversationNotFound;

    /// <summary>What the text names; null where it has none of the forms.</summary>
    public static ResourceName? Find(string text) =>
        Ids(text, "tenants/{}") is [var tenant] ? new TenantName(tenant)
        : Ids(text, "tenants/{}/conversations/{}") is [var of, var conversation] ? new ConversationName(of, conversation)
        : Ids(text, BindingName.Form) is [var bound, var binding] ? new BindingName(bound, binding)
        : Ids(text, KeyName.Form) is [var keyed, var key] ? new KeyName(keyed, key)
        : Ids(text, WordListName.Form) is [var listed, var list] ? new WordListName(listed, list)
        : Ids(text, ProposalName.Form) is [var proposed, var proposal] ? new ProposalName(proposed, proposal)
        : EditionName.Find(text) is { } edition ? edition
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

    /// <summary>Null for what is no decimal from 1.</summary>
    protected static int? Ordinal(string number) =>
        number[0] != '0' && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : null;

    protected static RefusedException Malformed(string text, string field, string form) => Refuse.Field(
        Reason.InvalidName,
        field,
        $"{field} {Refuse.Quote(text)} is not a name of the form {form}: ids are 1 to {MaxIdLength} characters of a-z, 0-9 and '-' beginning with a letter or digit, turns and editions are numbers from 1");
}

/// <summary>A kind of names that a request's field may hold.</summary>
public interface INamed<out TSelf>
{
    /// <exception cref="RefusedException"><see cref="Reason.InvalidName"/>, naming the field.</exception>
    static abstract TSelf Parse(string text, string field);
}

public sealed record TenantName(string Tenant) : ResourceName(Tenant), INamed<TenantName>
{
    public static TenantName Parse(string text, string field) =>
        Ids(text, "tenants/{}") is [var tenant] ? new(tenant) : throw Malformed(text, field, "tenants/{tenant}");

    public override Reason Missing => Reason.TenantNotFound;

    public override string ToString() => $"tenants/{Tenant}";
}

public sealed record ConversationName(string Tenant, string Conversation) : ResourceName(Tenant), INamed<ConversationName>
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

public sealed record TurnName(ConversationName Conversation, int Index) : ResourceName(Conversation.Tenant), INamed<TurnName>
{
    public static TurnName Parse(string text, string field) =>
        Find(text) ?? throw Malformed(text, field, "tenants/{tenant}/conversations/{conversation}/turns/{index}");

    public static new TurnName? Find(string text) =>
        Ids(text, "tenants/{}/conversations/{}/turns/{}") is [var tenant, var conversation, var number]
        && Ordinal(number) is { } index
            ? new(new(tenant, conversation), index)
            : null;

    public override string ToString() => $"{Conversation}/turns/{Index}";
}

/// <summary>Of a subject of the tenant, whose id follows from the subject.</summary>
public sealed record BindingName(string Tenant, string Binding) : ResourceName(Tenant), INamed<BindingName>
{
    internal const string Form = "tenants/{}/roleBindings/{}";

    public override Reason Missing => Reason.RoleBindingNotFound;

    public static BindingName Parse(string text, string field) =>
        Ids(text, Form) is [var tenant, var binding] ? new(tenant, binding) : throw Malformed(text, field, "tenants/{tenant}/roleBindings/{role_binding}");

    public override string ToString() => $"tenants/{Tenant}/roleBindings/{Binding}";
}

public sealed record KeyName(string Tenant, string Key) : ResourceName(Tenant), INamed<KeyName>
{
    internal const string Form = "tenants/{}/apiKeys/{}";

    public override Reason Missing => Reason.ApiKeyNotFound;

    public static KeyName Parse(string text, string field) =>
        Ids(text, Form) is [var tenant, var key] ? new(tenant, key) : throw Malformed(text, field, "tenants/{tenant}/apiKeys/{api_key}");

    public override string ToString() => $"tenants/{Tenant}/apiKeys/{Key}";
}

public sealed record LegalHoldName(string Tenant, string Hold) : ResourceName(Tenant), INamed<LegalHoldName>
{
    public static LegalHoldName Parse(string text, string field) =>
        Ids(text, "tenants/{}/legalHolds/{}") is [var tenant, var hold] ? new(tenant, hold) : throw Malformed(text, field, "tenants/{tenant}/legalHolds/{legal_hold}");

    public override Reason Missing => Reason.LegalHoldNotFound;

    public override string ToString() => $"tenants/{Tenant}/legalHolds/{Hold}";
}

public sealed record ErasureName(string Tenant, string Erasure) : ResourceName(Tenant), INamed<ErasureName>
{
    public static ErasureName Parse(string text, string field) =>
        Ids(text, "tenants/{}/erasures/{}") is [var tenant, var erasure] ? new(tenant, erasure) : throw Malformed(text, field, "tenants/{tenant}/erasures/{erasure}");

    public override Reason Missing => Reason.ErasureNotFound;

    public override string ToString() => $"tenants/{Tenant}/erasures/{Erasure}";
}

public sealed record ExportName(string Tenant, string Export) : ResourceName(Tenant), INamed<ExportName>
{
    public static ExportName Parse(string text, string field) =>
        Ids(text, "tenants/{}/exports/{}") is [var tenant, var export] ? new(tenant, export) : throw Malformed(text, field, "tenants/{tenant}/exports/{export}");

    public override Reason Missing => Reason.ExportNotFound;

    public override string ToString() => $"tenants/{Tenant}/exports/{Export}";
}

public sealed record WordListName(string Tenant, string WordList) : ResourceName(Tenant), INamed<WordListName>
{
    /// <summary>In the place of a list's id: all of the tenant.</summary>
    public const string All = "-";

    internal const string Form = "tenants/{}/wordLists/{}";

    public static WordListName Parse(string text, string field) =>
        Ids(text, Form) is [var tenant, var list] ? new(tenant, list) : throw Malformed(text, field, "tenants/{tenant}/wordLists/{word_list}");

    public override Reason Missing => Reason.WordListNotFound;

    public override string ToString() => $"tenants/{Tenant}/wordLists/{WordList}";
}

public sealed record ProposalName(string Tenant, string Proposal) : ResourceName(Tenant), INamed<ProposalName>
{
    internal const string Form = "tenants/{}/lexiconProposals/{}";

    public static ProposalName Parse(string text, string field) =>
        Ids(text, Form) is [var tenant, var proposal] ? new(tenant, proposal) : throw Malformed(text, field, "tenants/{tenant}/lexiconProposals/{proposal}");

    public override Reason Missing => Reason.ProposalNotFound;

    public override string ToString() => $"tenants/{Tenant}/lexiconProposals/{Proposal}";
}

/// <summary>Of other texts for a tenant.</summary>
public sealed record TenantUpdateName(string Tenant, string Update) : ResourceName(Tenant), INamed<TenantUpdateName>
{
    public static TenantUpdateName Parse(string text, string field) =>
        Ids(text, "tenants/{}/updates/{}") is [var tenant, var update] ? new(tenant, update) : throw Malformed(text, field, "tenants/{tenant}/updates/{update}");

    public override Reason Missing => Reason.ProposalNotFound;

    public override string ToString() => $"tenants/{Tenant}/updates/{Update}";
}

public sealed record EditionName(string Tenant, int Number) : ResourceName(Tenant), INamed<EditionName>
{
    public static EditionName Parse(string text, string field) =>
        Find(text) ?? throw Malformed(text, field, "tenants/{tenant}/lexiconEditions/{number}");

    public static new EditionName? Find(string text) =>
        Ids(text, "tenants/{}/lexiconEditions/{}") is [var tenant, var number] && Ordinal(number) is { } index ? new(tenant, index) : null;

    public override Reason Missing => Reason.EditionNotFound;

    public override string ToString() => $"tenants/{Tenant}/lexiconEditions/{Number}";
}
