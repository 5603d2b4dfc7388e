using System.Text;
using R1Grains.Engine;
using R1Grains.Engine.Tests.Scripted;

namespace R1Grains.Tests.Scripted;

/// <summary>
/// A model that does what the customer says: after <c>say:</c> comes the reply, in which <c>&lt;/think&gt;</c> ends the
/// reasoning; without that tag a short reasoning is put before it. Other questions are repeated.
/// </summary>
public static class ScriptedReplies
{
    private const int User = 258;
    private const int Assistant = 259;
    private const string Close = "</think>";

    /// <summary>As a prompt has it of a customer.</summary>
    private const string Given = "(/think)";
    private const string Say = "say:";

    public static ScriptedRunner Runner(Model model, int rows = 16) => new(model, Next, rows);

    public static string AnswerTo(string question) => Reply(question).Split(Close)[^1].TrimStart();

    private static int Next(IReadOnlyList<int> ids)
    {
        var open = LastIndexOf(ids, ScriptedModel.ThinkOpen, ids.Count);
        var asked = LastIndexOf(ids, User, open);
        var question = Encoding.UTF8.GetString([.. ids.Skip(asked + 1).TakeWhile(id => id != Assistant).Select(id => (byte)id)]);
        // Documents stand between the question and the question once more.
        question = question.Split("[/documents]\n")[^1];
        var reply = Ids(Reply(question));
        var said = ids.Count - (open + 2);
        return said < reply.Count ? reply[said] : ScriptedModel.End;
    }

    private static string Reply(string question)
    {
        var at = question.IndexOf(Say, StringComparison.Ordinal);
        var text = (at < 0 ? $"You asked: {question}." : question[(at + Say.Length)..]).Replace(Given, Close, StringComparison.Ordinal);
        return text.Contains(Close, StringComparison.Ordinal) ? text : $"hm\n{Close}\n\n{text}";
    }

    private static List<int> Ids(string reply) =>
    [
        .. reply.Split(Close).SelectMany((part, i) => (i == 0 ? [] : new[] { ScriptedModel.ThinkClose }).Concat(Encoding.UTF8.GetBytes(part).Select(b => (int)b))),
    ];

    private static int LastIndexOf(IReadOnlyList<int> ids, int id, int before)
    {
        for (var i = before - 1; i >= 0; i--)
            if (ids[i] == id) return i;
        return -1;
    }
}
