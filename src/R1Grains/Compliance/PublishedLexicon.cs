namespace R1Grains.Compliance;

/// <summary>The lexicon that is in force. Who begins to read asks for it once and keeps what it got, so that publishing another disturbs nobody.</summary>
public sealed class PublishedLexicon(Lexicon first)
{
    private Lexicon _current = first;

    public Lexicon Current => Volatile.Read(ref _current);

    /// <returns>The one that was in force until now.</returns>
    public Lexicon Publish(Lexicon next) => Interlocked.Exchange(ref _current, next);
}
