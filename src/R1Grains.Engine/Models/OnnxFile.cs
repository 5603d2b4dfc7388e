using System.IO.MemoryMappedFiles;
using System.Text;

namespace R1Grains.Engine.Models;

/// <summary>The little of the ONNX protobuf format that tells which other files a model reads.</summary>
internal static class OnnxFile
{
    // Of messages in messages, as protobuf's own readers have it.
    private const int DepthMax = 100;

    private enum Message
    {
        Other,
        Model,
        Graph,
        Function,
        Node,
        Attribute,
        SparseTensor,
        Tensor,
        Entry,
    }

    /// <summary>The locations of external data as the file spells them, each once.</summary>
    /// <exception cref="ModelFolderException">The file is not a readable protobuf.</exception>
    public static unsafe IReadOnlyCollection<string> ExternalLocations(string path)
    {
        var length = new FileInfo(path).Length;
        if (length is 0 or > int.MaxValue) throw new ModelFolderException($"{path} has {length} bytes; an ONNX file has between 1 byte and 2 GiB.");
        using var file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        using var view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            var locations = new SortedSet<string>(StringComparer.Ordinal);
            Visit(Message.Model, new ReadOnlySpan<byte>(start, (int)length), locations, DepthMax);
            return locations;
        }
        catch (Exception broken) when (broken is ArgumentException or IndexOutOfRangeException or InvalidDataException or OverflowException)
        {
            throw new ModelFolderException($"{path} is not a readable ONNX file; it may be damaged or cut off.", broken);
        }
        finally
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }

    private static void Visit(Message message, ReadOnlySpan<byte> bytes, SortedSet<string> locations, int depth)
    {
        if (depth == 0) throw new InvalidDataException();
        string? key = null;
        while (bytes.Length > 0)
        {
            var tag = Varint(ref bytes);
            var field = (int)(tag >> 3);
            switch (tag & 7)
            {
                case 0:
                    Varint(ref bytes);
                    break;
                case 1:
                    bytes = bytes[8..];
                    break;
                case 5:
                    bytes = bytes[4..];
                    break;
                case 2:
                    var length = checked((int)Varint(ref bytes));
                    var content = bytes[..length];
                    bytes = bytes[length..];
                    if (message == Message.Entry && field == 1) key = Encoding.UTF8.GetString(content);
                    else if (message == Message.Entry && field == 2 && key == "location") locations.Add(Encoding.UTF8.GetString(content));
                    else if (Child(message, field) is not Message.Other and var child) Visit(child, content, locations, depth - 1);
                    break;
                default:
                    throw new InvalidDataException();
            }
        }
    }

    // Field numbers of onnx.proto.
    private static Message Child(Message message, int field) => (message, field) switch
    {
        (Message.Model, 7) => Message.Graph,
        (Message.Model, 25) => Message.Function,
        (Message.Graph, 1) or (Message.Function, 7) => Message.Node,
        (Message.Graph, 5) => Message.Tensor,
        (Message.Graph, 15) => Message.SparseTensor,
        (Message.Node, 5) => Message.Attribute,
        (Message.Attribute, 5 or 10) => Message.Tensor,
        (Message.Attribute, 6 or 11) => Message.Graph,
        (Message.Attribute, 22 or 23) => Message.SparseTensor,
        (Message.SparseTensor, 1 or 2) => Message.Tensor,
        (Message.Tensor, 13) => Message.Entry,
        _ => Message.Other,
    };

    private static ulong Varint(ref ReadOnlySpan<byte> bytes)
    {
        var value = 0ul;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var part = bytes[0];
            bytes = bytes[1..];
            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80) return value;
        }
        throw new InvalidDataException();
    }
}
