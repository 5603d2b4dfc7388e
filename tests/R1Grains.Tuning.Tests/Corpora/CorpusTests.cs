using System.Text.Json;
using R1Grains.Tuning.Corpora;

namespace R1Grains.Tuning.Tests.Corpora;

public sealed class CorpusTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("r1-corpus-").FullName;

    [Fact]
    public void A_corpus_reads_back_as_it_was_generated()
    {
        var path = Path.Combine(_folder, "new", "corpus.jsonl");
        Corpus.Write(path, 500, 9);
        Assert.Equal(JsonSerializer.Serialize(new DialogueGenerator(9).Take(500)), JsonSerializer.Serialize(Corpus.Read(path)));
        Assert.Contains("\"conversation_id\"", File.ReadLines(path).First());
        Assert.Equal([path], Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public void A_broken_line_is_named()
    {
        var path = Path.Combine(_folder, "corpus.jsonl");
        Corpus.Write(path, 2, 9);
        File.AppendAllText(path, "{ no\n");
        var fault = Assert.Throws<InvalidDataException>(() => Corpus.Read(path).Count());
        Assert.Contains($"{path}, line 3", fault.Message);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
