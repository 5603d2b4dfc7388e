using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Retention;

namespace R1Grains.Ledger.Tests;

/// <summary>An erasure whose process is killed goes on where it stopped, and ends once.</summary>
public abstract class ErasureCrashTests(IRecordStore store) : StoreTests(store)
{
    [Fact]
    public async Task An_erasure_that_is_killed_between_any_two_steps_ends_with_one_certificate()
    {
        using var time = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        await (await Store.OpenAsync()).DisposeAsync();
        foreach (var step in Enum.GetValues<ErasureStep>())
        {
            var (customer, name) = ($"customers/{step}", $"c{(int)step}");
            var id = await ApproveAsync(customer, name);
            await KillAtAsync(step, time.Token);

            await using var erasing = await ErasingProcess.OpenAsync(Store.Arguments);
            var found = (await erasing.Erasures.FindAsync("demo", id))!.Erasure!;
            Assert.Equal(
                step switch
                {
                    ErasureStep.EndsTurns => ErasureState.Restricted,
                    ErasureStep.HasCertified => ErasureState.Erased,
                    _ => ErasureState.Destroying,
                },
                found.State);
            // From the first key on there is nothing to be read, whoever looks before it goes on.
            Assert.Equal(step >= ErasureStep.HasDestroyedKeys, (await erasing.Record.FindConversationAsync(Samples.Key(name)))!.IsErased);
            Assert.Equal(step == ErasureStep.HasCertified ? 0 : 1, await erasing.Work.AdvanceAsync("demo"));
            Assert.Equal(0, await erasing.Work.AdvanceAsync("demo"));

            var done = (await erasing.Erasures.FindAsync("demo", id))!.Erasure!;
            Assert.Equal((ErasureState.Erased, 1L, 2), (done.State, done.Turns, done.Parts.Count));
            foreach (var part in done.Parts)
                Assert.True((await erasing.Record.FindConversationAsync(Samples.Key(part.Conversation)))!.IsErased);
            var certified = (await erasing.Record.Registry.ListEntriesAsync("demo", 1_000)).Items.Select(entry => entry.Record)
                .Where(record => record.Action == ErasureCertificate.Action && record.Details.Any(detail => detail.Value == done.Name));
            Assert.Equal(done.Certificate, Assert.Single(certified).Details.Single(detail => detail.Name == ErasureCertificate.Detail).Value);
        }
        using var key = Store.Key;
        var report = await Store.VerifyAsync([key]);
        Assert.True(report.Valid, report.FirstBad?.ToString());
    }

    private async Task KillAtAsync(ErasureStep step, CancellationToken cancellation)
    {
        using var process = ErasingProcess.Start(step, Store.Arguments);
        try
        {
            if (await process.StandardOutput.ReadLineAsync(cancellation) is var line && line != $"{step}")
                Assert.Fail($"{line}{await process.StandardError.ReadToEndAsync(cancellation)}");
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }

    /// <summary>Of a customer of two conversations, one of them with a turn.</summary>
    private async Task<string> ApproveAsync(string customer, string name)
    {
        await using var erasing = await ErasingProcess.OpenAsync(Store.Arguments);
        foreach (var key in new[] { Samples.Key(name), Samples.Key($"{name}-2") })
            await erasing.Record.CreateConversationAsync(Samples.Opened(key) with { Customer = customer });
        await erasing.Record.AppendTurn(Samples.Key(name), 1, (await erasing.Record.TakeOverAsync(Samples.Key(name)))!.Epoch, 2);
        var extent = Extent.OfCustomer((await erasing.Keys.SubjectsAsync("demo", customer)).Select(subject => subject.Hash));
        var asked = await erasing.Erasures.RequestAsync("demo", Erasures.IdOf("steve", customer), extent, waits: false, "steve", "request");
        await erasing.Erasures.ApproveAsync("demo", asked.Proposal.Id, asked.Proposal.PayloadHash, "xenia", "checked");
        return asked.Proposal.Id;
    }
}
