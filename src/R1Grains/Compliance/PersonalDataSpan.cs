namespace R1Grains.Compliance;

/// <param name="Start">In UTF-16 units from the beginning of the text, or of the whole stream.</param>
/// <param name="Length">In UTF-16 units.</param>
[GenerateSerializer, Immutable, Alias("r1.PersonalDataSpan")]
public readonly record struct PersonalDataSpan([property: Id(0)] PersonalDataKind Kind, [property: Id(1)] int Start, [property: Id(2)] int Length)
{
    public int End => Start + Length;
}
