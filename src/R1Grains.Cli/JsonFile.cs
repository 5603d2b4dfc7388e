using Google.Protobuf;
using Grpc.Core;

namespace R1Grains.Cli;

/// <summary>A file that has a message of the contract as JSON.</summary>
internal static class JsonFile
{
    /// <exception cref="RefusedException">It is none.</exception>
    public static async Task<T> Read<T>(FileInfo file, CancellationToken cancellation) where T : IMessage, new()
    {
        var text = await File.ReadAllTextAsync(file.FullName, cancellation);
        try
        {
            return JsonParser.Default.Parse<T>(text);
        }
        catch (Exception wrong) when (wrong is InvalidJsonException or InvalidProtocolBufferException)
        {
            throw new RefusedException(new(StatusCode.InvalidArgument, "INVALID_ARGUMENT", $"{file} is no {new T().Descriptor.Name} as JSON: {wrong.Message}", RetryAfter: null, ForCustomer: null, IsServers: false));
        }
    }
}
