using System.Text;
using System.Threading.Channels;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace R1Grains.Cli;

/// <summary>
/// Lines from a terminal, edited with all widths of characters. It listens all the time, so that something can be typed
/// while an answer streams; what is typed then is shown at the next prompt.
/// </summary>
internal sealed class Keyboard
{
    private const int WaitingLinesLimit = 64;

    private readonly Lock _gate = new();
    private readonly Channel<string?> _lines = Channel.CreateBounded<string?>(WaitingLinesLimit);
    private readonly List<string> _history = [];
    private readonly IAnsiConsole _console;

    /// <summary>Null while nothing is asked for: then nothing that is typed is shown.</summary>
    private string? _prompt;
    private string _line = "";

    /// <summary>Where the next character goes, in characters of the line.</summary>
    private int _caret;

    /// <summary>Rows between the prompt's and the caret's, as last painted.</summary>
    private int _caretRow;
    private int _recalled;
    private char? _highSurrogate;

    public Keyboard(IAnsiConsole console)
    {
        _console = console;
        new Thread(Listen) { IsBackground = true, Name = "keyboard" }.Start();
    }

    /// <summary>Sees each line first and answers whether it was for it.</summary>
    public Func<string, bool>? Taking { get; set; }

    /// <returns>Null at the end of input (Ctrl-D).</returns>
    public async Task<string?> ReadLine(string prompt, CancellationToken cancellation)
    {
        lock (_gate)
        {
            (_prompt, _caretRow) = (prompt, 0);
            if (_lines.Reader.TryRead(out var typed))
            {
                var unfinished = (_line, _caret);
                (_line, _caret) = (typed ?? "", 0);
                Paint();
                (_line, _caret) = unfinished;
                Console.WriteLine();
                _prompt = null;
                return typed;
            }
            Paint();
        }
        return await _lines.Reader.ReadAsync(cancellation);
    }

    private void Listen()
    {
        while (true)
        {
            var key = Console.ReadKey(intercept: true);
            lock (_gate)
            {
                if (key.Key is ConsoleKey.Enter)
                    Enter();
                else if (key is { Key: ConsoleKey.D, Modifiers: ConsoleModifiers.Control } && _line is "")
                    Submit(null);
                else
                    Edit(key);
                // In a burst, as when text is pasted, the last key paints for all.
                if (_prompt is not null && !Console.KeyAvailable)
                    Paint();
            }
        }
    }

    private void Enter()
    {
        _caret = _line.Length;
        var line = _line;
        if (_prompt is not null)
        {
            Paint();
            Console.WriteLine();
        }
        (_line, _caret) = ("", 0);
        if (line is not "" && (_history.Count == 0 || _history[^1] != line))
            _history.Add(line);
        _recalled = _history.Count;
        if (Taking?.Invoke(line) is not true)
            Submit(line);
    }

    private void Submit(string? line)
    {
        _prompt = null;
        // Whoever typed that far ahead is heard by the bell.
        if (!_lines.Writer.TryWrite(line))
            Console.Write('\a');
    }

    private void Edit(ConsoleKeyInfo key)
    {
        var control = key.Modifiers.HasFlag(ConsoleModifiers.Control);
        switch (key.Key)
        {
            case ConsoleKey.Backspace when _caret > 0:
                var back = Before();
                (_line, _caret) = (_line.Remove(_caret - back, back), _caret - back);
                break;
            case ConsoleKey.Delete when _caret < _line.Length:
                _line = _line.Remove(_caret, After());
                break;
            case ConsoleKey.LeftArrow when _caret > 0:
                _caret -= Before();
                break;
            case ConsoleKey.RightArrow when _caret < _line.Length:
                _caret += After();
                break;
            case ConsoleKey.Home:
            case ConsoleKey.A when control:
                _caret = 0;
                break;
            case ConsoleKey.End:
            case ConsoleKey.E when control:
                _caret = _line.Length;
                break;
            case ConsoleKey.U when control:
                (_line, _caret) = (_line[_caret..], 0);
                break;
            case ConsoleKey.UpArrow when _recalled > 0:
                Recall(_recalled - 1);
                break;
            case ConsoleKey.DownArrow when _recalled < _history.Count:
                Recall(_recalled + 1);
                break;
            default:
                Insert(key.KeyChar);
                break;
        }
    }

    private void Insert(char character)
    {
        if (char.IsControl(character))
            return;
        if (char.IsHighSurrogate(character))
        {
            _highSurrogate = character;
            return;
        }
        var text = _highSurrogate is { } high && char.IsLowSurrogate(character) ? $"{high}{character}" : $"{character}";
        _highSurrogate = null;
        (_line, _caret) = (_line.Insert(_caret, text), _caret + text.Length);
    }

    private void Recall(int entry)
    {
        _recalled = entry;
        _line = entry < _history.Count ? _history[entry] : "";
        _caret = _line.Length;
    }

    private int Before() => _caret >= 2 && char.IsSurrogatePair(_line[_caret - 2], _line[_caret - 1]) ? 2 : 1;

    private int After() => _caret + 1 < _line.Length && char.IsSurrogatePair(_line[_caret], _line[_caret + 1]) ? 2 : 1;

    /// <summary>Writes prompt and line anew: the terminal then wraps and counts cells by its own rules, also after wide characters went.</summary>
    private void Paint()
    {
        if (_prompt is null)
            return;
        var width = Math.Max(1, Console.WindowWidth);
        var end = Cells(_prompt) + Cells(_line);
        var caret = Cells(_prompt) + Cells(_line[.._caret]);
        // A full row keeps the cursor on it until something more is written.
        var endRow = Math.Max(0, end - 1) / width;

        var paint = new StringBuilder(Up(_caretRow)).Append("\r\e[J");
        Console.Write(paint);
        _console.Markup($"[bold green]{_prompt.EscapeMarkup()}[/]");
        _caretRow = caret == end ? endRow : caret / width;
        Console.Write(caret == end ? _line : $"{_line}{Up(endRow - _caretRow)}\e[{caret % width + 1}G");

        static string Up(int rows) => rows > 0 ? $"\e[{rows}A" : "";
        static int Cells(string text) => new Segment(text).CellCount();
    }
}
