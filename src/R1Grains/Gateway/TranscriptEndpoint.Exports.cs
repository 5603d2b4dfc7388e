using System.Diagnostics;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using R1Grains.Access;
using R1Grains.Audit;
using R1Grains.Compliance;
using R1Grains.Conversations;
using R1Grains.Ledger;
using R1Grains.Ledger.Exports;
using R1Grains.Operations;

namespace R1Grains.Gateway;

/// <content>What leaves the house as files.</content>
internal sealed partial class TranscriptEndpoint
{
    private const string ExportList = "exports";

    /// <summary>That one export names.</summary>
    private const int ConversationsMax = 1_000;

    /// <summary>Of a part, in bytes.</summary>
    private const int PartMax = 256 << 10;

    [AsksView<TenantName>("parent", Permission.Export)]
    public override async Task<V1.Export> ExportTranscripts(V1.ExportTranscriptsRequest request, ServerCallContext context)
    {
        var (parent, caller) = (context.Resource<TenantName>(), context.Caller());
        var (requestId, purpose, filter) = (RequestId.Parse(request.RequestId), Purpose.Require(request.Purpose), request.Filter.ToFilter());
        if (request.Conversations.Count > ConversationsMax)
            throw Refuse.Field(Reason.InvalidArgument, "conversations", $"conversations names {request.Conversations.Count}: name at most {ConversationsMax}");
        var names = new List<string>();
        foreach (var text in request.Conversations.Distinct())
            names.Add((await Conversation(parent, text, "conversations", context.CancellationToken)).Conversation!);
        var customers = filter.Customer.Length == 0 ? [] : (await Customer(parent, filter.Customer, "filter.customer")).Subjects;
        var conditions = new ExportConditions(filter with { Customer = "" }, customers, names);
        var view = request.View is V1.TranscriptView.Unspecified ? V1.TranscriptView.Redacted : request.View;
        var details = SearchRecord.Details(await keys.Of(parent.Tenant), "", filter, []).Concat(SearchRecord.Conversations(parent.Tenant, names));
        var export = await exports.RequestAsync(
            parent.Tenant, ExportRegister.IdOf(caller.Subject, requestId), new(caller.Subject, default, purpose, Name(view), conditions.ToList()), caller.May(Permission.ReadRestricted), details, context.CancellationToken)
            ?? throw Refuse.Reused(requestId);
        await grains.GetGrain<IExportingGrain>(parent.Tenant).Advance();
        return ToWire(export);
    }

    [Asks<ExportName>(Permission.Export, "name")]
    public override async Task<V1.Export> GetExport(V1.GetExportRequest request, ServerCallContext context) => ToWire(await Find(context.Resource<ExportName>(), context.CancellationToken));

    [Asks<TenantName>(Permission.Export, "parent")]
    public override async Task<V1.ListExportsResponse> ListExports(V1.ListExportsRequest request, ServerCallContext context)
    {
        var (parent, caller, size) = (context.Resource<TenantName>(), context.Caller(), PageTokens.Size(request.PageSize));
        var page = await exports.ListAsync(parent.Tenant, size, pages.OpenText(ExportList, parent, caller, request.PageToken), context.CancellationToken);
        return new() { Exports = { page.Where(export => export.Expires > time.GetUtcNow()).Select(ToWire) }, NextPageToken = pages.SealText(ExportList, parent, caller, page.Count == size ? page[^1].Id : null) };
    }

    [Asks<ExportName>(Permission.Export, "name")]
    public override async Task<V1.Export> CancelExport(V1.CancelExportRequest request, ServerCallContext context)
    {
        var name = context.Resource<ExportName>();
        RequestId.Parse(request.RequestId);
        return ToWire(await exports.CancelAsync(name.Tenant, name.Export, context.Caller().Subject, Purpose.Require(request.Purpose), context.CancellationToken) ?? throw MissingExport(name));
    }

