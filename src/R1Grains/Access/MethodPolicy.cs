using Google.Protobuf;
using R1Grains.Conversations;

namespace R1Grains.Access;

/// <summary>
/// What a method asks of its caller. It stands on the endpoint's method, and <c>Gateway/AccessInterceptor</c> asks it before
/// anything of that runs; a method without one is refused to everybody.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public abstract class MethodPolicy : Attribute
{
    /// <summary>Null where it takes none.</summary>
    public abstract Permission? Permission { get; }

    /// <summary>Whether the call may go on for hours, so that it is asked again and again: a token ends, and a key is revoked.</summary>
    public bool IsStanding { get; init; }

    /// <summary>What this request asks, where it depends on more than the method.</summary>
    /// <exception cref="RefusedException"><see cref="Reason.InvalidArgument"/></exception>
    public virtual MethodPolicy For(IMessage? request) => this;

    /// <summary>What the request is about.</summary>
    /// <exception cref="RefusedException"><see cref="Reason.InvalidName"/></exception>
    public abstract ResourceName? Resource(IMessage? request);

    /// <summary>Passes the caller, or refuses.</summary>
    /// <exception cref="RefusedException"/>
    public abstract void Require(Caller caller, ResourceName? resource);
}

/// <summary>The permission, in the tenant of what the request names.</summary>
/// <param name="field">Which field names it, with a dot between where it lies in a message.</param>
public sealed class AsksAttribute<TName>(Permission permission, string field) : MethodPolicy where TName : ResourceName, INamed<TName>
{
    public override Permission? Permission => permission;

    /// <summary>Each of these does as well.</summary>
    public Permission[] Or { get; init; } = [];

    /// <summary>All of these are asked for besides.</summary>
    public Permission[] And { get; init; } = [];

    /// <summary>A field that is set where the masks of personal data are to be lifted, which asks a permission of its own.</summary>
    public string? Lifting { get; init; }

    public override MethodPolicy For(IMessage? request) => Lifting is { } flag && request?.Descriptor.FindFieldByName(flag).Accessor.GetValue(request) is true
        ? new AsksAttribute<TName>(permission, field) { Or = Or, And = [.. And, R1Grains.Access.Permission.LiftMasks], IsStanding = IsStanding }
        : this;

    public override ResourceName Resource(IMessage? request) => TName.Parse(Value(request, field.Split('.')), field);

    public override void Require(Caller caller, ResourceName? resource)
    {
        Access.Require(caller, Or.Where(caller.May).Append(permission).First(), resource!);
        foreach (var another in And)
            Access.Require(caller, another, resource!);
    }

    private static string Value(IMessage? message, ReadOnlySpan<string> path)
    {
        for (; path.Length > 1; path = path[1..])
            message = (IMessage?)message?.Descriptor.FindFieldByName(path[0]).Accessor.GetValue(message);
        return (string?)message?.Descriptor.FindFieldByName(path[0]).Accessor.GetValue(message) ?? "";
    }
}

/// <summary>To read transcripts, and what their view asks for.</summary>
/// <param name="field">Which field names what is read.</param>
public sealed class AsksViewAttribute<TName>(string field) : MethodPolicy where TName : ResourceName, INamed<TName>
{
    public const string View = "view";

    public override Permission? Permission => Besides ?? R1Grains.Access.Permission.ReadRedacted;

    /// <summary>What is asked for in every view, in the place of reading masked texts.</summary>
    public Permission? Besides { get; }

    public AsksViewAttribute(string field, Permission besides) : this(field) => Besides = besides;

    public override MethodPolicy For(IMessage? request) => (V1.TranscriptView)(int)(request?.Descriptor.FindFieldByName(View).Accessor.GetValue(request) ?? 0) switch
    {
        V1.TranscriptView.Unspecified or V1.TranscriptView.Redacted => Of(Permission!.Value),
        V1.TranscriptView.Full => Of(R1Grains.Access.Permission.ReadFull),
        V1.TranscriptView.Reasoning => Of(R1Grains.Access.Permission.ReadFull, R1Grains.Access.Permission.ReadReasoning),
        var unknown => throw Refuse.Field(Reason.InvalidArgument, View, $"{View} {(int)unknown} is unknown: use REDACTED, FULL or REASONING"),
    };

    public override ResourceName Resource(IMessage? request) => For(request).Resource(request)!;

    public override void Require(Caller caller, ResourceName? resource) => For(null).Require(caller, resource);

    private AsksAttribute<TName> Of(Permission permission, params Permission[] more) => new(Besides ?? permission, field) { And = Besides is null || Besides == permission ? more : [permission, .. more] };
}

/// <summary>To be of the tenant that the request names, and no more.</summary>
public sealed class AsksTenantAttribute(string field) : MethodPolicy
{
    public override Permission? Permission => null;

    public override ResourceName Resource(IMessage? request) => TenantName.Parse((string)request!.Descriptor.FindFieldByName(field).Accessor.GetValue(request), field);

    public override void Require(Caller caller, ResourceName? resource) => Access.RequireTenant(caller, resource!);
}

/// <summary>A permission that concerns no tenant's things.</summary>
public sealed class AsksOfAllAttribute(Permission permission) : MethodPolicy
{
    public override Permission? Permission => permission;

    public override ResourceName? Resource(IMessage? request) => null;

    public override void Require(Caller caller, ResourceName? resource) => Access.Require(caller, permission);
}

/// <summary>Nothing: whoever can connect may ask, without a token.</summary>
public sealed class AsksNothingAttribute : MethodPolicy
{
    public override Permission? Permission => null;

    public override ResourceName? Resource(IMessage? request) => null;

    public override void Require(Caller caller, ResourceName? resource)
    {
    }
}
