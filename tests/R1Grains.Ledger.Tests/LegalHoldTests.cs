using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Retention;

namespace R1Grains.Ledger.Tests;

/// <summary>Holds that come while something is being erased.</summary>
public sealed class LegalHoldTests : IAsyncLifetime
{
    private readonly ErasingDesk _desk = new();

    public Task InitializeAsync() => _desk.OpenAsync();

    public async Task DisposeAsync() => await _desk.DisposeAsync();

    [Fact]
    public async Task A_hold_keeps_all_but_what_is_being_destroyed_already_and_names_it()
    {
        foreach (var number in Enumerable.Range(1, 2))
            await _desk.SayAsync($"c{number}", $"customers/{number}");
        var first = await _desk.ApproveAsync("customers/1");
        // It is held up where there is no way back any more.
        _desk.StopBefore(ErasingDesk.Step.Index);
        var erasing = _desk.AdvanceAsync();
        await _desk.Stopped;

        Assert.Equal(HoldRefusal.TooLate, (await Assert.ThrowsAsync<HoldRefusedException>(() => _desk.Holds.PlaceAsync("demo", "h1", Extent.OfConversation("c1"), "frank", "case 7"))).Refusal);
        var hold = await _desk.Holds.PlaceAsync("demo", "h2", Extent.Tenant, "frank", "inspection");
        Assert.Equal([first.Name], hold.TooLateFor);
        Assert.Equal([first.Name], (await _desk.Holds.PlaceAsync("demo", "h2", Extent.Tenant, "frank", "inspection")).TooLateFor);
        Assert.Equal([first.Name], (await _desk.Holds.PlaceAsync("demo", "h3", await _desk.OfCustomerAsync("customers/1"), "frank", "case 7")).TooLateFor);
        Assert.Empty((await _desk.Holds.PlaceAsync("demo", "h4", await _desk.OfCustomerAsync("customers/2"), "frank", "case 8")).TooLateFor);
        var held = await Assert.ThrowsAsync<ErasureRefusedException>(() => _desk.RequestAsync("customers/2"));
        Assert.Equal(ErasureRefusal.Held, held.Refusal);

        _desk.GoOn();
        Assert.Equal(1, await erasing);
        Assert.Equal(["c1"], await _desk.ErasedAsync());
        var placed = (await _desk.Record.Registry.ListEntriesAsync("demo", 100)).Items.Select(entry => entry.Record).First(record => record.Action == "legal-hold.place");
        Assert.Equal(("too-late-for", first.Name), (placed.Details[^1].Name, placed.Details[^1].Value));
    }

    [Fact]
    public async Task A_hold_that_races_with_an_erasure_keeps_all_of_it_or_says_that_all_of_it_goes()
    {
        var (kept, late) = (0, 0);
        for (var round = 0; round < 24; round++)
        {
            var customer = $"customers/{round}";
            await _desk.SayAsync($"a{round}", customer);
            await _desk.SayAsync($"b{round}", customer);
            var erasure = await _desk.ApproveAsync(customer);
            var erasing = _desk.AdvanceAsync();
            // From long before the decision to after it, as luck has it.
            var looks = _desk.Looks;
            while (_desk.Looks < looks + round % 8 && !erasing.IsCompleted)
                await Task.Yield();
            var hold = await _desk.Holds.PlaceAsync("demo", $"h{round}", await _desk.OfCustomerAsync(customer), "frank", "case");
            await erasing;
            var gone = (await _desk.ErasedAsync()).Count(name => name == $"a{round}" || name == $"b{round}");
            var isDone = await _desk.FindAsync(erasure.Id) is { State: ErasureState.Erased };
            if (gone == 0)
            {
                Assert.Equal((false, 0), (isDone, hold.TooLateFor.Count));
                kept++;
            }
            else
            {
                // Destroyed whole, and the hold knew it, or came after the end.
                Assert.Equal((2, true), (gone, isDone));
                Assert.True(hold.TooLateFor.Contains(erasure.Name) || (await _desk.FindAsync(erasure.Id))!.Erased <= hold.PlacedAt);
                late++;
            }
        }
        Assert.True(kept > 0 && late > 0, $"kept {kept}, late {late}");
    }
}
