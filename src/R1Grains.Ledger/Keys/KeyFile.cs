using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace R1Grains.Ledger.Keys;

/// <summary>Small files that are there whole or not at all, and stay.</summary>
internal static partial class KeyFile
{
    /// <summary>Of a file that is not finished; its name has a dot, which no key's has.</summary>
    private const char Unfinished = '.';

    public static bool IsUnfinished(string path) => Path.GetFileName(path).Contains(Unfinished, StringComparison.Ordinal);

    /// <summary>Where another process was faster, its file stays.</summary>
    /// <returns>Whether it is this one that is there.</returns>
    public static bool Write(string file, ReadOnlySpan<byte> content, UnixFileMode mode) => Write(file, content, mode, overwrite: false);

    /// <summary>In the place of whatever is there.</summary>
    public static void Replace(string file, ReadOnlySpan<byte> content, UnixFileMode mode) => Write(file, content, mode, overwrite: true);

    /// <summary>What a folder lists is durable from then on.</summary>
    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows())
            return;
        const int readOnly = 0;
        using var handle = new SafeFileHandle(Open(folder, readOnly), ownsHandle: true);
        if (handle.IsInvalid)
            throw new IOException($"'{folder}' cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}");
        RandomAccess.FlushToDisk(handle);
    }

    private static bool Write(string file, ReadOnlySpan<byte> content, UnixFileMode mode, bool overwrite)
    {
        var unfinished = $"{file}{Unfinished}{Guid.NewGuid():n}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = mode;
        try
        {
            using (var stream = new FileStream(unfinished, options))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }
            if (overwrite)
                File.Move(unfinished, file, overwrite);
            else if (!Link(unfinished, file))
                return false;
        }
        finally
        {
            File.Delete(unfinished);
        }
        Flush(Path.GetDirectoryName(Path.GetFullPath(file))!);
        return true;
    }

    /// <summary>A second name, which the system gives one process alone. <see cref="File.Move(string, string)"/> looks first and renames then.</summary>
    /// <returns>False where there is such a file.</returns>
    private static bool Link(string from, string to)
    {
        const int exists = 17;
        try
        {
            if (OperatingSystem.IsWindows())
                File.Move(from, to);
            else if (MakeLink(from, to) != 0)
                return Marshal.GetLastPInvokeError() is exists ? false : throw new IOException($"'{to}' cannot be made: {Marshal.GetLastPInvokeErrorMessage()}");
            return true;
        }
        catch (IOException) when (OperatingSystem.IsWindows() && File.Exists(to))
        {
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeLink(string from, string to);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}
