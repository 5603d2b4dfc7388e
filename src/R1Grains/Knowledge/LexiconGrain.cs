using Orleans.Concurrency;
using Orleans.Placement;
using R1Grains.Cluster;
using R1Grains.Compliance;
using R1Grains.Conversations;

namespace R1Grains.Knowledge;

/// <inheritdoc cref="ILexiconGrain"/>
[Reentrant, RolePlacement(Roles.Conversation), RandomPlacement]
public sealed class LexiconGrain(TenantLexicons lexicons, WordLists lists, Editions editions, TimeProvider time) : Grain, ILexiconGrain
{
    public async Task<TextVerdict> Test(TextTrial trial, CancellationToken cancellation)
    {
        var (lexicon, edition) = await Find(trial);
        var guardrail = new Guardrail(lexicon, this.GetPrimaryKeyString(), trial.Day ?? DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime), trial.Language);
        var (hits, shown) = trial.Scope is LexiconScope.Input ? guardrail.TryInput(trial.Text) : guardrail.TryAnswer(trial.Text);
        return new(hits.Select(hit => hit.Entry.Rule.Action).DefaultIfEmpty(LexiconAction.Allow).Max(), shown, Lexicon.NormalForm(trial.Text), [.. hits], lexicon.Version, edition);
    }

    private async Task<(Lexicon Lexicon, int Edition)> Find(TextTrial trial)
    {
        var tenant = this.GetPrimaryKeyString();
        if (trial.Candidate is Candidate.None)
        {
            var inForce = lexicons.InForce(tenant);
            return (inForce.Lexicon, inForce.Edition?.Number ?? 0);
        }
        var entries = trial.Candidate switch
        {
            Candidate.WordLists => await editions.Drafts(tenant),
            Candidate.WordList => (await lists.Find(tenant, trial.Id)).Entries,
            Candidate.Proposal => (await editions.FindProposal(tenant, trial.Id)).Entries,
            _ => (await editions.FindEdition(tenant, trial.Number)).Entries,
        };
        try
        {
            return (lexicons.With(tenant, entries), 0);
        }
        catch (LexiconException wrong)
        {
            throw new RefusedException(new(Reason.InvalidArgument, wrong.Message));
        }
    }
}
