using R1Grains.Ledger;

namespace R1Grains.Compliance;

/// <summary>A list of a tenant, as it is being written: nothing of it is looked for.</summary>
/// <param name="Version">Raised by every change.</param>
/// <param name="By">Of the last change.</param>
public sealed record WordList(string Tenant, string Id, long Version, string Title, IReadOnlyList<LexiconEntry> Entries, Authorship By, DateTimeOffset Time)
{
    public const int EntriesMax = 10_000;

    internal const string Kind = "word-list";

    // A removed list is kept as such, so that the request that removed it can be told again.
    private const string Removed = "removed";

    /// <summary>Null for one that is removed, whose author is known all the same.</summary>
    internal static (WordList? List, Authorship By) Of(Document document)
    {
        var text = HeadedText.Parse(document.Content!);
        var by = new Authorship(text["by"], text["request"], text["payload"]);
        return text[Removed].Length > 0
            ? (null, by)
            : (new(document.Key.Tenant, document.Key.Id, document.Version, text["title"], LexiconFile.Parse(text.Body), by, text.Time("time")), by);
    }

    /// <param name="entries">Null removes it.</param>
    internal static byte[] Write(string title, IReadOnlyList<LexiconEntry>? entries, Authorship by, DateTimeOffset time) => HeadedText.Write(
        entries is null ? "" : LexiconFile.Write(entries),
        ("title", title), ("by", by.Subject), ("request", by.RequestId), ("payload", by.Payload), ("time", HeadedText.Text(time)), (Removed, entries is null ? "yes" : null));
}

/// <summary>Who asked for a change, with which request.</summary>
/// <param name="Payload">Hash of the request's meaning, hex: the same request again is answered again, another one with its id is refused.</param>
public sealed record Authorship(string Subject, string RequestId, string Payload);
