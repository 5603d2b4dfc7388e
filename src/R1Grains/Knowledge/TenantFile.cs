using System.Text;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Knowledge;

/// <summary>
/// A text file of a tenant's folder. It begins with its version between two lines of three dashes:
/// <c>---</c>, <c>version: 1</c>, <c>---</c>.
/// </summary>
/// <param name="Hash">SHA-256 over the file.</param>
/// <param name="Body">Without the version's lines, trimmed, lines ended by <c>\n</c>.</param>
internal sealed record TenantFile(string Version, Digest Hash, string Body)
{
    private const string Key = "version:";

    /// <exception cref="StartFailure">Missing, not UTF-8, or without a version.</exception>
    public static TenantFile Read(string path)
    {
        try
        {
            return Parse(path, File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartFailure($"{path} cannot be read ({e.Message}): every tenant's folder needs it.");
        }
        catch (DecoderFallbackException)
        {
            throw new StartFailure($"{path} is not UTF-8: save it as UTF-8.");
        }
    }

    /// <exception cref="StartFailure">Without a version.</exception>
    public static TenantFile Parse(string path, byte[] bytes)
    {
        var text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes).TrimStart('\uFEFF').ReplaceLineEndings("\n");
        return text.Split('\n', 4) is ["---", var line, "---", var body] && line.StartsWith(Key, StringComparison.Ordinal) && line[Key.Length..].Trim() is { Length: > 0 } version
            ? new(version, Digest.Of(bytes), body.Trim())
            : throw new StartFailure($"{path} does not begin with the lines '---', 'version: …', '---': write its version there.");
    }
}
