using R1Grains.Ledger.Format;
using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Storage;

/// <summary>Opens what was read, with the key of its conversation.</summary>
internal sealed class SealedConversations(StoredRecord record, KeyRing? keys)
{
    private const int KnownMax = 65_536;

    /// <summary>A conversation's key is fixed with its first entry.</summary>
    private readonly BoundedMap<ConversationKey, DataKeyId> _known = new(KnownMax / 2);

    private KeyRing Keys => keys ?? throw new InvalidOperationException("The record was opened without its keys.");

    /// <summary>For a conversation that is about to be created.</summary>
    public Task<(Subject Subject, DataKey Key)> MakeAsync(ConversationOpened opened) => Keys.MakeAsync(opened.Key, opened.Customer, opened.Time);

    /// <exception cref="RecordConflictException">There is no such conversation.</exception>
    /// <exception cref="ConversationErasedException"/>
    public async ValueTask<DataKey> RequireKeyAsync(ConversationKey conversation)
    {
        var id = await FindIdAsync(conversation) ?? throw new RecordConflictException(conversation, "the record has no such conversation");
        return await Keys.FindAsync(conversation.Tenant, id) ?? throw new ConversationErasedException(conversation);
    }

    public async Task<Conversation> OpenAsync(ConversationRow row)
    {
        _known.Add(row.Key, row.DataKey);
        var conversation = await OpenAsync(row.Key.Tenant, row.DataKey, row.Open);
        return conversation with { Subjects = await SubjectsAsync(conversation.Opened, conversation.Subject) };
    }

    public async Task<IReadOnlyList<TurnRecord>> OpenAsync(ConversationKey conversation, List<TurnRow> turns) =>
        turns.Count == 0 ? [] : await OpenAsync<IReadOnlyList<TurnRecord>>(conversation.Tenant, await IdAsync(conversation), key => [.. turns.Select(turn => turn.Open(key))]);

    public async Task<IReadOnlyList<ClosedTurn>> OpenAsync(List<ClosedTurnRow> rows)
    {
        var turns = new List<ClosedTurn>(rows.Count);
        foreach (var row in rows)
        {
            var turn = await OpenAsync(row.Key.Tenant, row.DataKey, row.Open);
            turns.Add(turn with { Subjects = await SubjectsAsync(turn.Conversation, turn.Subject) });
        }
        return turns;
    }

    /// <summary>Null where it was erased.</summary>
    public async Task<int[]?> OpenPromptAsync(ConversationKey conversation, int turn, SealedPayload payload) =>
        await OpenAsync(conversation.Tenant, await IdAsync(conversation), key =>
        {
            if (key is null)
                return null;
            var fields = FieldReader.Of(ConfidentialField.Open(key, payload.Sealed!, SealedPlace.Of(conversation, EntryKind.TurnOpened, turn, key.Id)));
            var hash = Payload.DecodeTurnOpened(payload.Skeleton, fields, conversation, turn, 0, default).PromptHash;
            var prompt = key.Open(payload.Prompt, SealedPlace.OfPrompt(conversation, turn, key.Id));
            return Digest.Of(prompt) == hash ? TokenIds.Decode(prompt) : throw new InvalidDataException($"the prompt kept with turn {turn} of {conversation} is not the one that its entry commits to");
        });

    /// <param name="own">All that is known of who was not named, or is erased.</param>
    private async Task<IReadOnlyList<Digest>> SubjectsAsync(ConversationOpened opened, Digest own) => string.IsNullOrWhiteSpace(opened.Customer)
        ? [own]
        : [.. (await Keys.SubjectsAsync(opened.Key.Tenant, opened.Customer)).Select(subject => subject.Hash)];

    private async ValueTask<DataKeyId> IdAsync(ConversationKey conversation) =>
        await FindIdAsync(conversation) ?? throw new RecordDamagedException($"{conversation} has turns and no head");

    private async ValueTask<DataKeyId?> FindIdAsync(ConversationKey conversation)
    {
        if (_known.TryGet(conversation, out var known))
            return known;
        if (await record.Read(conversation.Tenant, reads => reads.DataKey(conversation), CancellationToken.None) is not { } id)
            return null;
        _known.Add(conversation, id);
        return id;
    }

    /// <summary>A key that is destroyed while something is opened has been destroyed before it.</summary>
    /// <exception cref="RecordDamagedException"/>
    public async Task<T> OpenAsync<T>(string tenant, DataKeyId id, Func<DataKey?, T> open)
    {
        var key = await Keys.FindAsync(tenant, id);
        try
        {
            return open(key);
        }
        catch (KeyDestroyedException)
        {
            return open(null);
        }
        catch (InvalidDataException altered)
        {
            throw new RecordDamagedException(altered.Message, altered);
        }
    }
}
