using Google.Protobuf;
using Google.Protobuf.Reflection;
using R1Grains.Access;

namespace R1Grains.Gateway;

internal static class Log
{
    // What requests call the thing that they are about.
    private static readonly string[] Names = ["conversation", "turn", "name", "parent"];

    private static readonly Func<ILogger, ResourceName, IDisposable?> Serving = LoggerMessage.DefineScope<ResourceName>("{Resource}");

    /// <summary>Until it is disposed, lines of the log carry the name of what the request is about; a malformed one could be anything and is left out.</summary>
    public static IDisposable? InCall(ILogger log, object request)
    {
        if (request is not IMessage message) return null;
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
            if (field is { FieldType: FieldType.String, IsRepeated: false } && Names.Contains(field.Name) && ResourceName.Find((string)field.Accessor.GetValue(message)) is { } resource)
                return Serving(log, resource);
        return null;
    }
}
