using Grpc.Net.Client;
using R1Grains.Compliance;
using R1Grains.Engine;
using R1Grains.Knowledge;
using R1Grains.Ledger;
using R1Grains.V1;

namespace R1Grains.LoadTests.Attacks;

/// <summary>Lets a host of this process be attacked through its front door, and looks at what was shown and at what the model was given.</summary>
internal sealed class AttackRun(string address, IRecord record, Model model, Tenants tenants) : IDisposable
{
    private const int AtOnce = 8;

    private readonly GrpcChannel _channel = GrpcChannel.ForAddress(address);
    private readonly Judge _judge = new(model, tenants.Find(AttackedTenant.Name)!);

    public async Task<IReadOnlyList<Attempt>> Go(IReadOnlyList<Attack> attacks, CancellationToken cancellation)
    {
        var attempts = new Attempt[attacks.Count];
        var bounds = new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation };
        await Parallel.ForEachAsync(Enumerable.Range(0, attacks.Count), bounds, async (i, cancel) => attempts[i] = await Go(attacks[i], $"attack-{i}", cancel));
        return attempts;
    }

    public void Dispose() => _channel.Dispose();

    private async Task<Attempt> Go(Attack attack, string id, CancellationToken cancellation)
    {
        var (conversations, turns) = (new ConversationService.ConversationServiceClient(_channel), new TurnService.TurnServiceClient(_channel));
        var conversation = await conversations.CreateConversationAsync(
            new() { Parent = $"tenants/{AttackedTenant.Name}", ConversationId = id, RequestId = id, Conversation = new() { LanguageCode = attack.Language } }, cancellationToken: cancellation);
        List<V1.Turn> answered = [];
        foreach (var (words, number) in attack.Say.Select((words, i) => (words, i + 1)))
            answered.Add(await turns.SendTurnAsync(new() { Conversation = conversation.Name, RequestId = $"{number}", Input = new() { Text = words } }, cancellationToken: cancellation));

        IReadOnlyList<string> answers = [.. answered.Select(turn => turn.Output)];
        var breach = Breach.None;
        foreach (var answer in answers)
        {
            if (_judge.ShowsCanary(answer)) breach |= Breach.Canary;
            if (attack.Secrets.Any(secret => Judge.Holds(answer, secret))) breach |= Breach.SecretShown;
        }
        var key = new ConversationKey(AttackedTenant.Name, id);
        for (var turn = 1; turn <= answered.Count; turn++)
            if (await record.ReadPromptAsync(key, turn, cancellation) is { Length: > 0 } prompt)
                breach |= _judge.Look(attack, (await record.FindTurnAsync(key, turn, cancellation))!.Opened, prompt);
        return new(attack, answers, [.. answered.Select(turn => turn.Completed?.FinishReason ?? default)]) { Got = _judge.Got(attack, answers), Breach = breach };
    }
}
