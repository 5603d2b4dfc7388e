using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace R1Grains.Access;

/// <summary>What a valid token says, wherever its issuer has put it.</summary>
internal sealed class TokenClaims : IDisposable
{
    private readonly JsonDocument _payload;

    public TokenClaims(JsonWebToken token) => _payload = JsonDocument.Parse(Base64UrlEncoder.DecodeBytes(token.EncodedPayload));

    /// <summary>Null where there is none, or it is no text.</summary>
    public string? Text(string claim) => Find(claim) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    /// <summary>Of an array of texts, or of a text with spaces between, as a scope is.</summary>
    public IEnumerable<string> Texts(string claim) => Find(claim) switch
    {
        { ValueKind: JsonValueKind.Array } values => values.EnumerateArray().Where(value => value.ValueKind is JsonValueKind.String).Select(value => value.GetString()!),
        { ValueKind: JsonValueKind.String } value => value.GetString()!.Split(' ', StringSplitOptions.RemoveEmptyEntries),
        _ => [],
    };

    public void Dispose() => _payload.Dispose();

    /// <summary>A name may have dots itself, as addresses do; else each dot leads further inside.</summary>
    private JsonElement? Find(string claim)
    {
        var place = _payload.RootElement;
        if (place.TryGetProperty(claim, out var whole))
            return whole;
        foreach (var name in claim.Split('.'))
        {
            if (place.ValueKind is not JsonValueKind.Object || !place.TryGetProperty(name, out place))
                return null;
        }
        return place;
    }
}
