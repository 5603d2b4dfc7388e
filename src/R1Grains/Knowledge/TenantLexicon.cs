using System.Text;
using R1Grains.Compliance;
using R1Grains.Operations;

namespace R1Grains.Knowledge;

/// <summary>The lexicons of the tenants: the list that ships, and beside a tenant's policy a <c>lexicon.txt</c> with what it adds, if there is one.</summary>
internal sealed class TenantLexicon
{
    public const string FileName = "lexicon.txt";

    private readonly IReadOnlyList<LexiconEntry> _shipped;

    /// <exception cref="StartFailure">The list that ships cannot be read.</exception>
    public TenantLexicon()
    {
        var path = Path.Combine(AppContext.BaseDirectory, "deploy", "lexicon", "finance.txt");
        _shipped = Entries(path);
        Shipped = Build(_shipped, path);
    }

    /// <summary>Of tenants that add nothing.</summary>
    public Lexicon Shipped { get; }

    /// <param name="folder">The tenant's.</param>
    /// <exception cref="StartFailure">Its list cannot be read.</exception>
    public Lexicon Read(string folder) =>
        Path.Combine(folder, FileName) is var path && File.Exists(path) ? Build([.. _shipped, .. Entries(path)], path) : Shipped;

    private static List<LexiconEntry> Entries(string path)
    {
        try
        {
            using var lines = new StreamReader(path, new UTF8Encoding(false, throwOnInvalidBytes: true));
            return [.. LexiconFile.Read(lines, path)];
        }
        catch (LexiconException wrong)
        {
            throw new StartFailure(wrong.Message);
        }
        catch (DecoderFallbackException)
        {
            throw new StartFailure($"{path} is not UTF-8: save it as UTF-8.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartFailure($"{path} cannot be read ({e.Message}): no turn is answered without its words.");
        }
    }

    private static Lexicon Build(IReadOnlyList<LexiconEntry> entries, string path)
    {
        try
        {
            return Lexicon.Of(entries);
        }
        catch (LexiconException wrong)
        {
            throw new StartFailure($"{path}: {wrong.Message}");
        }
    }
}
