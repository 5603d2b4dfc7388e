using System.Data.Common;
using R1Grains.Ledger.Tree;
using R1Grains.Ledger.Verification;

namespace R1Grains.Ledger;

/// <summary>
/// Recomputes what one tenant has from its rows, as <see cref="RecordVerifier"/> does everything, beside whoever writes. Nothing
/// of another tenant is read. Of a tenant there is one at a time, until it is disposed of.
/// </summary>
public sealed class TenantVerification : IDisposable
{
    private readonly IEvidence _evidence;
    private readonly Func<Exception, Exception> _translate;
    private readonly Action? _ended;

    /// <param name="evidence">Is disposed of with it.</param>
    internal TenantVerification(IEvidence evidence, Func<Exception, Exception> translate, Action? ended = null) => (_evidence, _translate, _ended) = (evidence, translate, ended);

    /// <summary>Once.</summary>
    /// <param name="keys">That sign checkpoints, receipts and certificates, or from which the record leads to those that do.</param>
    /// <exception cref="RecordUnavailableException">Reading stopped for a reason that says nothing about the record.</exception>
    public Task<VerificationReport> RunAsync(IReadOnlyList<NoteKey> keys, IProgress<VerificationProgress>? progress = null, CancellationToken cancellation = default) => Task.Run(() =>
    {
        try
        {
            return new RecordWalk(_evidence, keys, dataKeys: null).Run(progress, cancellation);
        }
        catch (DbException failure)
        {
            throw _translate(failure);
        }
    }, cancellation);

    public void Dispose()
    {
        _evidence.Dispose();
        _ended?.Invoke();
    }
}
