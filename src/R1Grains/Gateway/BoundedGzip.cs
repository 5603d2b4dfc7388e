using System.IO.Compression;
using Grpc.Core;
using Grpc.Net.Compression;

namespace R1Grains.Gateway;

/// <summary>Gzip that gives no more than a message may have, however little it was packed into.</summary>
/// <param name="limit">In bytes.</param>
internal sealed class BoundedGzip(int limit) : ICompressionProvider
{
    public string EncodingName => "gzip";

    public Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel) => new GZipStream(stream, compressionLevel ?? CompressionLevel.Fastest, leaveOpen: true);

    public Stream CreateDecompressionStream(Stream stream) => new Bounded(new(stream, CompressionMode.Decompress, leaveOpen: true), limit);

    private sealed class Bounded(GZipStream stream, int limit) : Stream
    {
        private int _left = limit;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer)
        {
            // One byte more than there may be tells that there is more.
            var read = stream.Read(buffer[..(int)Math.Min(buffer.Length, _left + 1L)]);
            return (_left -= read) >= 0 ? read : throw new RpcException(new(StatusCode.ResourceExhausted, "the message is larger than it may be"));
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) stream.Dispose();
            base.Dispose(disposing);
        }
    }
}
