using System.Globalization;

namespace R1Grains.Conversations;

/// <summary>A document's version as clients see it.</summary>
internal static class Etag
{
    public static string Of(long version) => version.ToString(CultureInfo.InvariantCulture);

    /// <param name="version">That is there.</param>
    /// <exception cref="RefusedException">It stands for another one.</exception>
    public static long Parse(string etag, long version) =>
        etag.Length == 0 ? throw Refuse.Field(Reason.InvalidArgument, "etag", "etag is empty: send the one of what was read")
        : etag == Of(version) ? version
        : throw Mismatch(version);

    /// <param name="version">Null where it is not known.</param>
    public static RefusedException Mismatch(long? version) => new(new(
        Reason.EtagMismatch, $"somebody else has changed it{(version is { } there ? $" to etag {Of(there)}" : "")}: read it again, and change what it is"));
}
