namespace R1Grains.Compliance;

/// <summary>A list that cannot be a lexicon: which entry or line, and what to do.</summary>
public sealed class LexiconException(string message) : Exception(message);
