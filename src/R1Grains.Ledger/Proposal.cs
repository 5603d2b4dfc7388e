using R1Grains.Ledger.Format;

namespace R1Grains.Ledger;

/// <remarks>The numbers are part of the document's format.</remarks>
public enum ProposalState
{
    Pending = 1,
    Approved = 2,

    /// <summary>By another, or withdrawn by who proposed it.</summary>
    Rejected = 3,
}

/// <summary>Something that one person wants done and another has to agree to.</summary>
public sealed record Proposal
{
    public required string Tenant { get; init; }

    public required string Id { get; init; }

    /// <summary>Of its document; 0 before it is proposed.</summary>
    public long Version { get; init; }

    /// <summary>What is to be done, in the words of an administrative record, e.g. <c>lexicon.publish</c>.</summary>
    public required string Action { get; init; }

    public required string Resource { get; init; }

    public required string Proposer { get; init; }

    public required DateTimeOffset Proposed { get; init; }

    /// <summary>From then on it can no longer be approved.</summary>
    public required DateTimeOffset Ends { get; init; }

    public required string Purpose { get; init; }

    /// <summary>Of the payload: what is approved is this, and nothing else.</summary>
    public required Digest PayloadHash { get; init; }

    /// <summary>All that applying it needs. Let go of when it is decided.</summary>
    public required byte[] Payload { get; init; }

    public ProposalState State { get; init; } = ProposalState.Pending;

    public string? DecidedBy { get; init; }

    public DateTimeOffset? DecidedAt { get; init; }

    internal byte[] Encode() => new ByteWriter()
        .Byte(1)
        .String(Action)
        .String(Resource)
        .String(Proposer)
        .Time(Proposed)
        .Time(Ends)
        .String(Purpose)
        .Digest(PayloadHash)
        .Byte((byte)State)
        .Optional(DecidedBy, (writer, subject) => writer.String(subject))
        .Optional(DecidedAt, (writer, time) => writer.Time(time))
        .Bytes(Payload)
        .ToArray();

    /// <exception cref="InvalidDataException"/>
    internal static Proposal Decode(Document document)
    {
        var reader = new ByteReader(document.Content!);
        if (reader.Byte() is var format and not 1)
            throw new InvalidDataException($"a proposal's format is {format}");
        return new()
        {
            Tenant = document.Key.Tenant,
            Id = document.Key.Id,
            Version = document.Version,
            Action = reader.String(),
            Resource = reader.String(),
            Proposer = reader.String(),
            Proposed = reader.Time(),
            Ends = reader.Time(),
            Purpose = reader.String(),
            PayloadHash = reader.Digest(),
            State = (ProposalState)reader.Byte(),
            DecidedBy = reader.Present() ? reader.String() : null,
            DecidedAt = reader.Present() ? reader.Time() : null,
            Payload = reader.Rest(),
        };
    }
}

public enum ProposalRefusal
{
    NotFound,

    /// <summary>Its id is another proposal's.</summary>
    Exists,

    /// <summary>It is approved or rejected already.</summary>
    Decided,
    Ended,

    /// <summary>Who proposed it cannot approve it.</summary>
    OwnProposal,

    /// <summary>The approver looked at something else than what would be applied.</summary>
    OtherPayload,
}

public sealed class ProposalRefusedException(ProposalRefusal refusal, string message) : Exception(message)
{
    public ProposalRefusal Refusal { get; } = refusal;
}
