namespace R1Grains.Compliance;

internal static class HitOrder
{
    public static readonly IComparer<Hit> ByPlace = Comparer<Hit>.Create((a, b) =>
        (a.Start, a.End).CompareTo((b.Start, b.End)) is not 0 and var place ? place : string.CompareOrdinal(a.Entry.Text, b.Entry.Text));
}
