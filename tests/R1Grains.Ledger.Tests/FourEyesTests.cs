using Microsoft.Extensions.Time.Testing;

namespace R1Grains.Ledger.Tests;

public sealed class FourEyesTests : IAsyncLifetime
{
    private readonly RecordFolder _folder = new();
    private readonly FakeTimeProvider _time = new(Samples.Start);
    private SqliteRecord _record = null!;
    private FourEyes _fourEyes = null!;

    public async Task InitializeAsync()
    {
        _record = await _folder.OpenAsync();
        _fourEyes = new(_record.Registry, _time);
    }

    public async Task DisposeAsync()
    {
        await _record.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task What_one_proposes_and_another_approves_is_applied_once_and_recorded()
    {
        var proposal = await Propose("words"u8.ToArray());
        Assert.Equal(ProposalState.Pending, proposal.State);
        Assert.Null(await _record.Registry.FindAsync(new("demo", "lexicon", "current")));

        var approved = await _fourEyes.ApproveAsync("demo", "p1", proposal.PayloadHash, "ben", Apply, "looks right");
        Assert.Equal((ProposalState.Approved, "ben"), (approved.State, approved.DecidedBy));
        Assert.Equal("words"u8.ToArray(), (await _record.Registry.FindAsync(new("demo", "lexicon", "current")))!.Content);
        Assert.Empty((await _fourEyes.FindAsync("demo", "p1"))!.Payload);
        await Refused(ProposalRefusal.Decided, () => _fourEyes.ApproveAsync("demo", "p1", proposal.PayloadHash, "cleo", Apply));

        Assert.Equal(
            [("lexicon.publish.propose", "anna"), ("lexicon.publish.approve", "ben")],
            (await _record.Registry.ListEntriesAsync("demo", 10)).Items.Select(entry => (entry.Record.Action, entry.Record.Actor)));
        Assert.True((await RecordVerifier.VerifyAsync(_folder.Path)).Valid);
    }

    [Fact]
    public async Task Who_proposed_cannot_approve_but_may_withdraw()
    {
        var proposal = await Propose([1]);
        await Refused(ProposalRefusal.OwnProposal, () => _fourEyes.ApproveAsync("demo", "p1", proposal.PayloadHash, "anna", Apply));
        Assert.Equal(ProposalState.Rejected, (await _fourEyes.RejectAsync("demo", "p1", "anna")).State);
        await Refused(ProposalRefusal.Decided, () => _fourEyes.ApproveAsync("demo", "p1", proposal.PayloadHash, "ben", Apply));
    }

    [Fact]
    public async Task What_was_not_looked_at_is_not_applied()
    {
        await Propose([1]);
        await Refused(ProposalRefusal.OtherPayload, () => _fourEyes.ApproveAsync("demo", "p1", Digest.Of([2]), "ben", Apply));
        await Refused(ProposalRefusal.NotFound, () => _fourEyes.ApproveAsync("other", "p1", Digest.Of([1]), "ben", Apply));
    }

    [Fact]
    public async Task A_proposal_ends_after_a_while()
    {
        var proposal = await Propose([1]);
        _time.Advance(FourEyes.Lifetime);
        await Refused(ProposalRefusal.Ended, () => _fourEyes.ApproveAsync("demo", "p1", proposal.PayloadHash, "ben", Apply));
    }

    [Fact]
    public async Task The_same_proposal_again_is_the_one_that_is_there_and_another_by_its_id_is_refused()
    {
        var proposal = await Propose([1]);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(proposal.Proposed, (await Propose([1])).Proposed);
        await Refused(ProposalRefusal.Exists, () => Propose([2]));
        Assert.Single(await _fourEyes.ListAsync("demo", 10));
    }

    [Fact]
    public async Task A_proposal_that_no_longer_fits_stays_pending()
    {
        var proposal = await Propose([1]);
        await _record.Registry.ChangeAsync(Samples.Administrative(), [new("lexicon", "current", 0, [9])]);
        await Assert.ThrowsAsync<DocumentConflictException>(() => _fourEyes.ApproveAsync("demo", "p1", proposal.PayloadHash, "ben", Apply));
        Assert.Equal(ProposalState.Pending, (await _fourEyes.FindAsync("demo", "p1"))!.State);
    }

    private static IReadOnlyList<DocumentChange> Apply(Proposal proposal) => [new("lexicon", "current", 0, proposal.Payload)];

    private static async Task Refused(ProposalRefusal refusal, Func<Task> step) => Assert.Equal(refusal, (await Assert.ThrowsAsync<ProposalRefusedException>(step)).Refusal);

    private Task<Proposal> Propose(byte[] payload) => _fourEyes.ProposeAsync("demo", "p1", "lexicon.publish", "tenants/demo/lexicon", "anna", payload, "new words");
}
