using System.Globalization;

namespace R1Grains.Ledger.Sqlite;

/// <summary>Lets one process write a folder. The operating system holds the lock, so that it ends with the process, however that ends.</summary>
internal sealed class FolderLock : IDisposable
{
    private const string LockName = "record.lock";

    /// <summary>Who holds the lock, for people: a locked file itself cannot be read.</summary>
    private const string OwnerName = "record.owner";

    private readonly FileStream _file;

    private FolderLock(FileStream file) => _file = file;

    /// <exception cref="RecordFolderException">Not writable, or another process has it.</exception>
    public static FolderLock Take(string folder)
    {
        var lockPath = Path.Combine(folder, LockName);
        var ownerPath = Path.Combine(folder, OwnerName);
        FileStream? file = null;
        try
        {
            if (OperatingSystem.IsWindows())
                Directory.CreateDirectory(folder);
            else
                Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            file = new FileStream(lockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            File.WriteAllText(ownerPath, string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId} on {Environment.MachineName}"));
            return new FolderLock(file);
        }
        catch (IOException cause) when (file is null && IsHeldElsewhere(cause))
        {
            var owner = File.Exists(ownerPath) ? File.ReadAllText(ownerPath) : "another process";
            throw new RecordFolderException(folder, $"{owner} is writing it (it holds '{lockPath}'). Stop that process, or choose another folder.", cause);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            throw new RecordFolderException(folder, $"it cannot be written ({cause.Message}). Give the server write access and free space there, or choose another folder.", cause);
        }
    }

    public void Dispose() => _file.Dispose();

    /// <summary>EWOULDBLOCK of Linux and of macOS, and Windows' sharing violation.</summary>
    private static bool IsHeldElsewhere(IOException failure) => failure.HResult is 11 or 35 or unchecked((int)0x80070020);
}
