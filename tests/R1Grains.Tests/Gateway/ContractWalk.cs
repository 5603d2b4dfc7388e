using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using R1Grains.V1;

namespace R1Grains.Tests.Gateway;

/// <summary>Every method of the contract, callable without knowing it.</summary>
internal static class ContractWalk
{
    private static readonly string[] Names =
    [
        "tenants/demo", "tenants/demo/conversations/walk", "tenants/demo/conversations/walk/turns/1",
        "tenants/demo/roleBindings/walk", "tenants/demo/apiKeys/walk", "tenants/demo/wordLists/walk", "tenants/demo/lexiconProposals/walk", "tenants/demo/lexiconEditions/1",
        "tenants/demo/legalHolds/walk", "tenants/demo/erasures/walk", "tenants/demo/keyRotations/tenant-2", "tenants/demo/exports/walk", "tenants/demo/updates/walk",
    ];

    private static readonly Marshaller<IMessage> Requests = Marshallers.Create<IMessage>(message => message.ToByteArray(), _ => throw new NotSupportedException());

    public static IReadOnlyList<MethodDescriptor> Methods { get; } =
        [.. ConversationService.Descriptor.Methods, .. TurnService.Descriptor.Methods, .. TranscriptService.Descriptor.Methods, .. GuardrailService.Descriptor.Methods, .. AccessService.Descriptor.Methods, .. TenantService.Descriptor.Methods, .. KeyService.Descriptor.Methods];

    /// <summary>Those that are about no tenant's things.</summary>
    public static bool IsOfCluster(MethodDescriptor method) => method.Service == TenantService.Descriptor || method.Service == KeyService.Descriptor;

    /// <summary>Calls the method with well-formed names, and gives back the error that it ends with.</summary>
    public static async Task<RpcException> Refused(ChannelBase channel, MethodDescriptor method, Metadata headers, string requestId = "walk", string purpose = "to walk") =>
        await Outcome(channel, method, headers, requestId, purpose) ?? throw new InvalidOperationException($"{method.FullName} refuses nothing");

    /// <summary>Calls the method with well-formed names; null where it answers.</summary>
    public static async Task<RpcException?> Outcome(ChannelBase channel, MethodDescriptor method, Metadata headers, string requestId = "walk", string purpose = "to walk")
    {
        // Which of the kinds of names a field takes, the method itself says.
        foreach (var name in Names)
        {
            var (_, error) = await Answer(channel, method, Request(method.InputType, name, requestId, purpose), headers, messagesMax: 1);
            if (error?.GetRpcStatus()?.GetDetail<Google.Rpc.ErrorInfo>()?.Reason != "INVALID_NAME")
                return error;
        }
        throw new InvalidOperationException($"{method.FullName} takes none of {string.Join(", ", Names)}");
    }

    private static IMessage Request(MessageDescriptor type, string name, string requestId, string purpose)
    {
        var request = (IMessage)Activator.CreateInstance(type.ClrType)!;
        foreach (var field in type.Fields.InDeclarationOrder())
        {
            if (field is { FieldType: FieldType.String, Name: "parent" or "name" or "conversation" or "turn" })
                field.Accessor.SetValue(request, name);
            else if (field.Name is "request_id")
                field.Accessor.SetValue(request, requestId);
            else if (field.Name is "purpose")
                field.Accessor.SetValue(request, purpose);
            else if (field.Name is "etag" or "api_key_id" or "tenant_id" or "word_list_id")
                field.Accessor.SetValue(request, "7");
            else if (field.Name is "roles")
                ((System.Collections.IList)field.Accessor.GetValue(request)).Add("agent");
            else if (field.Name is "role_binding")
                field.Accessor.SetValue(request, new RoleBinding { Subject = "walker", Roles = { "agent" } });
            else if (field.Name is "api_key")
                field.Accessor.SetValue(request, new ApiKey { Roles = { "agent" } });
            else if (field.Name is "input")
                field.Accessor.SetValue(request, new TurnInput { Text = "?" });
        }
        return request;
    }

    /// <summary>Calls the method, and gives back what it answers, and the error with which it ends, if any.</summary>
    /// <param name="messagesMax">After so many a stream is left; null for the end of one that has an end, and the first message of one that has none.</param>
    public static async Task<(IReadOnlyList<IMessage> Messages, RpcException? Error)> Answer(ChannelBase channel, MethodDescriptor method, IMessage request, Metadata headers, int? messagesMax = null)
    {
        var invoker = channel.CreateCallInvoker();
        var most = messagesMax ?? (method.Name is "WatchConversation" ? 1 : int.MaxValue);
        var responses = Marshallers.Create<IMessage>(_ => throw new NotSupportedException(), bytes => method.OutputType.Parser.ParseFrom(bytes));
        var kind = method.IsServerStreaming ? MethodType.ServerStreaming : MethodType.Unary;
        var call = new Method<IMessage, IMessage>(kind, method.Service.FullName, method.Name, Requests, responses);
        var options = new CallOptions(headers, DateTime.MaxValue);
        var answers = new List<IMessage>();
        try
        {
            if (kind is MethodType.Unary)
            {
                answers.Add(await invoker.AsyncUnaryCall(call, null, options, request));
                return (answers, null);
            }
            using var stream = invoker.AsyncServerStreamingCall(call, null, options, request);
            while (answers.Count < most && await stream.ResponseStream.MoveNext(default))
                answers.Add(stream.ResponseStream.Current);
            return (answers, null);
        }
        catch (RpcException refused)
        {
            return (answers, refused);
        }
    }
}
