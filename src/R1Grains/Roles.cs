namespace R1Grains;

/// <summary>What a process does; every role is a silo of the cluster.</summary>
[Flags]
public enum Roles
{
    None = 0,

    /// <summary>Answers gRPC.</summary>
    Gateway = 1,

    /// <summary>Holds conversations.</summary>
    Conversation = 2,

    /// <summary>Owns a device that answers.</summary>
    Inference = 4,

    All = Gateway | Conversation | Inference,
}
