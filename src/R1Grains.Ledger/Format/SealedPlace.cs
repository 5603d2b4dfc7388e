using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Format;

/// <summary>What sealed bytes are bound to: under the same key, they open in no other place.</summary>
internal static class SealedPlace
{
    private const int Room = 256;

    /// <summary>The fields of an entry.</summary>
    public static byte[] Of(ConversationKey key, EntryKind kind, int turn, DataKeyId dataKey) => Of(Group.Entry, key, (byte)kind, turn, 0, dataKey);

    /// <summary>The prompt of a turn_opened.</summary>
    public static byte[] OfPrompt(ConversationKey key, int turn, DataKeyId dataKey) => Of(Group.Prompt, key, (byte)EntryKind.TurnOpened, turn, 0, dataKey);

    public static byte[] OfPiece(ConversationKey key, int turn, int number, DataKeyId dataKey) => Of(Group.Piece, key, 0, turn, number, dataKey);

    private static byte[] Of(Group group, ConversationKey key, byte kind, int turn, int number, DataKeyId dataKey) => new ByteWriter(Room)
        .Byte((byte)group)
        .String(key.Tenant)
        .String(key.Conversation)
        .Byte(kind)
        .Int32(turn)
        .Int32(number)
        .Key(dataKey)
        .ToArray();

    private enum Group : byte
    {
        Entry = 1,
        Prompt = 2,
        Piece = 3,
    }
}
