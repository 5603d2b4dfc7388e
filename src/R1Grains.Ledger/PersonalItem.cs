namespace R1Grains.Ledger;

/// <summary>Where a text tells something about a person, which was covered: for the model in an input, for everybody else in what the model said.</summary>
/// <param name="Start">In UTF-16 units of the text, from 0.</param>
/// <param name="End">The unit after its last.</param>
/// <param name="Kind">In snake case, e.g. <c>bank_card</c>.</param>
public sealed record PersonalItem(HitPlace Place, int Start, int End, string Kind);
