using System.Security.Cryptography;
using System.Text;

namespace R1Grains.Engine.Models;

/// <summary>
/// A model folder as onnxruntime-genai's builder writes it: genai_config.json, model.onnx with its external data,
/// tokenizer.json, tokenizer_config.json and the chat template. Opening it reads and checks everything but the weights.
/// </summary>
public sealed class ModelFolder
{
    private const string SumsFile = "SHA256SUMS";

    // One after the other, as Linux allows.
    private const int LinksMax = 40;

    private static readonly string[] Described = ["genai_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];

    private ModelFolder(string path, GenAiConfig config, string onnxPath, Model model) =>
        (Path, Config, OnnxPath, Model) = (path, config, onnxPath, model);

    public string Path { get; }

    public Model Model { get; }

    internal GenAiConfig Config { get; }

    internal string OnnxPath { get; }

    /// <exception cref="ModelFolderException">Something is missing, damaged, outside the folder or cannot be run.</exception>
    public static ModelFolder Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        if (!Directory.Exists(path))
            throw new ModelFolderException($"The model folder {path} does not exist; point the engine at a folder that holds genai_config.json.");
        try
        {
            return Read(path);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new ModelFolderException($"The model folder {path} cannot be read: {unreadable.Message} Each of its files must be a file that the user of this process may read.", unreadable);
        }
    }

    private static ModelFolder Read(string path)
    {
        var config = GenAiConfig.Read(path);
        var onnx = Inside(path, config.FileName, "model.decoder.filename");
        string[] weights = [config.FileName, .. OnnxFile.ExternalLocations(onnx)];
        foreach (var weight in weights) Inside(path, weight, $"external data of {config.FileName}");

        var hash = Verify(path, weights.Concat(Described.Where(name => File.Exists(System.IO.Path.Combine(path, name)))));
        var tokenizer = Tokenizer.Load(path);
        if (tokenizer.VocabularySize > config.VocabularySize)
            throw new ModelFolderException($"{path}: tokenizer.json has ids up to {tokenizer.VocabularySize - 1}, model.vocab_size in genai_config.json is {config.VocabularySize}.");
        var template = ChatTemplate.Load(path, tokenizer);
        var model = new Model(new DirectoryInfo(path).Name, hash, config.ContextLength, tokenizer, template,
            [.. config.EndIds.Union(template.StopIds)], config.Defaults);
        return new ModelFolder(path, config, onnx, model);
    }

    /// <summary>Resolves a file that the folder names; following links it must still lie in the folder.</summary>
    private static string Inside(string folder, string name, string field)
    {
        if (name.Contains('\0', StringComparison.Ordinal)) throw new ModelFolderException($"{field} is '{name.Replace("\0", "\\0", StringComparison.Ordinal)}', which is no name of a file.");
        var full = System.IO.Path.GetFullPath(System.IO.Path.Combine(folder, name));
        if (!full.StartsWith(folder + System.IO.Path.DirectorySeparatorChar, StringComparison.Ordinal))
            throw new ModelFolderException($"{field} is '{name}', which lies outside {folder}; a model's files must stay inside its folder.");
        if (!File.Exists(full)) throw new ModelFolderException($"{field} is '{name}', but {full} does not exist.");
        var target = Follow(folder, name);
        if (!target.StartsWith(Follow(folder, folder) + System.IO.Path.DirectorySeparatorChar, StringComparison.Ordinal))
            throw new ModelFolderException($"{field} is '{name}', which leads by a link to {target}; copy the file into {folder} instead.");
        return full;
    }

    /// <summary>Where a path leads: each name on its way may be a link, as the system that opens the file sees it.</summary>
    private static string Follow(string from, string path, int links = 0)
    {
        if (links > LinksMax) throw new ModelFolderException($"{path} is a link that leads back to itself; copy the file to its place instead.");
        var root = System.IO.Path.GetPathRoot(path)!;
        if (root.Length > 0) from = root;
        foreach (var name in path[root.Length..].Split([System.IO.Path.DirectorySeparatorChar, System.IO.Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries))
            from = name switch
            {
                "." => from,
                ".." => System.IO.Path.GetDirectoryName(from) ?? from,
                _ when new FileInfo(System.IO.Path.Combine(from, name)).LinkTarget is { } target => Follow(from, target, links + 1),
                _ => System.IO.Path.Combine(from, name),
            };
        return from;
    }

    /// <summary>
    /// Checks every file that <c>SHA256SUMS</c> lists, if there is one; returns the hash of the names and hashes of
    /// <paramref name="names"/>.
    /// </summary>
    private static string Verify(string folder, IEnumerable<string> names)
    {
        var used = names.Order(StringComparer.Ordinal).ToDictionary(name => name, name => Hash(System.IO.Path.Combine(folder, name)));
        var sums = System.IO.Path.Combine(folder, SumsFile);
        if (File.Exists(sums))
        {
            var listed = new Dictionary<string, string>();
            foreach (var line in File.ReadLines(sums).Where(line => line.Length > 66))
                if (!listed.TryAdd(line[66..], line[..64].ToLowerInvariant()))
                    throw new ModelFolderException($"{sums} lists {line[66..]} twice.");
            foreach (var name in used.Keys.Where(name => !listed.ContainsKey(name)))
                throw new ModelFolderException($"{sums} does not list {name}, which the model uses.");
            foreach (var (name, expected) in listed)
            {
                var actual = used.GetValueOrDefault(name) ?? Hash(Inside(folder, name, SumsFile));
                if (actual != expected)
                    throw new ModelFolderException($"{System.IO.Path.Combine(folder, name)} has SHA-256 {actual}, {SumsFile} says {expected}; the file was changed or damaged.");
            }
        }
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(used.Select(file => $"{file.Value}  {file.Key}\n")))));
    }

    private static string Hash(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
