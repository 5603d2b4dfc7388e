using System.Threading.Channels;
using R1Grains.Engine;
using R1Grains.Inference;

namespace R1Grains.Tests.Inference;

public class OutboxTests
{
    /// <summary>Of a silo that died nobody takes the replies, and the rows that they hold are wanted by those who go on with them.</summary>
    [Fact]
    public void Whoever_asks_again_ends_what_was_asked_before()
    {
        var (outbox, tokens) = (new Outbox(TimeProvider.System), new Dictionary<int, CancellationToken>());
        foreach (var (reply, request) in new[] { (1, "lost"), (2, "other") })
            outbox.Add(reply, request, leaving =>
            {
                tokens[reply] = leaving;
                return Channel.CreateUnbounded<Emission>().Reader;
            });

        outbox.LeaveRequest("lost");

        Assert.True(tokens[1].IsCancellationRequested);
        Assert.False(tokens[2].IsCancellationRequested);
    }
}
