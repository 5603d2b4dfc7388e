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

/// <summary>
/// The record cannot be written or read now (disk full, I/O error, server away). The append is not known to be written:
/// retry the same append, which succeeds once, whether it was or not.
/// </summary>
public class RecordUnavailableException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>
/// The database does not hold what it has acknowledged: a standby that lagged was promoted, or an old backup restored.
/// Nothing is written to it or read from it until it holds that again.
/// </summary>
public sealed class RecordRewoundException(string address, Guid writer, long seen, long? found, string marks) : RecordUnavailableException(
    $"PostgreSQL at {address} has lost what it acknowledged: batch {seen} of writer {writer} was durable, the database {(found is { } batch ? $"ends at batch {batch}" : "does not know the writer")}. "
    + "Promote the standby that has it, or restore a newer backup. "
    + $"To accept the loss, stop every server, delete the marks in {marks}, and start again.")
{
    public Guid Writer { get; } = writer;

    /// <summary>The last batch of this writer that was acknowledged, as far as is known here.</summary>
    public long Seen { get; } = seen;

    /// <summary>The last that the database holds; null when it does not know the writer.</summary>
    public long? Found { get; } = found;
}

/// <summary>The data folder cannot be used: the message names it, says why, and what to do.</summary>
public sealed class RecordFolderException(string folder, string reason, Exception? cause = null)
    : Exception($"Record folder '{folder}': {reason}", cause)
{
    public string Folder { get; } = folder;
}

/// <summary>The server or its database cannot hold the record as it is set: the message names it, says why, and what to do.</summary>
public sealed class RecordServerException(string address, string reason)
    : Exception($"PostgreSQL at {address}: {reason}")
{
    public string Address { get; } = address;
}

/// <summary>The key with which the record is signed cannot be used: the message names its file, says why, and what to do.</summary>
public sealed class RecordKeyException(string file, string reason, Exception? cause = null)
    : Exception($"Key of the record '{file}': {reason}", cause)
{
    public string File { get; } = file;
}

/// <summary>The record does not hold what a witness has cosigned: an old copy, or one that was cut or rewritten. Nothing is written to it.</summary>
public sealed class RecordNotWitnessedException(string origin, string reason, string witness)
    : Exception($"The tree '{origin}' of the record is not the one that was witnessed: {reason}. Restore the record that has it. To accept the loss, move the witness' file for it out of '{witness}'; what is missing stays proved by whoever kept it.")
{
    public string Origin { get; } = origin;
}

/// <summary>Where the record's keys lie cannot be used: the message names it, says why, and what to do.</summary>
public sealed class KeyStoreException(string place, string reason, Exception? cause = null)
    : Exception($"Key store in {place}: {reason}", cause);

/// <summary>What is recorded is not what was written: it has been altered, or a disk has.</summary>
public sealed class RecordDamagedException(string reason, Exception? cause = null)
    : RecordUnavailableException($"The record is damaged ({reason}). Verify it, and restore it from a copy.", cause);

/// <summary>The conversation's words were erased, and nothing more can be said in it.</summary>
public sealed class ConversationErasedException(ConversationKey key) : Exception($"{key} was erased: its key is destroyed.")
{
    public ConversationKey Key { get; } = key;
}
