using R1Grains.Ledger;
using R1Grains.Ledger.Tree;
using R1Grains.Tests.Gateway;

namespace R1Grains.Tests.Cli;

/// <summary><c>r1 audit verify --server</c></summary>
public sealed class VerifyCommandTests : IDisposable
{
    private readonly TemporaryFolder _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task A_server_verifies_its_own_and_what_it_ends_with_is_checked_against_the_key()
    {
        await using var host = await EmbeddedHost.Start();
        await ExportTests.Said(host, "c1", "", "one", "two");
        var key = Path.Combine(host.Data, SqliteRecord.KeyFileName + ".pub");
        var (exitCode, output, errors) = await Run(host, "--key", key);
        Assert.Equal(("", 0), (errors, exitCode));
        var lines = output.Split('\n');
        Assert.StartsWith("VALID: tenants/demo: 1 conversations, 2 turns (0 open), 5 entries, ", lines[0], StringComparison.Ordinal);
        using (var read = NoteKey.FromPem(await File.ReadAllTextAsync(key)))
            Assert.Matches($"^tree: [0-9]+ leaves with root hash [0-9a-f]{{64}}, [0-9]+ checkpoints, signed with {read.Id:x8}$", lines[1]);

        (exitCode, _, errors) = await Run(host);
        Assert.Equal(0, exitCode);
        Assert.StartsWith("r1: that is the server's word alone.", errors, StringComparison.Ordinal);

        // Another key than the one that signs.
        var other = Path.Combine(_home.Path, "other.pub");
        using (var stranger = NoteSigner.Generate())
            await File.WriteAllTextAsync(other, stranger.PublicPem);
        (exitCode, output, _) = await Run(host, "--key", other);
        Assert.Equal(1, exitCode);
        Assert.StartsWith("INVALID: tenants/demo: ", output, StringComparison.Ordinal);
        Assert.Contains(" leaves is not signed with the key given", output, StringComparison.Ordinal);

        VerificationTests.Execute(host, "UPDATE piece SET time = time + 1 WHERE turn = 2");
        (exitCode, output, _) = await Run(host, "--key", key);
        Assert.Equal(1, exitCode);
        Assert.StartsWith("INVALID: tenants/demo: ", output, StringComparison.Ordinal);
        Assert.Contains("\nfirst of 1: tenants/demo/conversations/c1/turns/2 piece 1: its hash is ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_asked_or_is_refused_is_told_in_a_line()
    {
        await using var host = await EmbeddedHost.Start();
        var server = (string[])["audit", "verify", "--server", host.Address];
        var (exitCode, _, errors) = await R1Process.Run(_home.Path, "", server);
        Assert.Equal(2, exitCode);
        Assert.StartsWith("--purpose is missing: say why the server is asked", errors, StringComparison.Ordinal);
        (exitCode, _, errors) = await R1Process.Run(_home.Path, "", [.. server, host.Data, "-m", "x"]);
        Assert.Equal(2, exitCode);
        Assert.StartsWith("Name a record, or a --server that verifies its own: not both.", errors, StringComparison.Ordinal);
        (exitCode, _, errors) = await R1Process.Run(_home.Path, "", [.. server, "--tenant", "nobody", "-m", "x"]);
        Assert.Equal(2, exitCode);
        Assert.StartsWith("r1: TENANT_NOT_FOUND: ", errors, StringComparison.Ordinal);
        var token = host.Appointed("demo", "sam", "supervisor").Get("authorization")!.Value["Bearer ".Length..];
        (exitCode, _, errors) = await R1Process.Run(_home.Path, "", [.. server, "-m", "x", "--token", token]);
        Assert.Equal(2, exitCode);
        Assert.StartsWith("r1: PERMISSION_DENIED: ", errors, StringComparison.Ordinal);
    }

    private Task<(int ExitCode, string Output, string Errors)> Run(EmbeddedHost host, params string[] more) =>
        R1Process.Run(_home.Path, "", ["audit", "verify", "--server", host.Address, "-m", "monthly review", .. more]);
}
