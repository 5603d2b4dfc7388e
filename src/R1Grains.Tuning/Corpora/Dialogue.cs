using System.Text.Json.Serialization;

namespace R1Grains.Tuning.Corpora;

/// <summary>
/// One annotated conversation, a line of a corpus file (JSONL). The field names are the project's annotation
/// format: <c>conversation_id</c> and <c>utterances</c> with <c>role</c>, <c>text</c> and <c>annotations</c>.
/// </summary>
/// <param name="ConversationId">Unique within a corpus.</param>
/// <param name="Language"><c>zh</c> or <c>en</c>.</param>
/// <param name="Kind">What the dialogue exercises, e.g. <c>plain</c>, <c>distractor</c>, <c>missing</c>, <c>procedure</c>.</param>
/// <param name="Policy">The policy prompt the assistant was given; empty for none.</param>
/// <param name="Utterances">User and assistant in turn, user first.</param>
public sealed record Dialogue(
    [property: JsonPropertyName("conversation_id")] string ConversationId,
    [property: JsonPropertyName("language")] string Language,
    [property: JsonPropertyName("kind")] string Kind,
    [property: JsonPropertyName("policy")] string Policy,
    [property: JsonPropertyName("utterances")] IReadOnlyList<Utterance> Utterances);

/// <param name="Role"><c>user</c> or <c>assistant</c>.</param>
/// <param name="Text">What was said, as the customer sees it.</param>
/// <param name="Passages">User turns: the paragraphs of documents put before the question; empty for none.</param>
/// <param name="Reasoning">Assistant turns: what stands between <c>&lt;think&gt;</c> and <c>&lt;/think&gt;</c>.</param>
public sealed record Utterance(
    [property: JsonPropertyName("role")] string Role,
    [property: JsonPropertyName("text")] string Text,
    [property: JsonPropertyName("passages")] IReadOnlyList<string> Passages,
    [property: JsonPropertyName("reasoning")] string? Reasoning,
    [property: JsonPropertyName("annotations")] Annotations Annotations);

/// <param name="Entities">Entity type to its value as written in the text, e.g. <c>product</c>, <c>attribute</c>, <c>value</c>.</param>
public sealed record Annotations(
    [property: JsonPropertyName("intent")] string Intent,
    [property: JsonPropertyName("entities")] IReadOnlyDictionary<string, string> Entities);
