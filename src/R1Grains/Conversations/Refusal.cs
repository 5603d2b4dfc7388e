using System.Collections.Immutable;

namespace R1Grains.Conversations;

/// <summary>Why something was not done, in the catalogue's terms. <c>Gateway/Faults</c> gives each its status code and its words.</summary>
public enum Reason
{
    Internal,
    MissingRequestId,
    InvalidName,
    InvalidArgument,
    InvalidPageToken,
    RequestIdReused,
    ConversationExists,
    ConversationNotFound,
    ConversationCompleted,
    TurnNotFound,
    SequenceOutOfRange,
    InputEmpty,
    InputTooLong,
    StaleTurnIndex,
    TurnInProgress,
    TurnQueueFull,
    ModelQueueFull,
    ModelUnavailable,
    DeadlineTooShort,
    DeadlineExceeded,
    RecordUnavailable,
    RecordConflict,
    StaleEpoch,
    NodeDraining,
    Unauthenticated,
    PermissionDenied,
    TenantNotFound,
    NodeUnavailable,
    IssuerUnavailable,
    RoleBindingNotFound,
    RoleBindingExists,
    ApiKeyNotFound,
    ApiKeyExists,
    EtagMismatch,
    ProofPending,
    RateExceeded,
    CallsExceeded,
    TokensExceeded,
    WordListNotFound,
    WordListExists,
    WordListsFull,
    ProposalNotFound,
    ProposalDecided,
    ProposalOutdated,
    AnotherPersonNeeded,
    EditionNotFound,
    HeldTurnNotFound,
    HeldTurnDecided,
    TenantExists,
    MissingPurpose,
    SearchIndexOutdated,
    ConversationErased,
    CustomerRestricted,
    LegalHoldNotFound,
    LegalHoldInForce,
    RetentionRunning,
    NothingToErase,
    ErasureNotFound,
    ErasureUnderWay,
    KeyRotationNotFound,
    ExportNotFound,
    ExportNotReady,
    VerificationUnderWay,
}

/// <summary>A named refusal or failure, as a value.</summary>
/// <param name="Detail">English, for the engineer who must act: what failed, with which value, what to do. Never a customer's text.</param>
/// <param name="Metadata">Machine-readable values, e.g. <c>input_tokens</c> and <c>limit_tokens</c>.</param>
/// <param name="RetryAfter">Set where a retry of the same request can succeed.</param>
[GenerateSerializer, Immutable, Alias("r1.Refusal")]
public sealed record Refusal(
    [property: Id(0)] Reason Reason,
    [property: Id(1)] string Detail,
    [property: Id(2)] ImmutableDictionary<string, string>? Metadata = null,
    [property: Id(3)] TimeSpan? RetryAfter = null)
{
    /// <summary>Metadata key under which a refusal names the request's field at fault.</summary>
    public const string FieldKey = "field";

    /// <summary>Metadata key under which a refusal names the language of its conversation.</summary>
    public const string LanguageKey = "language_code";

    public Refusal With(string key, string value) =>
        this with { Metadata = (Metadata ?? ImmutableDictionary<string, string>.Empty).SetItem(key, value) };
}

/// <summary>Carries a <see cref="Refusal"/> through a call, within a silo or between two.</summary>
[GenerateSerializer, Alias("r1.RefusedException")]
public sealed class RefusedException(Refusal refusal) : Exception(refusal.Detail)
{
    [Id(0)]
    public Refusal Refusal { get; } = refusal;
}
