using System.Text.Json;
using System.Text.RegularExpressions;

namespace R1Grains.Engine.Models;

/// <summary>
/// What a Hugging Face <c>tokenizer.json</c> says, for byte-level BPE. Anything else in the file that would change
/// ids is refused by the name of its field rather than ignored.
/// </summary>
internal sealed record TokenizerFile(
    IReadOnlyDictionary<string, int> Vocabulary,
    IReadOnlyList<string> Merges,
    IReadOnlyDictionary<string, int> AddedTokens,
    IReadOnlyList<Regex> Splits,
    bool ComposeCharacters)
{
    // The pattern that ByteLevel applies when use_regex is true (GPT-2).
    private const string ByteLevelPattern =
        @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    // Far above any vocabulary; tables are as long as the greatest id.
    private const int IdMax = (1 << 22) - 1;

    public static TokenizerFile Read(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            using var document = JsonDocument.Parse(stream);
            return Read(document.RootElement);
        }
        catch (FileNotFoundException missing)
        {
            throw new ModelFolderException($"{path} is missing; a model folder needs its tokenizer.json.", missing);
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException or FormatException or KeyNotFoundException or ArgumentException or IndexOutOfRangeException)
        {
            throw new ModelFolderException($"{path} is not a readable tokenizer.json: {broken.Message}", broken);
        }
        catch (Refused refused)
        {
            throw new ModelFolderException($"{path}: {refused.Message}", refused);
        }
    }

    private static TokenizerFile Read(JsonElement root)
    {
        var model = root.GetProperty("model");
        Require(model, "model.type", "type", "BPE");
        foreach (var field in new[] { "unk_token", "dropout", "continuing_subword_prefix", "end_of_word_suffix" })
            if (model.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null && value.ToString() is not ("" or "0" or "0.0"))
                throw new Refused($"model.{field} is '{value}'; only byte-level BPE without it can be run.");
        foreach (var field in new[] { "byte_fallback", "ignore_merges" })
            if (Flag(model, field)) throw new Refused($"model.{field} is true; only byte-level BPE without it can be run.");

        var vocabulary = model.GetProperty("vocab").EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.GetInt32());
        var added = new Dictionary<string, int>();
        if (root.TryGetProperty("added_tokens", out var tokens))
            foreach (var token in tokens.EnumerateArray())
            {
                var content = token.GetProperty("content").GetString()!;
                added[content] = token.GetProperty("id").GetInt32();
                vocabulary.Remove(content); // Typed text must never become an added token.
            }

        foreach (var (text, id) in vocabulary.Concat(added))
            if (id is < 0 or > IdMax) throw new Refused($"'{text}' has the id {id}; ids are from 0 to {IdMax}.");
        for (var b = 0; b < 256; b++)
            if (!vocabulary.ContainsKey(ByteAlphabet.ToChar((byte)b).ToString()))
                throw new Refused($"model.vocab has no token for byte 0x{b:X2}; only byte-level BPE can be run.");

        var splits = new List<Regex>();
        var byteLevel = false;
        foreach (var step in Steps(root, "pre_tokenizer", "pretokenizers"))
            ReadPreTokenizer(step, splits, ref byteLevel);
        if (!byteLevel) throw new Refused("pre_tokenizer has no ByteLevel step; only byte-level BPE can be run.");

        var compose = false;
        foreach (var step in Steps(root, "normalizer", "normalizers"))
        {
            Require(step, "normalizer.type", "type", "NFC");
            compose = true;
        }
        return new TokenizerFile(vocabulary, [.. model.GetProperty("merges").EnumerateArray().Select(Merge)], added, splits, compose);
    }

    private static string Merge(JsonElement merge)
    {
        var text = merge.ValueKind == JsonValueKind.Array ? $"{merge[0].GetString()} {merge[1].GetString()}" : merge.GetString()!;
        return text.AsSpan().Count(' ') == 1 ? text : throw new Refused($"model.merges holds '{text}', which is not a pair of byte-level tokens.");
    }

    private static void ReadPreTokenizer(JsonElement step, List<Regex> splits, ref bool byteLevel)
    {
        switch (step.GetProperty("type").GetString())
        {
            case "Split":
                Require(step, "pre_tokenizer.behavior", "behavior", "Isolated");
                if (Flag(step, "invert")) throw new Refused("pre_tokenizer.invert is true; only splits without it can be run.");
                var pattern = step.GetProperty("pattern");
                splits.Add(Compile(pattern.TryGetProperty("Regex", out var regex) ? regex.GetString()! : Regex.Escape(pattern.GetProperty("String").GetString()!)));
                break;
            case "ByteLevel":
                if (Flag(step, "add_prefix_space")) throw new Refused("pre_tokenizer.add_prefix_space is true; only false can be run.");
                if (!step.TryGetProperty("use_regex", out var use) || use.GetBoolean()) splits.Add(Compile(ByteLevelPattern));
                byteLevel = true;
                break;
            case var other:
                throw new Refused($"pre_tokenizer.type is '{other}'; supported: Split, ByteLevel and a Sequence of them.");
        }
    }

    private static Regex Compile(string pattern)
    {
        if (pattern.AsSpan().ContainsAnyInRange('\ud800', '\udfff'))
            throw new Refused($"pre_tokenizer.pattern '{pattern}' names characters outside the BMP, which cannot be run.");
        try
        {
            return new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.Compiled);
        }
        catch (ArgumentException unknown)
        {
            throw new Refused($"pre_tokenizer.pattern '{pattern}' cannot be run: {unknown.Message}");
        }
    }

    /// <summary>The steps of an optional component: none, the component itself, or the parts of a Sequence.</summary>
    private static IEnumerable<JsonElement> Steps(JsonElement root, string component, string parts)
    {
        if (!root.TryGetProperty(component, out var element) || element.ValueKind == JsonValueKind.Null) return [];
        return element.GetProperty("type").ValueEquals("Sequence") ? element.GetProperty(parts).EnumerateArray() : [element];
    }

    private static void Require(JsonElement element, string name, string field, string value)
    {
        var actual = element.TryGetProperty(field, out var found) ? found.ToString() : "absent";
        if (actual != value) throw new Refused($"{name} is '{actual}'; supported: {value}.");
    }

    private static bool Flag(JsonElement element, string field) =>
        element.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.True;

    private sealed class Refused(string message) : Exception(message);
}
