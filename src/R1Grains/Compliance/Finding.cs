namespace R1Grains.Compliance;

/// <summary>What another reading of a sentence has found.</summary>
/// <param name="Start">In units of the sentence.</param>
/// <param name="End">The unit after the last.</param>
/// <param name="Entry">Of the lexicon.</param>
internal readonly record struct Finding(int Start, int End, int Entry);