    [Asks<ExportName>(Permission.Export, "name", IsStanding = true)]
    public override async Task DownloadExport(V1.DownloadExportRequest request, IServerStreamWriter<V1.ExportPart> responseStream, ServerCallContext context)
    {
        var (name, caller, purpose) = (context.Resource<ExportName>(), context.Caller(), Purpose.Require(request.Purpose));
        var export = await RequireReady(name, caller, context.CancellationToken);
        var view = ViewOf(export);
        var list = $"export {export.Version}";
        var from = pages.OpenText(list, name, caller, request.ResumeToken, "resume_token") is { } position ? ExportPosition.Parse(position) : ExportPosition.Start;
        var selection = (await exports.SelectionAsync(export, context.CancellationToken)).ToList();
        await readings.Keep(caller, "transcript.export.download", name, purpose, [new("view", view.Name), new("conversations", $"{from.Next}-{selection.Count}")]);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, drain.Begun);
        var stream = new ExportStream((StoredRecord)record, Manifest(export), selection, view, Sign, time)
        {
            // Of whoever became so since it was asked for.
            IsWithheld = conversation => !caller.May(Permission.ReadRestricted) && restrictions.Covers(conversation),
        };
        async Task<SignedManifest> Sign(ExportManifest manifest, CancellationToken cancellation)
        {
            await AskAgain();
            var (bytes, note) = await grains.GetGrain<IExportingGrain>(name.Tenant).Sign(manifest.ToBytes());
            return new(bytes, note);
        }
        // It may be cancelled meanwhile, and a right withdrawn.
        async Task AskAgain()
        {
            caller = await callers.Of(context.GetHttpContext(), name);
            await RequireReady(name, caller, ending.Token);
        }
        try
        {
            var turns = from.Counts.Turns;
            await foreach (var frame in stream.ReadAsync(from, ending.Token))
            {
                if (!frame.Bytes.IsEmpty)
                    await AskAgain();
                for (var rest = frame.Bytes; !rest.IsEmpty; rest = rest[Math.Min(PartMax, rest.Length)..])
                    await responseStream.WriteAsync(new() { File = frame.File, Data = UnsafeByteOperations.UnsafeWrap(rest[..Math.Min(PartMax, rest.Length)]), Turns = turns }, ending.Token);
                if (frame.After is { } after)
                    await responseStream.WriteAsync(new() { File = frame.File, ResumeToken = pages.SealText(list, name, caller, after.ToString()), Turns = turns = after.Counts.Turns }, ending.Token);
            }
        }
        catch (OperationCanceledException) when (drain.Begun.IsCancellationRequested)
        {
            throw Drain.Refused();
        }
    }

    /// <exception cref="RefusedException">It cannot be had, or not by the caller.</exception>
    private async Task<Export> RequireReady(ExportName name, Caller caller, CancellationToken cancellation)
    {
        var export = await Find(name, cancellation);
        var view = ViewOf(export);
        foreach (var permission in view.WithReasoning ? [Permission.ReadFull, Permission.ReadReasoning] : view.IsWhole ? [Permission.ReadFull] : (Permission[])[])
            Access.Access.Require(caller, permission, name);
        return export.State is ExportState.Ready
            ? export
            : throw new RefusedException(new(Reason.ExportNotReady, $"{name} is {export.State}{(export.Failure is { } why ? $": {why}" : export.State is ExportState.Selecting ? ": ask GetExport until it is READY" : ": ask for another one")}"));
    }

    private async Task<Export> Find(ExportName name, CancellationToken cancellation) => await exports.FindAsync(name.Tenant, name.Export, cancellation) ?? throw MissingExport(name);

    private static ExportManifest Manifest(Export export) => new()
    {
        Format = ExportManifest.CurrentFormat,
        RecordFormat = ExportManifest.EntryFormat,
        Export = export.Name,
        Tenant = export.Tenant,
        Asked = export.Asked,
        Made = default,
        Counts = ExportPosition.Start.Counts,
        Files = [],
        Checkpoint = export.Checkpoint!,
        Key = export.Key!,
    };

    private static ExportView ViewOf(Export export) => new(
        export.Asked.View,
        IsWhole: export.Asked.View != Name(V1.TranscriptView.Redacted),
        WithReasoning: export.Asked.View == Name(V1.TranscriptView.Reasoning),
        text => PersonalData.Mask(text, PersonalData.Find(text)), RecordedItems.Masked, Views.IsGenerated);

    private static V1.Export ToWire(Export export) => new()
    {
        Name = export.Name,
        State = (V1.Export.Types.State)export.State,
        RequestedBy = export.Asked.By,
        RequestTime = export.Asked.At.ToTimestamp(),
        Purpose = export.Asked.Purpose,
        View = System.Enum.GetValues<V1.TranscriptView>().Single(view => Name(view) == export.Asked.View),
        Turns = export.Turns,
        Failure = export.Failure ?? "",
        ExpireTime = export.Expires.ToTimestamp(),
        Checkpoint = export.Checkpoint ?? "",
    };

    /// <summary>As the contract writes it.</summary>
    private static string Name(V1.TranscriptView view) => view switch
    {
        V1.TranscriptView.Unspecified => "",
        V1.TranscriptView.Redacted => "REDACTED",
        V1.TranscriptView.Full => "FULL",
        V1.TranscriptView.Reasoning => "REASONING",
        _ => throw new UnreachableException($"view {view}"),
    };

    private static RefusedException MissingExport(ExportName name) => new(new(Reason.ExportNotFound, $"{name} does not exist, or is past its time"));
}
