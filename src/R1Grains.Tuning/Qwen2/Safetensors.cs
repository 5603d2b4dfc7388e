using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace R1Grains.Tuning.Qwen2;

/// <summary>
/// Reading and writing of safetensors files: an 8-byte little-endian header length, a JSON header with dtype, shape
/// and offsets, then the raw little-endian tensors. Tensors are streamed, so one file may exceed 2 GiB.
/// </summary>
public static class Safetensors
{
    private const int HeaderBytesMax = 100_000_000;

    private static readonly (string Name, ScalarType Type)[] Types =
    [
        ("F32", ScalarType.Float32), ("F16", ScalarType.Float16), ("BF16", ScalarType.BFloat16), ("I64", ScalarType.Int64),
    ];

    /// <exception cref="InvalidDataException">A tensor's type is not one of F32, F16, BF16 and I64.</exception>
    public static void Write(string path, IEnumerable<(string Name, Tensor Value)> tensors)
    {
        var all = tensors.Select(t => (t.Name, Value: t.Value.detach().cpu().contiguous())).ToList();
        var header = new JsonObject { ["__metadata__"] = new JsonObject { ["format"] = "pt" } };
        long offset = 0;
        foreach (var (name, value) in all)
        {
            var type = Types.FirstOrDefault(t => t.Type == value.dtype).Name
                ?? throw new InvalidDataException($"{path}: {name} is {value.dtype}; safetensors are written for F32, F16, BF16 and I64.");
            var bytes = value.numel() * value.ElementSize;
            header[name] = new JsonObject
            {
                ["dtype"] = type,
                ["shape"] = new JsonArray([.. value.shape.Select(d => (JsonNode)d)]),
                ["data_offsets"] = new JsonArray(offset, offset + bytes),
            };
            offset += bytes;
        }

        var json = JsonSerializer.SerializeToUtf8Bytes(header);
        var padded = (json.Length + 7) / 8 * 8;
        // Written beside and moved: a crash leaves the old file or the new one, never half of either.
        var partial = path + ".part";
        using (var stream = File.Create(partial))
        {
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, padded);
            stream.Write(length);
            stream.Write(json);
            for (var i = json.Length; i < padded; i++)
                stream.WriteByte((byte)' ');
            foreach (var (_, value) in all)
                value.WriteBytesToStream(stream);
        }
        File.Move(partial, path, overwrite: true);
    }

    /// <summary>Reads every tensor, in the type in which it is stored.</summary>
    /// <exception cref="InvalidDataException">The file is cut short, or a header field is not what the format says; it is named.</exception>
    public static Dictionary<string, Tensor> Read(string path)
    {
        using var stream = File.OpenRead(path);
        Span<byte> length = stackalloc byte[8];
        if (stream.ReadAtLeast(length, 8, throwOnEndOfStream: false) < 8)
            throw new InvalidDataException($"{path}: shorter than the 8-byte header length.");
        var headerBytes = BinaryPrimitives.ReadInt64LittleEndian(length);
        if (headerBytes is < 2 or > HeaderBytesMax || headerBytes > stream.Length - 8)
            throw new InvalidDataException($"{path}: a header of {headerBytes} bytes does not fit a file of {stream.Length}.");
        var json = new byte[headerBytes];
        stream.ReadExactly(json);

        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        using var header = JsonDocument.Parse(json);
        foreach (var entry in header.RootElement.EnumerateObject().Where(e => e.Name != "__metadata__"))
        {
            var typeName = entry.Value.GetProperty("dtype").GetString();
            var type = Types.FirstOrDefault(t => t.Name == typeName);
            if (type.Name is null)
                throw new InvalidDataException($"{path}: {entry.Name} has dtype {typeName}; F32, F16, BF16 and I64 are read.");
            var shape = entry.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64()).ToArray();
            var offsets = entry.Value.GetProperty("data_offsets");
            long from = offsets[0].GetInt64(), to = offsets[1].GetInt64();
            var value = empty(shape, type.Type);
            if (to - from != value.numel() * value.ElementSize || from < 0 || 8 + headerBytes + to > stream.Length)
                throw new InvalidDataException($"{path}: {entry.Name} claims bytes {from}..{to}, which do not hold its shape or lie outside the file.");
            stream.Position = 8 + headerBytes + from;
            value.ReadBytesFromStream(stream);
            tensors[entry.Name] = value;
        }
        return tensors;
    }
}
