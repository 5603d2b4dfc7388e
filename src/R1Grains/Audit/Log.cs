using R1Grains.Operations;

namespace R1Grains.Audit;

internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Error, Message = "An erasure of {Tenant} stands still; it goes on within a minute")]
    public static partial void ErasureStands(ILogger log, Exception failure, [NameData] string tenant);

    [LoggerMessage(Level = LogLevel.Error, Message = "A key rotation of {Tenant} stands still; it goes on within a minute")]
    public static partial void RotationStands(ILogger log, Exception failure, [NameData] string tenant);

    [LoggerMessage(Level = LogLevel.Error, Message = "An export of {Tenant} stands still; it goes on within seconds")]
    public static partial void ExportStands(ILogger log, Exception failure, [NameData] string tenant);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Export} failed, incident {Incident}")]
    public static partial void ExportFailed(ILogger log, Exception failure, [NameData] string export, [NameData] string incident);

    [LoggerMessage(Level = LogLevel.Critical, Message = "The ledger of {Tenant} is not what it was, found by somebody who had it verified: {Place}")]
    public static partial void LedgerInvalid(ILogger log, [NameData] string tenant, [NameData] string place);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Conversations} conversations of {Tenant} were past their time, and their keys are destroyed")]
    public static partial void Swept(ILogger log, [NameData] string tenant, int conversations);

    [LoggerMessage(Level = LogLevel.Error, Message = "What is past its time was not destroyed everywhere ({Tenant}); it goes on within a minute")]
    public static partial void NotSwept(ILogger log, Exception failure, [NameData] string tenant);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Months} months were past their time and lie beside the record, as retired_entry_ and retired_piece_, until they are archived and dropped")]
    public static partial void MonthsRetired(ILogger log, int months);

    [LoggerMessage(Level = LogLevel.Error, Message = "Months that are past their time were not taken out of the record; it is tried tomorrow. It takes a member of the database role of the owner (ConnectionStrings__PostgresOwner)")]
    public static partial void MonthsStand(ILogger log, Exception failure);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The search index of {Tenant} was built with another key, or by another version, and stays as it is until an operator has it built anew: r1 tenants reindex")]
    public static partial void OtherIndex(ILogger log, [NameData] string tenant);

    [LoggerMessage(Level = LogLevel.Error, Message = "The search index stands still; it is tried again")]
    public static partial void NotIndexed(ILogger log, Exception failure);
}
