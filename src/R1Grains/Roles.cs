namespace R1Grains;

/// <summary>What a process does. Every role is an Orleans silo, and one process may have any of them; embedded has all.</summary>
[Flags]
public enum Roles
{
    /// <summary>Speaks gRPC with clients.</summary>
    Gateway = 1,

    /// <summary>Holds conversation grains and writes the record.</summary>
    Conversation = 2,

    /// <summary>Holds engines, one per device.</summary>
    Inference = 4,

    All = Gateway | Conversation | Inference,
}
