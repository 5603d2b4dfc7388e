using System.Globalization;
using R1Grains.Ledger;

namespace R1Grains.Compliance;

/// <summary>What a tenant has published: the words of all its lists as they were when they were proposed. It never changes.</summary>
/// <param name="Number">1, 2, 3 … without gaps.</param>
/// <param name="Hash">SHA-256 over the words as <see cref="LexiconFile.Write"/> writes them.</param>
/// <param name="Proposal">Its id.</param>
/// <param name="Entries">Empty where they were not asked for.</param>
public sealed record Edition(
    string Tenant, int Number, Digest Hash, int Count, string Proposal, string Proposer, string Approver, DateTimeOffset Time, IReadOnlyList<LexiconEntry> Entries)
{
    internal const string Kind = "lexicon-edition";

    /// <summary>Kind and id of the document that says which edition is in force. It is small: every process follows it.</summary>
    internal const string InForce = "lexicon-in-force";

    /// <summary>Ids of documents are listed byte by byte.</summary>
    internal static string Id(int number) => number.ToString("D8", CultureInfo.InvariantCulture);

    internal static Edition Of(Document document)
    {
        var text = HeadedText.Parse(document.Content!);
        return new(document.Key.Tenant, text.Number("edition"), Digest.Parse(text["hash"]), text.Number("entries"), text["proposal"], text["proposer"], text["approver"], text.Time("time"), []);
    }

    internal byte[] Write() => HeadedText.Write(
        "", ("edition", $"{Number}"), ("hash", $"{Hash}"), ("entries", $"{Count}"), ("proposal", Proposal), ("proposer", Proposer), ("approver", Approver), ("time", HeadedText.Text(Time)));
}

/// <summary>An edition that one person proposes, and another one decides about.</summary>
/// <param name="Number">That it would have, or has: it lies over the one before.</param>
/// <param name="Entries">Empty where they were not asked for, or are not kept any more because it was rejected.</param>
/// <param name="Added">Entries that the edition before lacks.</param>
/// <param name="Removed">Entries of the edition before that it lacks.</param>
public sealed record ProposedEdition(Proposal Proposal, int Number, IReadOnlyList<LexiconEntry> Entries, int Added = 0, int Removed = 0);
