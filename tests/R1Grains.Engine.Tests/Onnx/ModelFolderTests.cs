using System.Security.Cryptography;
using System.Text.Json.Nodes;
using R1Grains.Engine.Models;
using R1Grains.Engine.Onnx;

namespace R1Grains.Engine.Tests.Onnx;

public sealed class ModelFolderTests
{
    [Fact]
    public void The_folder_says_what_it_is()
    {
        var folder = ModelFolder.Open(ModelFolders.Get("int4"));
        Assert.Equal("int4-2048", folder.Model.Name);
        Assert.Equal(64, folder.Model.Hash.Length);
        Assert.Equal(2048, folder.Model.ContextLength);
        Assert.Equal("deepseek-r1", folder.Model.Template.Name);
        Assert.Contains(folder.Model.Tokenizer.SpecialId("<｜end▁of▁sentence｜>"), folder.Model.StopIds);
        Assert.Equal((0.6f, 0.95f, 50, 1f), (folder.Model.Defaults.Temperature, folder.Model.Defaults.TopP, folder.Model.Defaults.TopK, folder.Model.Defaults.RepetitionPenalty));
    }

    [Fact]
    public void Any_file_that_decides_tokens_changes_the_hash_and_others_do_not()
    {
        var copy = ModelFolders.Copy("int4");
        var hash = ModelFolder.Open(copy).Model.Hash;
        Assert.Equal(hash, ModelFolder.Open(ModelFolders.Copy("int4")).Model.Hash);
        File.WriteAllText(Path.Combine(copy, "README.md"), "about");
        Assert.Equal(hash, ModelFolder.Open(copy).Model.Hash);
        foreach (var file in new[] { "genai_config.json", "tokenizer.json", "tokenizer_config.json" })
        {
            File.AppendAllText(Path.Combine(copy, file), "\n");
            Assert.NotEqual(hash, hash = ModelFolder.Open(copy).Model.Hash);
        }
    }

