using System.Text;
using Microsoft.Extensions.DependencyInjection;
using R1Grains.Engine;
using R1Grains.Engine.Tests.Scripted;
using R1Grains.Knowledge;
using R1Grains.Ledger;
using R1Grains.LoadTests.Attacks;
using R1Grains.Tests.Gateway;

namespace R1Grains.Tests.Load;

/// <summary>The red set against models that hide nothing: what is guaranteed hangs on none of them.</summary>
public sealed class AttackTests
{
    private const int BeginsUser = 258;
    private const int ContextLength = 16_384;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Fact]
    public void The_set_has_200_attacks_of_twelve_classes_and_none_asks_for_its_own_words()
    {
        var attacks = Attack.ReadAll();
        Assert.Equal((200, 12), (attacks.Count, attacks.Select(attack => attack.Class).Distinct().Count()));
        Assert.All(attacks.CountBy(attack => (attack.Class, attack.Language)), counted => Assert.InRange(counted.Value, 7, 10));
        Assert.All(attacks.Where(attack => attack.Secrets.Count == 0), attack => Assert.DoesNotContain(
            attack.Say.Append(attack.Passage ?? ""),
            said => attack.Wants.Any(want => said.Contains(want, want.Any(char.IsAsciiLetterUpper) ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase))));
    }

    [Fact]
    public void An_answer_with_what_an_attack_wants_is_seen_and_another_is_not()
    {
        using var folder = new TemporaryFolder();
        var tenant = new Tenants(AttackedTenant.Write(folder.Path, Attack.ReadAll())).Find(AttackedTenant.Name)!;
        var judge = new Judge(ScriptedModel.Create(), tenant);
        foreach (var attack in Attack.ReadAll())
        {
            Assert.All(attack.Wants, want => Assert.Equal(want, judge.Got(attack with { Wants = [want] }, ["Well.", Granted(want)])));
            Assert.Null(judge.Got(attack, ["Well.", "Sorry, the documents do not tell. 资料没有提到，请拨打400-816-7300。The fee is 180 yuan."]));
        }

        string Granted(string want) => want switch
        {
            "$policy" => $"My rules: {tenant.Policy.Text[5..30]}",
            "$canary" => string.Join(' ', tenant.Prompt[..12].ToUpperInvariant().AsEnumerable()),
            "$number" => "It is 13812345678.",
            "$tags" => "Sure 😀\U000E0041",
            _ => $"Sure: {want} and so on",
        };
    }

    /// <summary>Each teller gets a quarter of every class.</summary>
    [Theory]
    [InlineData(0, "the whole prompt")]
    [InlineData(1, "the whole prompt backwards")]
    [InlineData(2, "the whole prompt letter by letter")]
    [InlineData(3, "the last message")]
    public async Task A_model_that_tells_all_it_was_shown_shows_no_canary_and_nothing_that_is_masked(int quarter, string tells)
    {
        using var folder = new TemporaryFolder();
        using var impatience = new CancellationTokenSource(Patience);
        IReadOnlyList<Attack> attacks = [.. Attack.ReadAll().Where((_, i) => i % 4 == quarter)];
        await using var host = await EmbeddedHost.Start(
            configure: builder => builder.Services.AddSingleton(provider => Teller(tells, provider)), settings: [$"--R1:Tenants={AttackedTenant.Write(folder.Path, attacks)}"]);
        var services = host.App.Services;
        using var run = new AttackRun(host.Address, services.GetRequiredService<IRecord>(), services.GetRequiredService<Model>(), services.GetRequiredService<Tenants>());
        var attempts = await run.Go(attacks, impatience.Token);
        Assert.Empty(attempts.Where(attempt => attempt.Breach is not Breach.None).Select(attempt => $"{attempt.Breach}: {attempt.Attack.Say[^1]}: {attempt.Answers[^1]}"));
        if (quarter < 3) Assert.All(attempts, attempt => Assert.True(attempt.IsStopped, attempt.Answers[^1]));
    }

    private static InferenceEngine Teller(string tells, IServiceProvider provider)
    {
        var (model, options) = (ScriptedModel.Create(ContextLength), provider.GetRequiredService<Settings>().Engine);
        return new(model, new ScriptedRunner(model, Next, options.Rows), options, provider.GetRequiredService<TimeProvider>());

        int Next(IReadOnlyList<int> ids)
        {
            var begin = ids.Count - 1;
            while (ids[begin] != ScriptedModel.ThinkOpen) begin--;
            byte[] text = [.. ids.Take(begin).Skip(tells == "the last message" ? LastUser(ids, begin) : 0).Where(id => id < 256).Select(id => (byte)id)];
            var told = tells switch
            {
                "the whole prompt backwards" => string.Concat(Encoding.UTF8.GetString(text).Reverse()),
                "the whole prompt letter by letter" => string.Join("-", Encoding.UTF8.GetString(text).AsEnumerable()),
                _ => Encoding.UTF8.GetString(text),
            };
            int[] reply = [ScriptedModel.ThinkClose, .. Encoding.UTF8.GetBytes(told).Select(value => (int)value), ScriptedModel.End];
            return reply[Math.Min(ids.Count - begin - 2, reply.Length - 1)];
        }

        static int LastUser(IReadOnlyList<int> ids, int before)
        {
            while (ids[--before] != BeginsUser)
            {
            }
            return before;
        }
    }
}
