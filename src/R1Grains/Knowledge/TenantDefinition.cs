using System.Text.Json;
using R1Grains.Ledger;

namespace R1Grains.Knowledge;

/// <summary>A tenant as an operator sets it: a document of the registry, in the tenant's own chain.</summary>
/// <param name="Lexicon">What it adds to the list that ships; may be empty.</param>
/// <param name="Disclosure">How its customers are told that a machine answers.</param>
/// <param name="UpdatedBy">Who set it last, and with which request.</param>
internal sealed record TenantDefinition(string Policy, string Facts, string Lexicon, Disclosure Disclosure, string UpdatedBy, DateTimeOffset UpdatedAt, string RequestId)
{
    public const string Kind = "tenant";

    /// <summary>A tenant has one.</summary>
    public const string Id = "definition";

    /// <summary>What lacks something is as unreadable as what is no JSON.</summary>
    internal static readonly JsonSerializerOptions Form = new(JsonSerializerDefaults.Web) { RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    public static DocumentKey Key(string tenant) => new(tenant, Kind, Id);

    public byte[] Content() => JsonSerializer.SerializeToUtf8Bytes(this, Form);

    /// <summary>Null where it was removed, or cannot be read.</summary>
    public static TenantDefinition? Of(Document document)
    {
        try
        {
            return document.Content is { } content ? JsonSerializer.Deserialize<TenantDefinition>(content, Form) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
