using System.Collections.Concurrent;
using System.Text;
using R1Grains.Compliance;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Knowledge;

/// <summary>
/// The lexicon of each tenant that is in force now: the list that ships, over it the <c>lexicon.txt</c> beside the tenant's
/// policy, over that the tenant's edition. Whoever begins to read asks for it once and keeps what they got.
/// </summary>
/// <remarks>
/// A tenant without words of its own has the one that ships. The others' are built when they are first asked for, and those
/// that were not asked for longest are let go of: a tenant that nobody talks to costs its words and no automaton.
/// </remarks>
public sealed class TenantLexicons
{
    public const string FileName = "lexicon.txt";

    private const int BuiltMax = 128;

    /// <summary>That are tried before they are published, and kept for the next text.</summary>
    private const int TriedMax = 4;

    private readonly IReadOnlyList<LexiconEntry> _shipped;
    private readonly ConcurrentDictionary<string, Words> _words = [];

    // What the tenants' folders add; in force unless the tenant is set otherwise.
    private readonly Dictionary<string, IReadOnlyList<LexiconEntry>> _files = [];
    private readonly int _builtMax;

    // Words and editions come from two feeds, and each keeps what the other has set.
    private readonly Lock _setting = new();
    private long _asked;

    // The last one first; guards itself.
    private readonly LinkedList<Tried> _tried = [];

    /// <exception cref="StartFailure">The list that ships cannot be read.</exception>
    public TenantLexicons() : this(BuiltMax)
    {
    }

