using R1Grains.Ledger.Retention;

namespace R1Grains.Ledger.Tests;

/// <summary>What is signed when words have been erased.</summary>
public sealed class ErasureCertificateTests : IAsyncLifetime
{
    private readonly ErasingDesk _desk = new();

    public Task InitializeAsync() => _desk.OpenAsync();

    public async Task DisposeAsync() => await _desk.DisposeAsync();

    [Fact]
    public async Task A_customer_of_ten_thousand_exports_has_a_certificate_that_names_all_of_them()
    {
        await _desk.SayAsync("c1", "customers/1");
        var subject = (await _desk.OfCustomerAsync("customers/1")).Subjects.Single();
        var exports = Enumerable.Range(0, 10_000).Select(number => $"export-{number:x8}{new string('f', 40)}").ToList();
        foreach (var some in exports.Chunk(IRegistry.ChangesMax))
        {
            await _desk.Record.Registry.ChangeAsync(
                new() { Tenant = "demo", Time = Samples.Start, Actor = "frank", Action = "export.create", Resource = "tenants/demo" },
                [.. some.Select(export => new DocumentChange(ExportedCustomers.Kind, ExportedCustomers.IdOf(subject, export), 0, [1]))]);
        }
        var asked = await _desk.ApproveAsync("customers/1");
        Assert.Equal(1, await _desk.AdvanceAsync());
        var erased = (await _desk.FindAsync(asked.Id))!;
        Assert.Equal(exports.Select(export => $"tenants/demo/exports/{export}").Order(StringComparer.Ordinal), erased.Exports);
        Assert.Contains("\nexports 10000 ", erased.Certificate, StringComparison.Ordinal);
        Assert.Null((await RecordVerifier.VerifyAsync(_desk.Folder)).FirstBad);
    }

    [Theory]
    [InlineData("Exports"), InlineData("Turns"), InlineData("Parts")]
    public async Task A_document_that_lists_something_else_than_was_signed_is_found(string what)
    {
        await _desk.SayAsync("c1", "customers/1");
        var asked = await _desk.ApproveAsync("customers/1");
        await _desk.AdvanceAsync();
        var erased = (await _desk.FindAsync(asked.Id))!;
        // By whoever may write the chain, so that its hashes agree.
        var other = what switch
        {
            "Exports" => erased with { Exports = ["tenants/demo/exports/e1"] },
            "Turns" => erased with { Turns = 2 },
            _ => erased with { Parts = [] },
        };
        await _desk.Record.Registry.ChangeAsync(
            new() { Tenant = "demo", Time = Samples.Start, Actor = "mallory", Action = "erasure.mend", Resource = "tenants/demo" },
            [new(Erasure.Done, erased.Id, 1, other.Encode())]);
        Assert.Contains($"'{erased.Id}': its certificate says something else", (await RecordVerifier.VerifyAsync(_desk.Folder)).FirstBad!.Reason, StringComparison.Ordinal);
    }
}
