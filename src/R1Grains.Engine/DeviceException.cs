namespace R1Grains.Engine;

/// <summary>The device that was asked for cannot be used. The message is for the operator: what failed, with which value, what to do.</summary>
public sealed class DeviceException(string message, Exception? inner = null) : Exception(message, inner);
