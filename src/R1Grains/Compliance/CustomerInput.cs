using System.Collections.Immutable;

namespace R1Grains.Compliance;

/// <summary>A customer's words as they may come in.</summary>
/// <param name="Text">One-time passwords, card verification values and PINs are covered: from the door on nobody has them.</param>
/// <param name="Items">What tells who the customer is, in the text as it came; what names an organisation is not among it.</param>
public readonly record struct CustomerInput(string Text, ImmutableArray<PersonalDataSpan> Items)
{
    public static CustomerInput Of(string text)
    {
        var items = PersonalData.Find(text).RemoveAll(item => item.Kind.NamesOrganisation());
        return new(PersonalData.Mask(text, items.RemoveAll(item => !item.Kind.IsSecret())), items);
    }
}
