using System.Text;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Tests.Tree;

public sealed class NoteTests : IDisposable
{
    private const string Origin = "r1grains/demo";

    private readonly NoteSigner _signer = NoteSigner.Generate();
    private readonly NoteKey _key;

    public NoteTests() => _key = NoteKey.FromPem(_signer.PublicPem);

    public void Dispose()
    {
        _signer.Dispose();
        _key.Dispose();
    }

    [Fact]
    public void The_example_of_the_specification_is_read_and_written_as_it_is()
    {
        const string example = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
        var note = SignedNote.Parse(Encoding.UTF8.GetBytes(example));
        var checkpoint = Checkpoint.Parse(note.Text);
        Assert.Equal(("example.com/behind-the-sofa", 20852163L, "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"), (checkpoint.Origin, checkpoint.Size, checkpoint.Root.ToString()));
        Assert.Equal(0x033de0aeu, Assert.Single(note.Signatures).KeyId);
        Assert.Equal(example, note.ToString());
        Assert.Equal(note.Text, checkpoint.Text);
    }

    [Fact]
    public void A_text_may_have_empty_lines()
    {
        var note = SignedNote.Parse(_signer.Note("one\n\nthree\n", "name").ToString());
        Assert.Equal("one\n\nthree\n", note.Text);
        Assert.True(_key.Signed(note, "name"));
    }

    [Fact]
    public void A_signature_holds_for_its_text_its_name_and_its_key_alone()
    {
        var note = _signer.Note(new Checkpoint(Origin, 5, TreeHash.Empty).Text, Origin);
        Assert.True(_key.Signed(SignedNote.Parse(note.ToString()), Origin));
        Assert.False(_key.Signed(note with { Text = new Checkpoint(Origin, 6, TreeHash.Empty).Text }, Origin));
        Assert.False(_key.Signed(note, "r1grains/other"));
        using var other = NoteSigner.Generate();
        using var otherKey = NoteKey.FromPem(other.PublicPem);
        Assert.False(otherKey.Signed(note, Origin));
        // Another key that says it is this one.
        Assert.False(_key.Signed(note with { Signatures = [other.Sign(note.Text, Origin) with { KeyId = _signer.Id }] }, Origin));
        // Signatures of unknown keys say nothing, a false one of a known key spoils the note.
        Assert.True(_key.Signed(note with { Signatures = [other.Sign(note.Text, "witness"), .. note.Signatures] }, Origin));
        Assert.False(_key.Signed(note with { Signatures = [.. note.Signatures, new(Origin, _signer.Id, [1, 2, 3])] }, Origin));
    }

    [Theory]
    [InlineData("")]
    [InlineData("text\n")]
    [InlineData("text\n\n")]
    [InlineData("text\n\n\u2014 name AAAAAAA=")]
    [InlineData("text\n\n\u2014 name AAAAAA==\n")]
    [InlineData("text\n\n\u2014 name AAAAAAA\n")]
    [InlineData("text\n\n\u2014 name AAAAAAB=\n")]
    [InlineData("text\n\n\u2014 na+me AAAAAAA=\n")]
    [InlineData("text\n\n\u2014 na\u00a0me AAAAAAA=\n")]
    [InlineData("text\n\n\u2014  AAAAAAA=\n")]
    [InlineData("text\n\n- name AAAAAAA=\n")]
    [InlineData("text\n\n\u2014 name AAAAAAA= x\n")]
    [InlineData("te\txt\n\n\u2014 name AAAAAAA=\n")]
    [InlineData("text\r\n\r\n\u2014 name AAAAAAA=\r\n")]
    public void What_is_no_note_is_refused(string note) => Assert.Throws<FormatException>(() => SignedNote.Parse(note));

    [Fact]
    public void Bytes_that_are_not_UTF8_and_notes_without_end_are_refused()
    {
        Assert.Throws<FormatException>(() => SignedNote.Parse([0xff, .. "\n\n\u2014 name AAAAAAA=\n"u8]));
        Assert.Throws<FormatException>(() => SignedNote.Parse(new byte[SignedNote.LengthMax + 1]));
    }

    [Theory]
    [InlineData("origin\n1\n")]
    [InlineData("\n1\nR1rZ0OpQM3kzNAFPUxDU3kFVxeDGzJFJJNjuTUwzQ1c=\n")]
    [InlineData("origin\n01\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")]
    [InlineData("origin\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")]
    [InlineData("origin\n1 \n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")]
    [InlineData("origin\n9223372036854775808\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")]
    [InlineData("origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==\n")]
    [InlineData("origin\n1\nx\n")]
    [InlineData("origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nextension\n")]
    public void What_is_no_checkpoint_is_refused(string text) => Assert.Throws<FormatException>(() => Checkpoint.Parse(text));

    [Fact]
    public void A_key_is_made_once_for_its_owner_alone_and_read_again()
    {
        var folder = Directory.CreateTempSubdirectory("keys-").FullName;
        try
        {
            var file = Path.Combine(folder, "record.key");
            using var made = NoteSigner.ReadOrMake(file);
            using var read = NoteSigner.ReadOrMake(file);
            Assert.Equal(made.PublicPem, read.PublicPem);
            if (!OperatingSystem.IsWindows())
                Assert.Equal(UnixFileMode.UserRead, File.GetUnixFileMode(file));
            using var known = NoteKey.FromPem(File.ReadAllText(file + ".pub"));
            Assert.True(known.Signed(read.Note("text\n", Origin), Origin));
            Assert.Throws<FormatException>(() => NoteKey.FromPem(File.ReadAllText(file)));
            File.Delete(file);
            File.WriteAllText(file, made.PublicPem);
            Assert.Contains(file, Assert.Throws<RecordKeyException>(() => NoteSigner.Read(file)).Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
