using System.Collections.Immutable;
using R1Grains.Engine.Models;

namespace R1Grains.Compliance;

/// <summary>A customer's words as they may come in.</summary>
/// <param name="Text">One-time passwords, card verification values and PINs are covered: from the door on nobody has them.</param>
/// <param name="Items">What tells who the customer is, in the text as it came; what names an organisation is not among it.</param>
public readonly record struct CustomerInput(string Text, ImmutableArray<PersonalDataSpan> Items)
{
    public static CustomerInput Of(string text)
    {
        // As a model would read it, so that nothing hides between the digits.
        var visible = VisibleText.Of(text);
        ImmutableArray<PersonalDataSpan> items = [.. PersonalData.Find(visible.Text).Where(item => !item.Kind.NamesOrganisation()).Select(item => InSource(visible, item))];
        return new(PersonalData.Mask(text, items.RemoveAll(item => !item.Kind.IsSecret())), items);
    }

    private static PersonalDataSpan InSource(VisibleText visible, PersonalDataSpan item)
    {
        var (start, end) = visible.InSource(item.Start, item.End);
        return item with { Start = start, Length = end - start };
    }
}
