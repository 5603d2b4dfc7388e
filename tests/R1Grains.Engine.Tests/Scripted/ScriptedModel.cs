using System.Text.Json;
using R1Grains.Engine.Models;

namespace R1Grains.Engine.Tests.Scripted;

/// <summary>
/// A model without weights: ids 0 to 255 are the bytes, then come the markers of both templates. Texts and ids are
/// easily told from each other in tests.
/// </summary>
public static class ScriptedModel
{
    public static readonly string[] Markers =
        ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>", "<think>", "</think>", "<|im_start|>", "<|im_end|>", "<|endoftext|>"];

    public const string DeepSeek = "<｜User｜>{{ text }}<｜Assistant｜><think>\n";
    public const string ChatMl = "<|im_start|>user\n{{ text }}<|im_end|>\n<|im_start|>assistant\n";

    public const int End = 257;
    public const int ThinkOpen = 260;
    public const int ThinkClose = 261;

    public static Model Create(int contextLength = 2048, string template = DeepSeek)
    {
        var folder = Directory.CreateTempSubdirectory("r1grains-scripted-");
        try
        {
            WriteTokenizer(folder.FullName, template);
            var tokenizer = Tokenizer.Load(folder.FullName);
            var known = ChatTemplate.Load(folder.FullName, tokenizer);
            return new Model("scripted", new string('0', 64), contextLength, tokenizer, known, known.StopIds, new SamplingOptions());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Writes tokenizer.json and tokenizer_config.json.</summary>
    public static void WriteTokenizer(string folder, string template = DeepSeek)
    {
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), JsonSerializer.Serialize(new
        {
            version = "1.0",
            added_tokens = Markers.Select((content, i) => new { id = 256 + i, content, special = true }),
            normalizer = (object?)null,
            pre_tokenizer = new { type = "ByteLevel", add_prefix_space = false, use_regex = false },
            model = new
            {
                type = "BPE",
                vocab = Enumerable.Range(0, 256).ToDictionary(b => ByteAlphabet.ToChar((byte)b).ToString()),
                merges = Array.Empty<string>(),
            },
        }));
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"),
            JsonSerializer.Serialize(new { chat_template = template }));
    }
}