    internal TenantLexicons(int builtMax)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "deploy", "lexicon", "finance.txt");
        (_builtMax, _shipped) = (builtMax, Entries(path));
        Shipped = Lexicon.Of(_shipped);
    }

    /// <summary>Of tenants that have no words of their own.</summary>
    public Lexicon Shipped { get; }

    internal int Built => _words.Values.Count(words => words.Lexicon is { IsValueCreated: true });

    /// <summary>The tenant's, as it is in force now.</summary>
    /// <exception cref="LexiconException">Its words do not fit into one.</exception>
    public InForce InForce(string tenant)
    {
        if (!_words.TryGetValue(tenant, out var words) || words.Lexicon is not { } lexicon) return new(Shipped, words?.Edition);
        words.Asked = Interlocked.Increment(ref _asked);
        if (!lexicon.IsValueCreated) LetGo();
        return new(lexicon.Value, words.Edition);
    }

    /// <summary>The lexicon that the tenant would have with this edition.</summary>
    /// <remarks>Who tries one text tries another on the same words: the last few are kept.</remarks>
    /// <exception cref="LexiconException">Its words do not fit into one.</exception>
    public Lexicon With(string tenant, IReadOnlyList<LexiconEntry> edition)
    {
        var (file, hash) = (_words.GetValueOrDefault(tenant)?.File ?? [], Digest.Of(Encoding.UTF8.GetBytes(LexiconFile.Write(edition))));
        Lazy<Lexicon> lexicon;
        lock (_tried)
        {
            var known = _tried.FirstOrDefault(tried => tried.Hash == hash && ReferenceEquals(tried.File, file));
            if (known is not null) _tried.Remove(known);
            known ??= new(file, hash, new(() => Build(file, edition)));
            _tried.AddFirst(known);
            if (_tried.Count > TriedMax) _tried.RemoveLast();
            lexicon = known.Lexicon;
        }
        return lexicon.Value;
    }

    /// <summary>Reads what a tenant's folder adds, if it adds anything.</summary>
    /// <exception cref="StartFailure">Its list cannot be read, or has an entry that cannot be one.</exception>
    internal void Read(string tenant, string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return;
        _files[tenant] = Of(tenant, Entries(path));
        Put(tenant, _files[tenant], null);
    }

    /// <param name="list">In the form of a file.</param>
    /// <param name="name">For errors.</param>
    /// <exception cref="StartFailure">It cannot be read, or has an entry that cannot be one.</exception>
    internal static IReadOnlyList<LexiconEntry> Parse(string tenant, string list, string name)
    {
        using var lines = new StringReader(list);
        return Of(tenant, Entries(lines, name));
    }

    /// <summary>Puts words in the place of those of the tenant's folder; its edition stays over them.</summary>
    /// <exception cref="LexiconException">Both do not fit into one: everything stays as it was.</exception>
    internal void Set(string tenant, IReadOnlyList<LexiconEntry> words)
    {
        lock (_setting)
        {
            var before = _words.GetValueOrDefault(tenant);
            Put(tenant, words, before?.Edition, isInUse: before?.Lexicon is { IsValueCreated: true });
        }
    }

    internal void Unset(string tenant) => Set(tenant, _files.GetValueOrDefault(tenant) ?? []);

    /// <summary>Puts an edition into force, or takes it out of force: turns that begin from now on have it. Where the tenant's lexicon is in use, the new one is built first, so that no turn waits for it.</summary>
    /// <exception cref="LexiconException">Its words do not fit into one: everything stays as it was.</exception>
    internal void Publish(string tenant, Edition? edition)
    {
        lock (_setting)
        {
            var before = _words.GetValueOrDefault(tenant);
            if (before?.Edition?.Number == edition?.Number) return;
            Put(tenant, before?.File ?? [], edition, isInUse: before?.Lexicon is { IsValueCreated: true });
        }
    }

    private void Put(string tenant, IReadOnlyList<LexiconEntry> file, Edition? edition, bool isInUse = false)
    {
        var words = new Words(file, edition, edition?.Entries.Count > 0 || file.Count > 0 ? new(() => Build(file, edition?.Entries ?? [])) : null) { Asked = Interlocked.Increment(ref _asked) };
        if (isInUse) _ = words.Lexicon?.Value;
        _words[tenant] = words;
    }

    private Lexicon Build(IReadOnlyList<LexiconEntry> file, IReadOnlyList<LexiconEntry> edition) => Lexicon.Of(edition.Over(file.Over(_shipped)));

    private void LetGo()
    {
        var built = _words.Where(words => words.Value.Lexicon is { IsValueCreated: true }).ToList();
        if (built.Count < _builtMax) return;
        var (tenant, oldest) = built.MinBy(words => words.Value.Asked);
        _words.TryUpdate(tenant, new(oldest.File, oldest.Edition, new(() => Build(oldest.File, oldest.Edition?.Entries ?? []))) { Asked = oldest.Asked }, oldest);
    }

    private static List<LexiconEntry> Entries(string path)
    {
        try
        {
            using var lines = new StreamReader(path, new UTF8Encoding(false, throwOnInvalidBytes: true));
            return Entries(lines, path);
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

    private static List<LexiconEntry> Entries(TextReader lines, string name)
    {
        try
        {
            List<LexiconEntry> entries = [.. LexiconFile.Read(lines, name)];
            Lexicon.Require(entries);
            return entries;
        }
        catch (LexiconException wrong)
        {
            throw new StartFailure(wrong.Message.StartsWith(name, StringComparison.Ordinal) ? wrong.Message : $"{name}: {wrong.Message}");
        }
    }

    /// <summary>An entry for another tenant is nobody's here.</summary>
    private static List<LexiconEntry> Of(string tenant, List<LexiconEntry> entries) => [.. entries.Where(entry => entry.Rule.Tenant is null || entry.Rule.Tenant == tenant)];

    /// <param name="File">Of the tenant, below them.</param>
    /// <param name="Hash">Of the words.</param>
    private sealed record Tried(IReadOnlyList<LexiconEntry> File, Digest Hash, Lazy<Lexicon> Lexicon);

    private sealed class Words(IReadOnlyList<LexiconEntry> file, Edition? edition, Lazy<Lexicon>? lexicon)
    {
        public IReadOnlyList<LexiconEntry> File => file;

        public Edition? Edition => edition;

        /// <summary>Null where it is the one that ships.</summary>
        public Lazy<Lexicon>? Lexicon => lexicon;

        public long Asked { get; set; }
    }
}

/// <summary>What is looked for.</summary>
/// <param name="Edition">Null where the tenant has none.</param>
public readonly record struct InForce(Lexicon Lexicon, Edition? Edition);
