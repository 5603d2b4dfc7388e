namespace R1Grains.Ledger.Exports;

/// <summary>
/// The fields of a skeleton in their order, as the members of a line: <see cref="LineWriter"/> reads bytes and writes JSON,
/// <see cref="LineReader"/> reads that JSON and makes the same bytes of it. So nothing stands in a line that is not proved.
/// </summary>
internal interface IMembers
{
    void Text(ReadOnlySpan<byte> name);

    void Hash(ReadOnlySpan<byte> name);

    void Int32(ReadOnlySpan<byte> name);

    void Int64(ReadOnlySpan<byte> name);

    /// <summary>An i64 whose bits are an unsigned number: as a text, because JSON's numbers are not everywhere that wide.</summary>
    void Unsigned(ReadOnlySpan<byte> name);

    void Time(ReadOnlySpan<byte> name);

    void Byte(ReadOnlySpan<byte> name);

    /// <summary>A byte that is 0 or 1.</summary>
    void Flag(ReadOnlySpan<byte> name);

    /// <summary>A byte that stands for one of these, from 1.</summary>
    void Word(ReadOnlySpan<byte> name, Words words);

    /// <summary>The name of a data key.</summary>
    void Key(ReadOnlySpan<byte> name);

    /// <summary>What is in the clear only as a commitment, and opened where a reader may see it.</summary>
    void Confidential(ReadOnlySpan<byte> name, FieldForm form);

    /// <summary>Whether what comes next is there: if not, it is <c>null</c>, and passed over.</summary>
    bool Present(ReadOnlySpan<byte> name);

    void List(ReadOnlySpan<byte> name, Action<IMembers> item);

    void Texts(ReadOnlySpan<byte> name);

    /// <summary>The members up to <see cref="End"/> stand in an object of their own.</summary>
    void Begin(ReadOnlySpan<byte> name);

    void End();
}

/// <summary>How a confidential field reads where it is opened.</summary>
internal enum FieldForm
{
    /// <summary>No export opens it.</summary>
    Closed,
    Text,

    /// <summary>A list of pairs of texts.</summary>
    Labels,

    /// <summary>A list of unsigned numbers of 64 bits, each as 16 hex digits.</summary>
    Entries,
}

/// <summary>What the record writes as a number from 1, in words.</summary>
internal sealed class Words(params string[] words)
{
    public static readonly Words Owners = new("customer", "conversation");
    public static readonly Words Places = new("input", "answer", "reasoning");
    public static readonly Words Actions = new("mask", "review", "replace", "block");
    public static readonly Words Outcomes = new("completed", "blocked", "cancelled", "interrupted", "failed");

    private readonly byte[][] _words = Array.ConvertAll(words, System.Text.Encoding.ASCII.GetBytes);

    /// <exception cref="InvalidDataException"/>
    public ReadOnlySpan<byte> this[byte number] => number >= 1 && number <= _words.Length ? _words[number - 1] : throw new InvalidDataException($"{number} stands for none of {string.Join(", ", words)}");

    /// <exception cref="InvalidDataException"/>
    public byte Find(ReadOnlySpan<byte> word)
    {
        for (var i = 0; i < _words.Length; i++)
        {
            if (word.SequenceEqual(_words[i]))
                return (byte)(i + 1);
        }
        throw new InvalidDataException($"a word is none of {string.Join(", ", words)}");
    }
}
