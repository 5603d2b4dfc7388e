namespace R1Grains.Ledger.Exports;

/// <summary>A file read line by line through one buffer, which grows up to the longest line there may be.</summary>
internal sealed class LineFile(string path) : IDisposable
{
    /// <summary>In bytes, its end included. Longer ones are refused unread.</summary>
    public const int LengthMax = 16 << 20;

    private readonly FileStream _file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
    private byte[] _buffer = new byte[256 << 10];
    private int _next;
    private int _filled;

    /// <summary>Bytes that have been returned.</summary>
    public long Position { get; private set; }

    public long Length => _file.Length;

    /// <summary>Of the line that was returned last, from 1.</summary>
    public long Number { get; private set; }

    public byte[] Buffer => _buffer;

    /// <summary>The next line's bytes in <see cref="Buffer"/>, its end (0x0A) included. False at the end of the file.</summary>
    /// <exception cref="InvalidDataException">The line is too long, or has no end.</exception>
    public bool Next(out int start, out int end)
    {
        var looked = _next;
        while (true)
        {
            var at = _buffer.AsSpan(looked, _filled - looked).IndexOf((byte)'\n');
            if (at >= 0)
            {
                (start, end) = (_next, looked + at + 1);
                (_next, Position, Number) = (end, Position + end - _next, Number + 1);
                return true;
            }
            looked = _filled;
            if (Fill(ref looked))
                continue;
            (start, end) = (_next, _filled);
            if (_filled == _next)
                return false;
            Number++;
            throw new InvalidDataException("the file ends within the line");
        }
    }

    public void Dispose() => _file.Dispose();

    /// <param name="looked">Moves with what is moved.</param>
    private bool Fill(ref int looked)
    {
        if (_next > 0)
        {
            _buffer.AsSpan(_next, _filled - _next).CopyTo(_buffer);
            (looked, _filled, _next) = (looked - _next, _filled - _next, 0);
        }
        if (_filled == _buffer.Length)
        {
            if (_buffer.Length == LengthMax)
            {
                Number++;
                throw new InvalidDataException($"the line is longer than {LengthMax >> 20} MiB, and no line is");
            }
            Array.Resize(ref _buffer, Math.Min(LengthMax, 2 * _buffer.Length));
        }
        var read = _file.Read(_buffer, _filled, _buffer.Length - _filled);
        _filled += read;
        return read > 0;
    }
}
