using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using R1Grains.Operations;

namespace R1Grains.Knowledge;

/// <summary>
/// What a tenant's folder may say beside its texts, in <c>tenant.json</c>:
/// <c>{ "ai_disclosure": { "notice": { "zh": "…", "en": "…" }, "label": true } }</c>. Each part may be missing.
/// </summary>
internal static class TenantSettings
{
    public const string FileName = "tenant.json";

    private static readonly JsonSerializerOptions Form = new(JsonSerializerDefaults.Web)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        PropertyNameCaseInsensitive = false,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    /// <summary>The house's where there is no such file.</summary>
    /// <exception cref="StartFailure">It cannot be read, or says something that is not known.</exception>
    public static Disclosure Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        try
        {
            if (!File.Exists(path)) return Disclosure.House;
            return (JsonSerializer.Deserialize<Content>(File.ReadAllBytes(path), Form)?.AiDisclosure ?? new()).ToDisclosure().Checked(path);
        }
        catch (JsonException wrong)
        {
            throw new StartFailure($"{path} cannot be used: {wrong.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartFailure($"{path} cannot be read ({e.Message}).");
        }
    }

    private sealed record Content
    {
        public Part? AiDisclosure { get; init; }
    }

    private sealed record Part
    {
        public ImmutableSortedDictionary<string, string>? Notice { get; init; }

        public bool Label { get; init; } = true;

        public Disclosure ToDisclosure() => new(Notice ?? ImmutableSortedDictionary<string, string>.Empty, Label);
    }
}
