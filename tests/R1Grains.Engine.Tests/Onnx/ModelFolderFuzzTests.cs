using System.Text.Json.Nodes;
using R1Grains.Engine.Models;
using R1Grains.Engine.Tests.Scripted;

namespace R1Grains.Engine.Tests.Onnx;

/// <summary>Folders with a wrong value at any place of any file: what cannot be run is refused in one line, and nothing else happens.</summary>
public sealed class ModelFolderFuzzTests : IDisposable
{
    // As JSON, whatever stood there.
    private static readonly string[] Values =
        ["null", "-1", "0", "1.5", "1e400", "2000000000", "2147483647", "99999999999999999999", "true", "[]", "{}", "[null]", "[[\"a\"]]", "[\"a b c\"]", "{\"a\":1}", "\"\"", "\"(\"", "\"a\\u0000b\"", "\"\\ud800\""];

    private const string Mark = "here";

    private readonly string _folder = Directory.CreateTempSubdirectory("r1grains-fuzz-").FullName;

    public ModelFolderFuzzTests()
    {
        ScriptedModel.WriteTokenizer(_folder);
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(ModelFolders.Shipped, "genai_config.json")))!;
        (config["model"]!["vocab_size"], config["model"]!["decoder"]!["filename"]) = (300, "model.onnx");
        File.WriteAllText(Path.Combine(_folder, "genai_config.json"), config.ToJsonString());
        File.WriteAllBytes(Path.Combine(_folder, "model.onnx"), [0x08, 0x0a]);
        ModelFolder.Open(_folder);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("genai_config.json")]
    [InlineData("tokenizer.json")]
    [InlineData("tokenizer_config.json")]
    public void Any_value_is_taken_or_refused(string file)
    {
        var text = File.ReadAllText(Path.Combine(_folder, file));
        // Of the 256 tokens for bytes a few are enough.
        foreach (var place in Places(JsonNode.Parse(text)!, []).Where((_, i) => i < 60 || i % 60 == 0))
            foreach (var value in Values)
                Open(file, Replaced(text, place, value));
    }

    [Fact]
    public void Any_bytes_of_a_graph_are_taken_or_refused()
    {
        var random = new Random(3);
        for (var i = 0; i < 500; i++)
        {
            var bytes = new byte[random.Next(1, 60)];
            random.NextBytes(bytes);
            bytes[0] = 0x3a; // A graph follows.
            File.WriteAllBytes(Path.Combine(_folder, "model.onnx"), bytes);
            Open("model.onnx", Convert.ToHexString(bytes), written: true);
        }
    }

    private void Open(string file, string content, bool written = false)
    {
        if (!written) File.WriteAllText(Path.Combine(_folder, file), content);
        try
        {
            ModelFolder.Open(_folder);
        }
        catch (ModelFolderException refused) when (!refused.Message.Contains('\n', StringComparison.Ordinal))
        {
        }
        catch (Exception other)
        {
            throw new InvalidOperationException($"{file} holds {content[..Math.Min(content.Length, 2_000)]}\n{other.Message}", other);
        }
    }

    private static IEnumerable<object[]> Places(JsonNode? node, object[] here) => node switch
    {
        JsonObject parent => parent.SelectMany(child => Places(child.Value, [.. here, child.Key])).Prepend(here),
        JsonArray parent => parent.SelectMany((child, i) => Places(child, [.. here, i])).Prepend(here),
        _ => [here],
    };

    private static string Replaced(string text, object[] place, string value)
    {
        if (place.Length == 0) return value;
        var root = JsonNode.Parse(text)!;
        var parent = root;
        foreach (var step in place[..^1]) parent = step is int i ? parent[i]! : parent[(string)step]!;
        if (place[^1] is int last) parent[last] = Mark;
        else parent[(string)place[^1]] = Mark;
        return root.ToJsonString().Replace($"\"{Mark}\"", value, StringComparison.Ordinal);
    }
}
