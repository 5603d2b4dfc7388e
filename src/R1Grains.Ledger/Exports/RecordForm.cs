using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Exports;

/// <summary>What the skeletons of the record hold, field by field, with the names under which an export shows it: FORMAT.md's, once more.</summary>
internal static class RecordForm
{
    /// <summary>By the kind of an entry; a piece, which is none, has 0.</summary>
    public static readonly string[] Names = ["piece", "conversation_opened", "turn_opened", "turn_closed", "conversation_completed"];

    private static readonly Action<IMembers> PassageForm = Passage, HitForm = Hit, ItemForm = Item, PointForm = Point;

    public static void Of(EntryKind kind, IMembers members)
    {
        switch (kind)
        {
            case EntryKind.ConversationOpened: ConversationOpened(members); break;
            case EntryKind.TurnOpened: TurnOpened(members); break;
            case EntryKind.TurnClosed: TurnClosed(members); break;
            case EntryKind.ConversationCompleted: ConversationCompleted(members); break;
            default: Piece(members); break;
        }
    }

    private static void ConversationOpened(IMembers members)
    {
        members.Text("request_id"u8);
        members.Confidential("request"u8, FieldForm.Closed);
        members.Text("caller"u8);
        members.Word("words_of"u8, Words.Owners);
        members.Int32("index_key"u8);
        members.Key("data_key"u8);
        members.Text("channel"u8);
        members.Confidential("customer"u8, FieldForm.Text);
        members.Text("agent"u8);
        members.Text("language"u8);
        members.Confidential("labels"u8, FieldForm.Labels);
        members.Int64("idle_timeout_us"u8);
        members.Hash("sealed"u8);
    }

    private static void TurnOpened(IMembers members)
    {
        members.Text("request_id"u8);
        members.Confidential("request"u8, FieldForm.Closed);
        members.Time("deadline"u8);
        members.Text("caller"u8);
        members.Confidential("input"u8, FieldForm.Text);
        members.Text("language"u8);
        members.List("passages"u8, PassageForm);
        members.Text("model"u8);
        members.Hash("model_hash"u8);
        members.Text("template"u8);
        members.Text("policy"u8);
        members.Hash("policy_hash"u8);
        members.Text("temperature"u8);
        members.Text("top_p"u8);
        members.Int32("top_k"u8);
        members.Text("repetition_penalty"u8);
        members.Unsigned("seed"u8);
        members.Int32("max_tokens"u8);
        members.Int32("reasoning_budget"u8);
        members.Texts("stop_strings"u8);
        members.Begin("context"u8);
        members.Int32("window"u8);
        members.Int32("reserved"u8);
        members.Int32("policy"u8);
        members.Int32("history"u8);
        members.Int32("passages"u8);
        members.Int32("input"u8);
        members.Int32("turns_kept"u8);
        members.Int32("turns_dropped"u8);
        members.End();
        members.Int32("prompt_tokens"u8);
        members.Confidential("prompt"u8, FieldForm.Closed);
        OptionalHash(members, "numerics"u8);
        OptionalHash(members, "lexicon"u8);
        Hits(members);
        if (members.Present("disclosure"u8))
        {
            members.Begin("disclosure"u8);
            members.Text("notice"u8);
            members.Flag("labelled"u8);
            members.End();
        }
        members.Hash("sealed_prompt"u8);
        members.Hash("sealed"u8);
    }

    private static void TurnClosed(IMembers members)
    {
        members.Word("outcome"u8, Words.Outcomes);
        members.Text("finish_reason"u8);
        if (members.Present("error"u8))
            members.Confidential("error"u8, FieldForm.Text);
        if (members.Present("cancelled_by"u8))
            members.Text("cancelled_by"u8);
        members.Int32("prompt_tokens"u8);
        members.Int32("reasoning_tokens"u8);
        members.Int32("answer_tokens"u8);
        members.Confidential("ids"u8, FieldForm.Closed);
        members.Confidential("reasoning"u8, FieldForm.Text);
        members.Confidential("answer"u8, FieldForm.Text);
        if (members.Present("first_token"u8))
            members.Time("first_token"u8);
        members.List("resume_points"u8, PointForm);
        OptionalHash(members, "lexicon"u8);
        Hits(members);
        if (members.Present("held"u8))
            members.Confidential("held"u8, FieldForm.Text);
        members.Hash("sealed"u8);
    }

    private static void ConversationCompleted(IMembers members)
    {
        members.Text("caller"u8);
        if (members.Present("request_id"u8))
            members.Text("request_id"u8);
        members.Text("reason"u8);
    }

    private static void Piece(IMembers members)
    {
        members.Confidential("ids"u8, FieldForm.Closed);
        members.Confidential("text"u8, FieldForm.Text);
        members.List("resume_points"u8, PointForm);
        members.Hash("sealed"u8);
    }

    private static void OptionalHash(IMembers members, ReadOnlySpan<byte> name)
    {
        if (members.Present(name))
            members.Hash(name);
    }

    private static void Hits(IMembers members)
    {
        members.List("hits"u8, HitForm);
        members.Confidential("hit_entries"u8, FieldForm.Entries);
        if (members.Present("personal_data"u8))
            members.List("personal_data"u8, ItemForm);
    }

    private static void Passage(IMembers members)
    {
        members.Text("source"u8);
        members.Text("revision"u8);
        members.Confidential("passage"u8, FieldForm.Text);
    }

    private static void Hit(IMembers members)
    {
        members.Word("place"u8, Words.Places);
        members.Int32("start"u8);
        members.Int32("end"u8);
        members.Text("category"u8);
        members.Byte("level"u8);
        members.Word("action"u8, Words.Actions);
    }

    private static void Item(IMembers members)
    {
        members.Word("place"u8, Words.Places);
        members.Int32("start"u8);
        members.Int32("end"u8);
        members.Text("kind"u8);
    }

    private static void Point(IMembers members)
    {
        members.Int32("tokens"u8);
        members.Hash("numerics"u8);
    }
}
