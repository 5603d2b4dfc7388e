using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace R1Grains.Engine.Models;

/// <summary>
/// Byte-level BPE as a model folder's <c>tokenizer.json</c> defines it. Safe for use from several threads.
/// "Special" here means every added token: no text that anybody types ever becomes one.
/// </summary>
public sealed class Tokenizer
{
    private readonly BpeTokenizer _bpe;
    private readonly bool _composeCharacters;
    private readonly FrozenDictionary<string, int> _specialIds;
    private readonly string?[] _specials;
    private readonly byte[]?[] _bytes;

    private Tokenizer(TokenizerFile file)
    {
        _bpe = BpeTokenizer.Create(new BpeOptions(file.Vocabulary)
        {
            Merges = file.Merges,
            ByteLevel = true,
            PreTokenizer = new SplitPreTokenizer(file.Splits),
        });
        _composeCharacters = file.ComposeCharacters;
        _specialIds = file.AddedTokens.ToFrozenDictionary();
        VocabularySize = file.Vocabulary.Values.Concat(file.AddedTokens.Values).Max() + 1;
        _specials = new string?[VocabularySize];
        foreach (var (text, id) in file.AddedTokens) _specials[id] = text;
        _bytes = new byte[]?[VocabularySize];
        foreach (var (text, id) in file.Vocabulary)
            if (ByteAlphabet.TryToBytes(text, out var bytes))
                _bytes[id] = bytes;
    }

    /// <summary>One more than the largest id; a model's logits may be wider (padding), never narrower.</summary>
    public int VocabularySize { get; }

    /// <summary>Reads <c>tokenizer.json</c> in <paramref name="folder"/>.</summary>
    /// <exception cref="ModelFolderException">The file is missing, broken, or needs something this class cannot run.</exception>
    public static Tokenizer Load(string folder)
    {
        var path = Path.Combine(folder, "tokenizer.json");
        var file = TokenizerFile.Read(path);
        try
        {
            return new Tokenizer(file);
        }
        catch (Exception inconsistent) when (inconsistent is InvalidOperationException or ArgumentException or IndexOutOfRangeException)
        {
            throw new ModelFolderException($"{path}: model.vocab and model.merges do not fit together: {inconsistent.Message}", inconsistent);
        }
    }

    /// <summary>Text to ids; never yields a special id, whatever the text spells. Lone surrogates become U+FFFD.</summary>
    public int[] Encode(string text)
    {
        if (text.AsSpan().ContainsAnyInRange('\ud800', '\udfff')) text = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
        if (_composeCharacters) text = CanonicalForm.Compose(text);
        return [.. _bpe.EncodeToIds(text, considerPreTokenization: true, considerNormalization: false)];
    }

    /// <summary>The texts of all special ids.</summary>
    public IEnumerable<string> Specials => _specialIds.Keys;

    /// <summary>The id of an added token such as <c>&lt;think&gt;</c>.</summary>
    /// <exception cref="ModelFolderException">The tokenizer has no such token.</exception>
    public int SpecialId(string token) => TryGetSpecialId(token, out var id)
        ? id
        : throw new ModelFolderException($"tokenizer.json has no added token '{token}', which the chat template needs.");

    public bool TryGetSpecialId(string token, out int id) => _specialIds.TryGetValue(token, out id);

    /// <summary>The text of a special id.</summary>
    public bool TryGetSpecial(int id, [NotNullWhen(true)] out string? token) =>
        (token = (uint)id < (uint)VocabularySize ? _specials[id] : null) is not null;

    /// <summary>The bytes of an ordinary id; empty for special ids and for ids without text (padding of the logits).</summary>
    public ReadOnlySpan<byte> Bytes(int id) => (uint)id < (uint)VocabularySize ? _bytes[id] : default;

    /// <summary>Ids to text; bytes that form no character become U+FFFD. Special ids are left out unless asked for.</summary>
    public string Decode(ReadOnlySpan<int> ids, bool showSpecials = false)
    {
        var decoder = new StreamingDecoder(this, showSpecials);
        var text = new StringBuilder();
        foreach (var id in ids) text.Append(decoder.Append(id));
        return text.Append(decoder.Flush()).ToString();
    }
}
