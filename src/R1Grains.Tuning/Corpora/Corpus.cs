using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace R1Grains.Tuning.Corpora;

/// <summary>A corpus file: JSON lines in UTF-8, one <see cref="Dialogue"/> each.</summary>
public static class Corpus
{
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.Create(UnicodeRanges.All) };

    /// <param name="progress">Gets the number of dialogues written so far, every thousand.</param>
    public static void Write(string path, long count, ulong seed, IProgress<long>? progress = null)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
        // A reader must never take half a corpus for a whole one.
        var unfinished = path + ".part";
        using (var file = new FileStream(unfinished, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20))
        {
            var written = 0L;
            foreach (var dialogue in new DialogueGenerator(seed).Take(count))
            {
                JsonSerializer.Serialize(file, dialogue, Json);
                file.WriteByte((byte)'\n');
                if (++written % 1000 == 0) progress?.Report(written);
            }

            progress?.Report(written);
        }

        File.Move(unfinished, path, overwrite: true);
    }

    /// <summary>Reads lazily, one dialogue at a time.</summary>
    /// <exception cref="InvalidDataException">A line is no dialogue; names file and line.</exception>
    public static IEnumerable<Dialogue> Read(string path)
    {
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (line.Length > 0) yield return Parse(path, number, line);
        }
    }

    private static Dialogue Parse(string path, int number, string line)
    {
        try
        {
            return JsonSerializer.Deserialize<Dialogue>(line, Json) ?? throw new JsonException("The line is null.");
        }
        catch (JsonException fault)
        {
            throw new InvalidDataException($"{path}, line {number} is no dialogue: {fault.Message} Write the file again with 'r1-tune corpus'.", fault);
        }
    }
}
