using Grpc.Core;
using R1Grains.Access;
using R1Grains.Ledger;
using R1Grains.Ledger.Tree;
using R1Grains.Tests.Scripted;
using R1Grains.V1;

namespace R1Grains.Tests.Gateway;

public sealed class ReceiptTests
{
    [Fact]
    public async Task A_completed_turn_promises_a_place_in_the_tree_and_the_proof_keeps_the_promise()
    {
        await using var host = await EmbeddedHost.Start();
        var conversation = await host.Open("c1");
        var receipt = (await host.Say(conversation, "1").Rest())[^1].Completed.Receipt;

        using var key = NoteKey.FromPem(await File.ReadAllTextAsync(Path.Combine(host.Data, SqliteRecord.KeyFileName + ".pub")));
        var note = SignedNote.Parse(receipt.SignedNote);
        Assert.True(key.Signed(note, "r1grains/demo"));
        Assert.Equal($"{key.Id:x8}", receipt.KeyId);
        var promise = Promise.Parse(note.Text);
        Assert.Equal(("c1", receipt.Index, receipt.LeafHash), (promise.Conversation, promise.Index, promise.LeafHash.ToString()));

        var transcripts = new TranscriptService.TranscriptServiceClient(host.Channel);
        var proof = await Proof(transcripts, $"{conversation}/turns/1");
        Assert.Equal(receipt, proof.Receipt);
        var signed = SignedNote.Parse(proof.Checkpoint);
        var checkpoint = Checkpoint.Parse(signed.Text);
        Assert.True(key.Signed(signed, "r1grains/demo"));
        Assert.True(TreeProof.Includes(checkpoint.Root, checkpoint.Size, proof.LeafIndex, promise.LeafHash, [.. proof.Hashes.Select(hash => new Digest(hash.Span))]));

        var missing = await Assert.ThrowsAsync<RpcException>(async () => await transcripts.GetInclusionProofAsync(new() { Turn = $"{conversation}/turns/2" }));
        Assert.Equal(StatusCode.NotFound, missing.StatusCode);
        var foreign = await Assert.ThrowsAsync<RpcException>(async () => await transcripts.GetInclusionProofAsync(new() { Turn = $"{conversation}/turns/1" }, host.Bearer("other", "eve", Permission.ReadTurns)));
        Assert.Equal(StatusCode.NotFound, foreign.StatusCode);
        var unpermitted = await Assert.ThrowsAsync<RpcException>(async () => await transcripts.GetInclusionProofAsync(new() { Turn = $"{conversation}/turns/1" }, host.Bearer("demo", "bob", Permission.SendTurns)));
        Assert.Equal(StatusCode.PermissionDenied, unpermitted.StatusCode);
    }

    [Fact]
    public async Task There_is_no_proof_of_a_turn_that_has_not_ended()
    {
        using var gate = new SemaphoreSlim(0);
        await using var host = await EmbeddedHost.Start(new() { Gate = gate });
        var conversation = await host.Open("c1");
        using var call = host.Say(conversation, "1");
        await call.Next();
        var early = await Assert.ThrowsAsync<RpcException>(async () => await new TranscriptService.TranscriptServiceClient(host.Channel).GetInclusionProofAsync(new() { Turn = $"{conversation}/turns/1" }));
        Assert.Equal(StatusCode.Aborted, early.StatusCode);
        gate.Release(1_000);
        await call.Rest();
    }

    private static async Task<V1.InclusionProof> Proof(TranscriptService.TranscriptServiceClient transcripts, string turn)
    {
        using var patience = new CancellationTokenSource(Talk.Patience);
        while (true)
        {
            try
            {
                return await transcripts.GetInclusionProofAsync(new() { Turn = turn }, cancellationToken: patience.Token);
            }
            catch (RpcException pending) when (pending.StatusCode is StatusCode.Unavailable)
            {
                Assert.Equal("PROOF_PENDING", pending.GetRpcStatus()?.GetDetail<Google.Rpc.ErrorInfo>()?.Reason);
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, patience.Token);
            }
        }
    }
}
