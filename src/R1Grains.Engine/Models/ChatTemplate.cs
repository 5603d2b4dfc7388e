using System.Text;
using System.Text.Json;

namespace R1Grains.Engine.Models;

/// <summary>
/// A chat template as code: messages to prompt ids in which only the template's own markers are special ids. It is
/// chosen by the Jinja text of the model folder, which is recognised and never executed.
/// </summary>
public abstract class ChatTemplate
{
    private const string CloseMarker = "</think>";

    private readonly Markers _markers;

    private protected ChatTemplate(Tokenizer tokenizer)
    {
        (Tokenizer, _markers) = (tokenizer, new(tokenizer.Specials));
        if (tokenizer.TryGetSpecialId("<think>", out var open)) ThinkOpenId = open;
        if (tokenizer.TryGetSpecialId(CloseMarker, out var close)) ThinkCloseId = close;
    }

    /// <summary><c>deepseek-r1</c> or <c>chatml</c>; part of what a turn was made with.</summary>
    public abstract string Name { get; }

    /// <summary>The id of <c>&lt;think&gt;</c>; null when the model's vocabulary has none, and then it does not reason apart.</summary>
    public int? ThinkOpenId { get; }

    /// <summary>The id of <c>&lt;/think&gt;</c>, null as <see cref="ThinkOpenId"/>.</summary>
    public int? ThinkCloseId { get; }

    /// <summary>The prompt ends inside the reasoning: the reply has no opening tag.</summary>
    public abstract bool OpensReasoning { get; }

    /// <summary>Ids that end a reply: the end marker, and markers that would let the model speak for somebody else.</summary>
    public abstract IReadOnlyList<int> StopIds { get; }

    protected Tokenizer Tokenizer { get; }

    /// <summary>Reads <c>chat_template.jinja</c>, or <c>chat_template</c> in <c>tokenizer_config.json</c>.</summary>
    /// <exception cref="ModelFolderException">There is none, it is unknown, or the tokenizer lacks its markers.</exception>
    public static ChatTemplate Load(string folder, Tokenizer tokenizer)
    {
        var jinja = ReadJinja(folder);
        if (jinja.Contains("<｜User｜>") && jinja.Contains("<｜Assistant｜>")) return new DeepSeekTemplate(tokenizer);
        if (jinja.Contains("<|im_start|>")) return new ChatMlTemplate(tokenizer, opensReasoning: jinja.Contains(@"<|im_start|>assistant\n<think>"));
        throw new ModelFolderException(
            $"The chat template in {folder} is not known. Known are DeepSeek-R1 (markers <｜User｜>, <｜Assistant｜>) and Qwen ChatML (marker <|im_start|>).");
    }

    /// <summary>
    /// The prompt for the next reply. Reasoning in earlier assistant messages is left out; passages stand between
    /// <c>[documents]</c> and <c>[/documents]</c>, with the text of their user message before and behind them: a model
    /// that reads forward only finds more in documents when it knows what it looks for (Liu et al. 2023,
    /// "Lost in the Middle", query-aware contextualization). The system's messages are the house's own; what anybody else
    /// has written comes without what no reader sees, and with no mark of a prompt in it.
    /// </summary>
    /// <param name="messages">At least one; the last is the user's.</param>
    public int[] Render(IReadOnlyList<ChatMessage> messages)
    {
        if (messages.Count == 0 || messages[^1].Role != ChatRole.User)
            throw new ArgumentException("A prompt needs messages, the last of them the user's.", nameof(messages));
        var prompt = new Prompt(Tokenizer);
        Render(messages, prompt);
        if (OpensReasoning) prompt.Marker(ThinkOpenId!.Value).Text("\n");
        return prompt.ToIds();
    }

    /// <summary>
    /// The ids a model is taught to answer <see cref="Render(IReadOnlyList{ChatMessage})"/> with: reasoning if any,
    /// answer, end marker.
    /// </summary>
    public int[] RenderReply(string? reasoning, string answer)
    {
        var reply = new Prompt(Tokenizer);
        if (ThinkOpenId is { } open && ThinkCloseId is { } close && (OpensReasoning || reasoning is not null))
        {
            if (!OpensReasoning) reply.Marker(open).Text("\n");
            reply.Text($"{reasoning}\n").Marker(close).Text("\n\n");
        }
        return reply.Text(answer).Marker(StopIds[0]).ToIds();
    }

    private protected abstract void Render(IReadOnlyList<ChatMessage> messages, Prompt prompt);

    private protected string UserText(ChatMessage message)
    {
        var text = Given(message.Text);
        return message.Passages is { Count: > 0 } passages
            ? $"{text}\n{Markers.DocumentsOpen}\n{string.Join("\n\n", passages.Select(Given))}\n{Markers.DocumentsClose}\n{text}"
            : text;
    }

