namespace R1Grains.Engine.Models;

public enum ChatRole
{
    System,
    User,
    Assistant,
}

/// <summary>One message of a conversation as a chat template sees it.</summary>
/// <param name="Text">Plain text; a mark that it spells out is none.</param>
/// <param name="Passages">User messages: document paragraphs that belong to <paramref name="Text"/>, shown to the model marked as data.</param>
public sealed record ChatMessage(ChatRole Role, string Text, IReadOnlyList<string>? Passages = null);
