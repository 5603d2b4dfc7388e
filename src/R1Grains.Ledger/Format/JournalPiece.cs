using System.Buffers.Binary;
using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Format;

/// <summary>One piece of an open turn.</summary>
/// <param name="Time">Microseconds.</param>
/// <param name="Skeleton">Commitments to its token ids and its text, its resume points, and the digest of what is sealed.</param>
internal sealed record JournalPiece(int Number, long Epoch, long Time, byte[] Skeleton, byte[] Sealed)
{
    public static JournalPiece Seal(Piece piece, DataKey key)
    {
        var fields = new FieldWriter();
        var skeleton = Encode(piece, fields);
        var bytes = fields.Seal(key, SealedPlace.OfPiece(piece.Key, piece.Turn, piece.Number, key.Id));
        return new(piece.Number, piece.Epoch, Microseconds.Of(piece.Time), skeleton.Digest(Digest.Of(bytes)).ToArray(), bytes);
    }

    /// <summary>The skeleton but for the digest of what is sealed.</summary>
    public static ByteWriter Encode(Piece piece, FieldWriter fields) => new ByteWriter(256)
        .Digest(fields.Commit(TokenIds.Encode(piece.TokenIds)))
        .Digest(fields.Commit(ByteWriter.StrictUtf8.GetBytes(piece.Text)))
        .Points(piece.ResumePoints);

    /// <param name="fields">From <see cref="Open"/>, or withheld.</param>
    /// <returns>Also the digest of what is sealed.</returns>
    public (Piece Piece, Digest Sealed) Decode(FieldReader fields, ConversationKey key, int turn)
    {
        var reader = new ByteReader(Skeleton);
        var piece = new Piece
        {
            Key = key,
            Turn = turn,
            Number = Number,
            Epoch = Epoch,
            Time = Microseconds.ToTime(Time),
            TokenIds = fields.TokenIds(reader.Digest()),
            Text = fields.Text(reader.Digest()),
            ResumePoints = ResumePoints.Read(ref reader),
        };
        var digest = reader.Digest();
        reader.End();
        fields.End();
        return (piece, digest);
    }

    public ConfidentialField[] Open(DataKey key, ConversationKey conversation, int turn) =>
        ConfidentialField.Open(key, Sealed, SealedPlace.OfPiece(conversation, turn, Number, key.Id));

    /// <summary>SHA-256(0x02 ‖ running hash before it ‖ number ‖ epoch ‖ time ‖ skeleton). The hash before the first piece is the leaf of the turn_opened.</summary>
    public Digest Hash(Digest previous)
    {
        const int place = 1 + Digest.Length + sizeof(int) + 2 * sizeof(long);
        var length = place + Skeleton.Length;
        var room = length <= 1_024 ? stackalloc byte[length] : new byte[length];
        room[0] = 0x02;
        previous.CopyTo(room[1..]);
        BinaryPrimitives.WriteInt32BigEndian(room[(1 + Digest.Length)..], Number);
        BinaryPrimitives.WriteInt64BigEndian(room[(1 + Digest.Length + sizeof(int))..], Epoch);
        BinaryPrimitives.WriteInt64BigEndian(room[(place - sizeof(long))..], Time);
        Skeleton.CopyTo(room[place..]);
        return Digest.Of(room);
    }
}
