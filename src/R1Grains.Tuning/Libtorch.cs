using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace R1Grains.Tuning;

/// <summary>
/// Loads libtorch before any <c>torch</c> type is touched. The published libLibTorchSharp.so asks for symbol version
/// GLIBCXX_3.4.32 on behalf of one marker symbol that nothing relocates against, so distributions with GCC 12 refuse
/// it. There, a copy that marks this one requirement as weak is loaded instead; newer distributions use the stock file.
/// </summary>
internal static class Libtorch
{
    internal const string Shim = "libLibTorchSharp.so";
    internal const string RequiredVersion = "GLIBCXX_3.4.32";
    private const uint VerneedSection = 0x6ffffffe;
    private const ushort WeakFlag = 2;

    [ModuleInitializer]
    internal static void Load()
    {
        if (!OperatingSystem.IsLinux())
            return;
        // OpenMP threads that spin while they wait starve each other on a shared machine.
        if (Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null)
            SetEnvironment("OMP_WAIT_POLICY", "passive", 0);
        var shim = Find(Shim);
        NativeLibrary.Load(Find("libtorch.so"));
        if (NativeLibrary.TryLoad(shim, out _))
            return;

        // A fresh folder that only this user can enter: code is never loaded from a name that others could guess.
        var folder = Directory.CreateTempSubdirectory("r1-tune-");
        try
        {
            var copy = Path.Combine(folder.FullName, Shim);
            File.WriteAllBytes(copy, WithWeakRequirement(File.ReadAllBytes(shim), RequiredVersion));
            NativeLibrary.Load(copy);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Sets VER_FLG_WEAK on the <paramref name="version"/> requirement of a 64-bit little-endian ELF image, in place.</summary>
    internal static byte[] WithWeakRequirement(byte[] elf, string version)
    {
        var sections = (int)Read64(elf, 0x28);
        int size = Read16(elf, 0x3a), count = Read16(elf, 0x3c);
        for (var i = 0; i < count; i++)
        {
            var header = sections + i * size;
            if (Read32(elf, header + 4) != VerneedSection)
                continue;
            var names = (int)Read64(elf, sections + (int)Read32(elf, header + 0x28) * size + 0x18);
            for (var need = (int)Read64(elf, header + 0x18); ; need += (int)Read32(elf, need + 12))
            {
                var aux = need + (int)Read32(elf, need + 8);
                for (var n = Read16(elf, need + 2); n > 0; n--, aux += (int)Read32(elf, aux + 12))
                {
                    if (NameAt(elf, names + (int)Read32(elf, aux + 8)) != version)
                        continue;
                    BinaryPrimitives.WriteUInt16LittleEndian(elf.AsSpan(aux + 4), (ushort)(Read16(elf, aux + 4) | WeakFlag));
                    return elf;
                }
                if (Read32(elf, need + 12) == 0)
                    break;
            }
        }
        throw new BadImageFormatException($"{Shim} could not be loaded, and it has no requirement of {version} to relax; run `ldd` on it to see what is missing.");
    }

    internal static string Find(string file)
    {
        var folders = (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return folders.Append(AppContext.BaseDirectory).Select(folder => Path.Combine(folder, file)).FirstOrDefault(File.Exists)
            ?? throw new DllNotFoundException($"{file} is in none of the native folders of this program; restore and build it again for linux-x64.");
    }

    // .NET keeps its own copy of the environment; libgomp reads the process's.
    [DllImport("libc", EntryPoint = "setenv", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int SetEnvironment(string name, string value, int overwrite);

    private static string NameAt(byte[] elf, int at) => Encoding.ASCII.GetString(elf, at, Array.IndexOf(elf, (byte)0, at) - at);

    private static ushort Read16(byte[] elf, int at) => BinaryPrimitives.ReadUInt16LittleEndian(elf.AsSpan(at));

    private static uint Read32(byte[] elf, int at) => BinaryPrimitives.ReadUInt32LittleEndian(elf.AsSpan(at));

    private static ulong Read64(byte[] elf, int at) => BinaryPrimitives.ReadUInt64LittleEndian(elf.AsSpan(at));
}
