namespace R1Grains.Ledger;

/// <summary>Another activation has taken the conversation over: nothing was written, and the caller's activation is over.</summary>
public sealed class StaleEpochException(ConversationKey key, long epoch, long current)
    : Exception($"{key} is written by epoch {current}; epoch {epoch} has lost it and must stop.")
{
    public ConversationKey Key { get; } = key;

    public long Epoch { get; } = epoch;

    public long Current { get; } = current;
}

/// <summary>An append that contradicts the record. Nothing was written. Never happens to a correct writer: raise an alarm.</summary>
public sealed class RecordConflictException(ConversationKey key, string reason)
    : Exception($"{key}: {reason}")
{
    public ConversationKey Key { get; } = key;
}

/// <summary>The record cannot be written or read now (disk full, I/O error). Nothing of the append was written; retry the same append.</summary>
public sealed class RecordUnavailableException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>The data folder cannot be used: the message names it, says why, and what to do.</summary>
public sealed class RecordFolderException(string folder, string reason, Exception? cause = null)
    : Exception($"Record folder '{folder}': {reason}", cause)
{
    public string Folder { get; } = folder;
}