    [Theory]
    [InlineData("model.type", "\"phi3\"", "'model.type' is 'phi3'; supported: qwen2, qwen3, llama")]
    [InlineData("model.decoder.num_hidden_layers", "null", "'model.decoder.num_hidden_layers' is missing")]
    [InlineData("model.decoder.num_hidden_layers", "3", "has no input 'past_key_values.2.key'")]
    [InlineData("model.decoder.num_hidden_layers", "2147483647", "has no input 'past_key_values.2.key'")]
    [InlineData("model.decoder.num_attention_heads", "12", "has 6 attention heads; genai_config.json says 12")]
    [InlineData("model.decoder.inputs.past_key_names", "\"past_key_values.0.key\"", "names the input 'past_key_values.0.key' of")]
    [InlineData("model.decoder.inputs.attention_mask", "\"input_ids\"", "names the input 'input_ids' of")]
    [InlineData("model.decoder.inputs.attention_mask", "\"past_key_values.0.key\"", "input 'past_key_values.0.key' has type Float; supported: Int64")]
    [InlineData("model.decoder.outputs.present_value_names", "\"present.%d.key\"", "names the output 'present.0.key' of")]
    [InlineData("model.context_length", "7", "'model.context_length' is 7; 128 or more is needed")]
    [InlineData("model.context_length", "4096", "knows 2048 positions; model.context_length in genai_config.json must not be more, and is 4096 here")]
    [InlineData("model.decoder.num_hidden_layers", "1", "has the input 'past_key_values.1.key', which is not known")]
    [InlineData("model.decoder.head_size", "64", "genai_config.json says 2 heads of 64")]
    [InlineData("model.decoder.head_size", "\"big\"", "'model.decoder.head_size' is big; a whole number is needed")]
    [InlineData("model.context_length", "0", "'model.context_length' is 0; 128 or more is needed")]
    [InlineData("model.vocab_size", "100", "model.vocab_size in genai_config.json is 100")]
    [InlineData("model.decoder.filename", "\"../model.onnx\"", "lies outside")]
    [InlineData("model.decoder.filename", "\"other.onnx\"", "does not exist")]
    [InlineData("model.decoder.filename", "\"model\\u0000.onnx\"", "'model\\0.onnx', which is no name of a file")]
    [InlineData("model.decoder.sliding_window", "{}", "'model.decoder.sliding_window' is set")]
    [InlineData("search.past_present_share_buffer", "false", "'search.past_present_share_buffer' is false")]
    [InlineData("search.temperature", "-1", "'search.temperature' is -1; it must be 0 to 100")]
    [InlineData("search.temperature", "1e30", "it must be 0 to 100")]
    [InlineData("search.top_p", "0", "'search.top_p' is 0; it must be above 0 and at most 1")]
    [InlineData("search.top_k", "-1", "'search.top_k' is -1; it must be 0 or more")]
    [InlineData("search.repetition_penalty", "0", "'search.repetition_penalty' is 0; it must be 0.01 to 100")]
    public void A_folder_that_cannot_be_run_is_refused_by_the_name_of_the_field(string field, string value, string message)
    {
        var copy = ModelFolders.Copy("int4");
        var path = Path.Combine(copy, "genai_config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!;
        var names = field.Split('.');
        var parent = names[..^1].Aggregate(config, (node, name) => node[name]!);
        parent[names[^1]] = JsonNode.Parse(value);
        File.WriteAllText(path, config.ToJsonString());
        Assert.Contains(message, Refusal(copy));
    }

    [Theory]
    [InlineData("genai_config.json")]
    [InlineData("model.onnx")]
    [InlineData("tokenizer.json")]
    [InlineData("tokenizer_config.json")]
    public void A_missing_file_is_named(string file)
    {
        var copy = ModelFolders.Copy("int4");
        File.Delete(Path.Combine(copy, file));
        Assert.Contains(file, Refusal(copy));
    }

    [Theory]
    [InlineData("genai_config.json", "{", "is not valid JSON")]
    [InlineData("tokenizer.json", "{", "is not a readable tokenizer.json")]
    [InlineData("tokenizer_config.json", "{", "is not valid JSON")]
    [InlineData("tokenizer_config.json", "[]", "has no chat_template")]
    public void A_file_that_cannot_be_read_is_named(string file, string content, string message)
    {
        var copy = ModelFolders.Copy("int4");
        File.WriteAllText(Path.Combine(copy, file), content);
        Assert.Contains($"{Path.Combine(copy, file)} {message}", Refusal(copy));
    }

    [Theory]
    [InlineData("model.onnx", "\x08\x0a", "holds no graph")]
    [InlineData("tokenizer.json", "folder", "Each of its files must be a file that the user of this process may read")]
    public void A_file_that_is_something_else_is_refused(string file, string content, string message)
    {
        var copy = ModelFolders.Copy("int4");
        File.Delete(Path.Combine(copy, file));
        if (content == "folder") Directory.CreateDirectory(Path.Combine(copy, file));
        else File.WriteAllText(Path.Combine(copy, file), content);
        Assert.Contains(message, Refusal(copy));
    }

    [Fact]
    public void A_model_whose_logits_are_narrower_than_the_tokenizer_is_refused()
    {
        var copy = ModelFolders.Copy("int4");
        var path = Path.Combine(copy, "tokenizer.json");
        var tokenizer = JsonNode.Parse(File.ReadAllText(path))!;
        tokenizer["added_tokens"]!.AsArray().Add(new JsonObject { ["id"] = 50_000, ["content"] = "<|of another model|>" });
        File.WriteAllText(path, tokenizer.ToJsonString());
        var config = Path.Combine(copy, "genai_config.json");
        var json = JsonNode.Parse(File.ReadAllText(config))!;
        json["model"]!["vocab_size"] = 60_000;
        File.WriteAllText(config, json.ToJsonString());
        Assert.Contains("and tokenizer.json has ids up to 50000; the two are of different models", Refusal(copy));
    }

    [Fact]
    public void A_graph_nested_without_end_is_refused()
    {
        var copy = ModelFolders.Copy("int4");
        byte[] graph = [];
        // A node with an attribute that is a graph, in itself.
        for (var i = 0; i < 2_000; i++) graph = Nested(1, Nested(5, Nested(6, graph)));
        File.WriteAllBytes(Path.Combine(copy, "model.onnx"), Nested(7, graph));
        Assert.Contains("is not a readable ONNX file", Refusal(copy));

        static byte[] Nested(int field, byte[] content) => [(byte)(field << 3 | 2), (byte)(content.Length & 0x7f | 0x80), (byte)(content.Length >> 7 & 0x7f | 0x80), (byte)(content.Length >> 14), .. content];
    }

    [Fact]
    public void A_missing_folder_is_named_with_what_to_do() =>
        Assert.Contains("point the engine at a folder", Assert.Throws<ModelFolderException>(() => ModelFolder.Open("/nowhere/model")).Message);

    [Fact]
    public void A_cut_off_model_is_refused()
    {
        var copy = ModelFolders.Copy("int4");
        using (var stream = File.OpenWrite(Path.Combine(copy, "model.onnx"))) stream.SetLength(stream.Length / 2);
        Assert.Contains("may be damaged or cut off", Refusal(copy));
    }

    [Fact]
    public void Listed_hashes_are_checked()
    {
        var copy = ModelFolders.Copy("int4");
        string Line(string name) => $"{Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(copy, name))))}  {name}\n";
        string[] names = ["genai_config.json", "model.onnx", "tokenizer.json", "tokenizer_config.json"];
        var sums = Path.Combine(copy, "SHA256SUMS");
        File.WriteAllText(sums, string.Concat(names.Select(Line)));
        ModelFolder.Open(copy);
        File.WriteAllText(sums, string.Concat(names.Skip(1).Select(Line)));
        Assert.Contains("does not list genai_config.json", Refusal(copy));
        File.WriteAllText(sums, string.Concat(names.Select(Line)));
        File.AppendAllText(sums, Line(names[0]));
        Assert.Contains("lists genai_config.json twice", Refusal(copy));
        File.WriteAllText(sums, string.Concat(names.Select(Line)));
        File.AppendAllText(Path.Combine(copy, "tokenizer_config.json"), " ");
        Assert.Contains("tokenizer_config.json has SHA-256", Refusal(copy));
    }

    [Theory]
    [InlineData("weights.bin", null)]
    [InlineData("../outside.bin", "'../outside.bin', which lies outside")]
    [InlineData("/etc/hostname", "'/etc/hostname', which lies outside")]
    [InlineData("link.bin", "'link.bin', which leads by a link to")]
    [InlineData("sub/outside.bin", "'sub/outside.bin', which leads by a link to")]
    [InlineData("sub/../outside.bin", "'sub/../outside.bin', which leads by a link to")]
    [InlineData("way/outside.bin", "'way/outside.bin', which leads by a link to")]
    [InlineData("other.bin", null)]
    [InlineData("own/weights.bin", null)]
    public void External_data_must_lie_inside_the_folder(string location, string? refusal)
    {
        var copy = ModelFolders.Copy("int4");
        File.WriteAllText(Path.Combine(copy, "weights.bin"), "w");
        var outside = Path.Combine(Path.GetDirectoryName(copy)!, "outside.bin");
        File.WriteAllText(outside, "w");
        File.CreateSymbolicLink(Path.Combine(copy, "link.bin"), outside);
        // Two directories away, so that '..' behind the link leads elsewhere than '..' before it.
        var away = Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(copy)!, "away")).FullName;
        File.WriteAllText(Path.Combine(away, "outside.bin"), "w");
        File.CreateSymbolicLink(Path.Combine(copy, "sub"), away);
        File.CreateSymbolicLink(Path.Combine(copy, "way"), "sub");
        File.CreateSymbolicLink(Path.Combine(copy, "other.bin"), "weights.bin");
        File.CreateSymbolicLink(Path.Combine(copy, "own"), copy);
        File.WriteAllText(Path.Combine(copy, "outside.bin"), "w");

        // A tensor with external data, appended to the file as a second graph message: protobuf merges the two.
        var tensor = Field(13, [.. Field(1, "location"u8), .. Field(2, System.Text.Encoding.UTF8.GetBytes(location))]);
        using (var stream = File.Open(Path.Combine(copy, "model.onnx"), FileMode.Append)) stream.Write(Field(7, Field(5, tensor)));
        if (refusal is null) ModelFolder.Open(copy);
        else Assert.Contains(refusal, Refusal(copy));

        static byte[] Field(int number, ReadOnlySpan<byte> content) => [(byte)(number << 3 | 2), (byte)content.Length, .. content];
    }

    private static string Refusal(string folder) => Assert.Throws<ModelFolderException>(() =>
    {
        using var runner = new OnnxModelRunner(ModelFolder.Open(folder), 1, 1);
    }).Message is var message && !message.Contains('\n', StringComparison.Ordinal) ? message : throw new InvalidOperationException($"More than one line:\n{message}");
}
