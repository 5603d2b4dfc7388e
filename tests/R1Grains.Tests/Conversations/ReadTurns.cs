using System.Text;
using R1Grains.Engine.Tests.Scripted;
using R1Grains.Ledger;
using R1Grains.Tests.Scripted;

namespace R1Grains.Tests.Conversations;

/// <summary>Turns as they stand in the record.</summary>
internal static class ReadTurns
{
    /// <summary>Of a text in which * stands for the end of the reasoning.</summary>
    public static int[] Ids(string text) => [.. Encoding.UTF8.GetBytes(text).Select(value => value == '*' ? ScriptedModel.ThinkClose : (int)value)];

    /// <summary>The turn once it is closed.</summary>
    public static async Task<TurnRecord> Closed(this ScriptedSilo silo, ConversationKey key, int turn)
    {
        using var impatience = new CancellationTokenSource(ScriptedSilo.Patience);
        while (true)
        {
            if (await silo.Record.FindTurnAsync(key, turn, impatience.Token) is { Closed: not null } closed) return closed;
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, impatience.Token);
        }
    }
}
