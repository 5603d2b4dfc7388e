using System.Reflection;
using R1Grains.Ledger;

namespace R1Grains.Tests.Conversations;

/// <summary>Counts how often turns are listed in a record that is otherwise as it was.</summary>
internal sealed class RecordedReads
{
    private int _lists;

    public int Lists => Volatile.Read(ref _lists);

    public IRecord Of(IRecord record)
    {
        var counted = DispatchProxy.Create<IRecord, Counting>();
        var counting = (Counting)(object)counted;
        (counting.Record, counting.Reads) = (record, this);
        return counted;
    }

    // Made by the runtime, which wants it to be neither sealed nor private.
    internal class Counting : DispatchProxy
    {
        public IRecord Record { get; set; } = null!;

        public RecordedReads Reads { get; set; } = null!;

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            if (targetMethod!.Name is nameof(IRecord.ListTurnsAsync)) Interlocked.Increment(ref Reads._lists);
            return targetMethod.Invoke(Record, args);
        }
    }
}
