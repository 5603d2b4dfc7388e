namespace R1Grains.Compliance;

/// <param name="Start">In UTF-16 units from the beginning of the text, or of the whole stream.</param>
/// <param name="Length">In UTF-16 units.</param>
public readonly record struct PersonalDataSpan(PersonalDataKind Kind, int Start, int Length)
{
    public int End => Start + Length;
}
