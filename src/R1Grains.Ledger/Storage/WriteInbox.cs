using System.Threading.Channels;

namespace R1Grains.Ledger.Storage;

/// <summary>
/// What waits to be written. Whatever is here when a writer comes back from a commit goes into its next transaction:
/// batches grow with the load, and an append that comes alone waits for nobody.
/// </summary>
internal sealed class WriteInbox
{
    private const int Capacity = 1_024;
    private const int BatchSizeMax = 256;

    private readonly Channel<Write> _writes = Channel.CreateBounded<Write>(new BoundedChannelOptions(Capacity) { SingleReader = true });

    /// <summary>Completes when the write is durable. Cancelling withdraws it only while it waits for room.</summary>
    /// <exception cref="ObjectDisposedException">The record is closed.</exception>
    public async Task<T> Post<T>(Write<T> write, CancellationToken cancellation)
    {
        try
        {
            await _writes.Writer.WriteAsync(write, cancellation);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(IRecord));
        }
        return await write.Done;
    }

    /// <summary>False when the inbox is closed and empty.</summary>
    public ValueTask<bool> WaitAsync() => _writes.Reader.WaitToReadAsync();

    public void TakeInto(List<Write> batch)
    {
        while (batch.Count < BatchSizeMax && _writes.Reader.TryRead(out var write))
            batch.Add(write);
    }

    public void Close() => _writes.Writer.TryComplete();
}
