namespace R1Grains.Engine.Models;

/// <summary>A model folder cannot be run. The message names the file, the field, its value and what to do.</summary>
public sealed class ModelFolderException(string message, Exception? inner = null) : Exception(message, inner);