    private protected string AssistantText(ChatMessage message) => Given(WithoutReasoning(message.Text));

    private string Given(string text) => _markers.Disarm(VisibleText.Of(text).Text);

    private protected virtual string WithoutReasoning(string text)
    {
        var close = text.LastIndexOf(CloseMarker, StringComparison.Ordinal);
        return close < 0 ? text : text[(close + CloseMarker.Length)..];
    }

    private static string ReadJinja(string folder)
    {
        var file = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(file)) return File.ReadAllText(file);
        var config = Path.Combine(folder, "tokenizer_config.json");
        if (!File.Exists(config)) throw new ModelFolderException($"{folder} has neither chat_template.jinja nor tokenizer_config.json; one of them must hold the chat template.");
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(config));
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("chat_template", out var template))
                throw new ModelFolderException($"{config} has no chat_template and there is no chat_template.jinja beside it.");
            return template.ToString(); // A string, or a list of named templates, which share their markers.
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException) // The latter for texts that are no Unicode.
        {
            throw new ModelFolderException($"{config} is not valid JSON: {broken.Message}", broken);
        }
    }

    /// <summary>Ids so far and the text since the last marker: text is encoded between markers as a whole.</summary>
    private protected sealed class Prompt(Tokenizer tokenizer)
    {
        private readonly List<int> _ids = [];
        private readonly StringBuilder _text = new();

        public Prompt Marker(int id)
        {
            EncodeText();
            _ids.Add(id);
            return this;
        }

        public Prompt Text(string text)
        {
            _text.Append(text);
            return this;
        }

        public int[] ToIds()
        {
            EncodeText();
            return [.. _ids];
        }

        private void EncodeText()
        {
            _ids.AddRange(tokenizer.Encode(_text.ToString()));
            _text.Clear();
        }
    }
}

/// <summary>
/// DeepSeek-R1 and its distilled models: policy raw after the begin marker, <c>&lt;｜User｜&gt;</c> and
/// <c>&lt;｜Assistant｜&gt;</c> without line breaks, reasoning opened by the prompt.
/// </summary>
internal sealed class DeepSeekTemplate(Tokenizer tokenizer) : ChatTemplate(tokenizer)
{
    private readonly int _begin = tokenizer.SpecialId("<｜begin▁of▁sentence｜>");
    private readonly int _user = tokenizer.SpecialId("<｜User｜>");
    private readonly int _assistant = tokenizer.SpecialId("<｜Assistant｜>");
    private readonly int _end = tokenizer.SpecialId("<｜end▁of▁sentence｜>");

    public override string Name => "deepseek-r1";

    public override bool OpensReasoning => ThinkOpenId is not null;

    public override IReadOnlyList<int> StopIds => [_end, _user];

    private protected override void Render(IReadOnlyList<ChatMessage> messages, Prompt prompt)
    {
        prompt.Marker(_begin).Text(string.Join("\n\n", messages.Where(m => m.Role == ChatRole.System).Select(m => m.Text)));
        foreach (var message in messages)
            if (message.Role == ChatRole.User) prompt.Marker(_user).Text(UserText(message));
            else if (message.Role == ChatRole.Assistant) prompt.Marker(_assistant).Text(AssistantText(message)).Marker(_end);
        prompt.Marker(_assistant);
    }
}

/// <summary>Qwen ChatML: <c>&lt;|im_start|&gt;role\n…&lt;|im_end|&gt;\n</c>. No default system message is made up.</summary>
internal sealed class ChatMlTemplate(Tokenizer tokenizer, bool opensReasoning) : ChatTemplate(tokenizer)
{
    private readonly int _start = tokenizer.SpecialId("<|im_start|>");
    private readonly int _end = tokenizer.SpecialId("<|im_end|>");
    private readonly int _endOfText = tokenizer.SpecialId("<|endoftext|>");

    public override string Name => "chatml";

    public override bool OpensReasoning => opensReasoning && ThinkOpenId is not null;

    public override IReadOnlyList<int> StopIds => [_end, _endOfText, _start];

    private protected override void Render(IReadOnlyList<ChatMessage> messages, Prompt prompt)
    {
        foreach (var message in messages)
        {
            var (role, text) = message.Role switch
            {
                ChatRole.System => ("system", message.Text),
                ChatRole.User => ("user", UserText(message)),
                _ => ("assistant", AssistantText(message)),
            };
            prompt.Marker(_start).Text($"{role}\n{text}").Marker(_end).Text("\n");
        }
        prompt.Marker(_start).Text("assistant\n");
    }

    private protected override string WithoutReasoning(string text) =>
        base.WithoutReasoning(text) is var answer && answer.Length < text.Length ? answer.TrimStart('\n') : text;
}
