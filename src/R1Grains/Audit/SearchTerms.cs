using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using R1Grains.Compliance;
using R1Grains.Ledger;
using R1Grains.Ledger.Search;

namespace R1Grains.Audit;

/// <summary>
/// A tenant's terms: keyed hashes of words and facts, so that whoever has the index and not the key learns no word from it.
/// What is hashed of the words is what an auditor without further permissions may read.
/// </summary>
internal sealed class SearchTerms(byte[] key)
{
    /// <summary>Raised when other grams or facts are taken: an index is then to be built anew.</summary>
    private const string Version = "r1grains search terms 1";

    /// <summary>Grams come again and again; beyond so many the memory begins anew.</summary>
    private const int KnownMax = 50_000;

    private readonly ConcurrentDictionary<string, uint> _known = new(StringComparer.Ordinal);

    public Digest Scheme { get; } = new(HMACSHA256.HashData(key, System.Text.Encoding.UTF8.GetBytes(Version)));

    public IndexTerms OfTurns => new(Scheme, Of);

    public IEnumerable<uint> Of(ClosedTurn turn) =>
        Texts(turn).SelectMany(text => Grams.Of(FoldedText.Of(text).Form)).Select(Of).Concat(Fact.Of(turn).Select(Of));

    /// <summary>What is searched of a turn.</summary>
    public static IReadOnlyList<string> Texts(ClosedTurn turn) => [RecordedItems.Masked(turn.Opened), turn.Closed.Answer];

    public TermQuery Query(SearchedWords words, TranscriptFilter filter) =>
        new([.. filter.Facts().Select(facts => facts.Select(Of).ToArray()), .. words.Grams.Select(gram => new[] { Of(gram) })], filter.From, filter.Until);

    /// <summary>What may tell who somebody is, or what they said, as it may stand where it can be read for ever: whoever knows what it might be can find out whether it was.</summary>
    public string Blind(string text) => Convert.ToHexStringLower(Hash($"blind\0{text}")[..16]);

    private uint Of(Fact fact) => IndexTerms.FactBit | Term($"{fact.Kind}\0{fact.Value}");

    private uint Of(string gram)
    {
        if (_known.TryGetValue(gram, out var known))
            return known;
        if (_known.Count >= KnownMax)
            _known.Clear();
        return _known[gram] = Term(gram) & ~IndexTerms.FactBit;
    }

    private uint Term(string text) => BitConverter.ToUInt32(Hash(text));

    private byte[] Hash(string text) => HMACSHA256.HashData(key, MemoryMarshal.AsBytes(text.AsSpan()));
}
