using System.Text.Json;
using System.Text.Json.Serialization;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Exports;

/// <summary>What an export is: who asked for what and why, what it holds, and against which state of the record it is proved.</summary>
public sealed record ExportManifest
{
    public const int CurrentFormat = 1;

    /// <summary>Of the entries that this program knows.</summary>
    public const int EntryFormat = Ledger.Format.Entry.CurrentFormat;

    public const string FileName = "manifest.json";

    /// <summary>A signed note over the manifest.</summary>
    public const string NoteName = "manifest.note";

    public const string RecordsName = "records.jsonl";

    public const string ProofName = "proof.jsonl";

    /// <summary>In bytes; longer ones are refused unread.</summary>
    public const int LengthMax = 1 << 20;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        WriteIndented = true,
        NewLine = "\n",
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public required int Format { get; init; }

    /// <summary>Of the entries.</summary>
    public required int RecordFormat { get; init; }

    /// <summary>tenants/{tenant}/exports/{export}</summary>
    public required string Export { get; init; }

    public required string Tenant { get; init; }

    public required ExportAsked Asked { get; init; }

    /// <summary>When its last byte was made.</summary>
    public required DateTimeOffset Made { get; init; }

    public required ExportCounts Counts { get; init; }

    /// <summary>All but the manifest and its note.</summary>
    public required IReadOnlyList<ExportedFile> Files { get; init; }

    /// <summary>A signed note: what everything is proved against.</summary>
    public required string Checkpoint { get; init; }

    /// <summary>In PEM, with which checkpoint and manifest are signed. Worth something only if it is compared with the one that was handed out.</summary>
    public required string Key { get; init; }

    /// <summary>
    /// How that key follows from the first, where it was replaced: a <see cref="SigningRotation"/> each, in their order, without
    /// its end, which names the trees of others. Null where it is the first.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<byte[]>? Rotations { get; init; }

    public byte[] ToBytes() => [.. JsonSerializer.SerializeToUtf8Bytes(this, Json), (byte)'\n'];

    /// <exception cref="InvalidDataException"/>
    public static ExportManifest Parse(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var manifest = JsonSerializer.Deserialize<ExportManifest>(bytes, Json) ?? throw new InvalidDataException("it is null");
            return manifest.Format == CurrentFormat && manifest.RecordFormat == Ledger.Format.Entry.CurrentFormat
                ? manifest
                : throw new InvalidDataException($"its format is {manifest.Format}, over entries of format {manifest.RecordFormat}; this program knows {CurrentFormat} and {Ledger.Format.Entry.CurrentFormat}");
        }
        catch (JsonException malformed)
        {
            throw new InvalidDataException($"it cannot be read{(malformed.LineNumber is { } line ? $": line {line + 1}" : "")}{(malformed.Path is { Length: > 0 } path ? $", {path}" : "")}", malformed);
        }
    }

    /// <summary>What is signed of a manifest.</summary>
    /// <param name="origin">Of the tenant's tree.</param>
    public static string NoteText(string origin, string export, Digest manifest) => $"{origin}\nexport\n{export}\n{Convert.ToBase64String(manifest.ToArray())}\n";
}

/// <param name="By">Who asked.</param>
/// <param name="View">REDACTED, FULL or REASONING.</param>
/// <param name="Filter">Names and values; of a customer the keyed hash alone.</param>
public sealed record ExportAsked(string By, DateTimeOffset At, string Purpose, string View, IReadOnlyList<ExportCondition> Filter);

public sealed record ExportCondition(string Name, string Value);

/// <param name="Records">Entries and pieces: the lines of the records' file.</param>
/// <param name="Erased">Conversations whose words are gone for good.</param>
/// <param name="Masked">Texts in whose place others are shown.</param>
public sealed record ExportCounts(long Conversations, long Turns, long Records, long Erased, long Masked);

/// <param name="Hash">Over its pieces: see FORMAT.md. 64 hex digits.</param>
public sealed record ExportedFile(string Name, long Bytes, string Hash);

/// <param name="Bytes">Of the manifest's file.</param>
/// <param name="Note">Signed over these.</param>
public sealed record SignedManifest(byte[] Bytes, string Note);
