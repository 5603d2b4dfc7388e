using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using R1Grains.Engine.Models;

namespace R1Grains.Tuning.Tokenization;

/// <summary>Writes learnt merges as Hugging Face tokenizer files with the special tokens and the template of DeepSeek-R1.</summary>
public static class TokenizerFolder
{
    public const string Begin = "<｜begin▁of▁sentence｜>";
    public const string End = "<｜end▁of▁sentence｜>";
    public const string Padding = "<｜▁pad▁｜>";

    public static int AddedTokens => Added.Length;

    /// <summary>Content and whether the token is hidden from decoded text; ids follow the learnt tokens in this order.</summary>
    private static readonly (string Content, bool Special)[] Added =
    [
        (Begin, true), (End, true), (Padding, true), ("<｜User｜>", true), ("<｜Assistant｜>", true), ("<think>", false), ("</think>", false),
    ];

    private const string ChatTemplate =
        "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}"
        + "{{ bos_token }}{% for message in messages %}"
        + "{%- if message['role'] == 'system' %}{{ message['content'] }}"
        + "{%- elif message['role'] == 'user' %}{{ '<｜User｜>' + message['content'] }}"
        + "{%- elif message['role'] == 'assistant' %}{% set content = message['content'] %}"
        + "{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}"
        + "{{ '<｜Assistant｜>' + content + '<｜end▁of▁sentence｜>' }}{%- endif %}{%- endfor -%}"
        + "{% if add_generation_prompt %}{{ '<｜Assistant｜><think>\\n' }}{% endif %}";

    /// <summary>Writes tokenizer.json, tokenizer_config.json and special_tokens_map.json.</summary>
    /// <returns>Tokens in all, the special ones included.</returns>
    public static int Write(string folder, List<byte[]> tokens, List<(byte[] Left, byte[] Right)> merges, int contextLength)
    {
        Directory.CreateDirectory(folder);
        var vocabulary = new JsonObject();
        for (var id = 0; id < tokens.Count; id++)
            vocabulary[ByteAlphabet.ToText(tokens[id])] = id;
        var added = Added.Select((token, i) => AddedToken(token.Content, token.Special, tokens.Count + i)).ToArray();

        Save(folder, "tokenizer.json", new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray(added),
            ["normalizer"] = null,
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(
                    new JsonObject
                    {
                        ["type"] = "Split",
                        ["pattern"] = new JsonObject { ["Regex"] = BpeTrainer.Pattern },
                        ["behavior"] = "Isolated",
                        ["invert"] = false,
                    },
                    new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = false, ["use_regex"] = false }),
            },
            ["post_processor"] = null,
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = false, ["use_regex"] = false },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = null,
                ["end_of_word_suffix"] = null,
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["ignore_merges"] = false,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(m => (JsonNode)$"{ByteAlphabet.ToText(m.Left)} {ByteAlphabet.ToText(m.Right)}")]),
            },
        });
        Save(folder, "tokenizer_config.json", new JsonObject
        {
            ["add_bos_token"] = true,
            ["add_eos_token"] = false,
            ["bos_token"] = Begin,
            ["eos_token"] = End,
            ["pad_token"] = Padding,
            ["clean_up_tokenization_spaces"] = false,
            ["model_max_length"] = contextLength,
            ["tokenizer_class"] = "PreTrainedTokenizerFast",
            ["chat_template"] = ChatTemplate,
        });
        Save(folder, "special_tokens_map.json", new JsonObject { ["bos_token"] = Begin, ["eos_token"] = End, ["pad_token"] = Padding });
        return tokens.Count + Added.Length;
    }

    private static JsonNode AddedToken(string content, bool special, int id) => new JsonObject
    {
        ["id"] = id,
        ["content"] = content,
        ["single_word"] = false,
        ["lstrip"] = false,
        ["rstrip"] = false,
        ["normalized"] = false,
        ["special"] = special,
    };

    private static void Save(string folder, string file, JsonObject json) =>
        File.WriteAllText(Path.Combine(folder, file), json.ToJsonString(Readable) + "\n");

    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
